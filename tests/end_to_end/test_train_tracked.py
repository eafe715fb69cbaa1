"""The flow `train-srcnn` as a flow run on a real Prefect server."""

from __future__ import annotations

import base64
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import Any

import cv2
import pytest

pytest.importorskip("torch", reason="training needs torch")

from prefect import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterParentFlowRunId,
)
from prefect.client.schemas.objects import Artifact

from flows.execution.run_training import CHART_KEY
from flows.options.train import TrainOptions
from flows.output import prefect_artifacts
from flows.output.training_verdict import VERDICT_KEY
from flows.train import train_srcnn
from tests.support.marks import TRACKED

pytestmark = TRACKED
STEPS = 150
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Twelve crops of a photograph."""
    from skimage import data  # noqa: PLC0415 - slow to import

    cat = cv2.cvtColor(data.chelsea(), cv2.COLOR_RGB2BGR)
    folder = tmp_path / "own"
    folder.mkdir()
    for number in range(12):
        top, left = 30 * (number // 4), 80 * (number % 4)
        cv2.imwrite(str(folder / f"{number:02}.png"), cat[top : top + 192, left : left + 200])
    return folder


def track(own: Path, **options: Any) -> Any:
    given = {"src": str(own), "dst": str(own.parent / "models"), "factors": "2"}
    given["qualities"] = "clean"
    return train_srcnn(TrainOptions(**{**given, **options}), return_state=True)


def artifacts_of(run_id: Any) -> dict[str, Artifact]:
    """The artifacts of a run, by key; each there is once."""
    only = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=only)
    by_key = {str(artifact.key): artifact for artifact in found}
    assert len(by_key) == len(found)
    return by_key


def picture_in(markdown: object) -> ET.Element:
    """The picture of a Markdown artifact."""
    head, _, encoded = str(markdown).partition(";base64,")
    assert head.endswith("(data:image/svg+xml")
    return ET.fromstring(base64.b64decode(encoded.removesuffix(")")))  # noqa: S314 - our own


@contextmanager
def watched(key: str) -> Iterator[list[str]]:
    """What the newest artifact of a key says of itself, while the body runs."""
    seen: list[str] = []
    over = threading.Event()

    def look() -> None:
        only = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
        with get_client(sync_client=True) as client:
            while not over.wait(0.3):
                found = client.read_artifacts(artifact_filter=only, limit=1)
                seen.extend(str(artifact.description) for artifact in found)

    # Prefect keeps its settings in a context variable.
    thread = threading.Thread(target=copy_context().run, args=(look,))
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def test_a_run_shows_its_gains_and_says_what_came_of_it(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRCNN_CACHE_DIR", str(own.parent / "cache"))
    monkeypatch.setenv("SRCNN_VALIDATION_SECONDS", "1")
    monkeypatch.setattr(prefect_artifacts, "_UPDATE_SECONDS", 0.3)
    with watched(CHART_KEY) as seen:
        state = track(own, steps=STEPS, start="identity")
    assert state.is_completed()
    run_id = state.state_details.flow_run_id
    result = state.result()
    start = "promoted: " if result["promoted"] else "kept the current model: "
    assert (state.message or "").startswith(start)
    found = artifacts_of(run_id)
    assert set(found) == {prefect_artifacts.PROGRESS_KEY, CHART_KEY, VERDICT_KEY}
    assert found[prefect_artifacts.PROGRESS_KEY].data == 100
    assert f"step {STEPS} of {STEPS}" in (found[prefect_artifacts.PROGRESS_KEY].description or "")
    last = f"Validation at step {STEPS}."
    assert found[CHART_KEY].description == last
    assert {text for text in seen if text.startswith("Validation at step ")} - {last}
    (line,) = picture_in(found[CHART_KEY].data).iter(f"{SVG}polyline")
    (gains,) = (own.parent / "cache").rglob("gains.jsonl")
    assert len(line.attrib["points"].split()) == len(gains.read_text().splitlines()) > 1
    table = str(found[VERDICT_KEY].data)
    assert "| x1.5 |" in table
    assert "| x2 |" in table
    export = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run_id]))
    with get_client(sync_client=True) as client:
        assert len(client.read_flow_runs(flow_run_filter=export)) == result["promoted"]
    again = track(own, steps=STEPS, start="identity")
    assert again.is_completed()
    assert (again.message or "").startswith("nothing to do: this training finished")


def test_a_run_that_cannot_start_fails_in_a_sentence(
    own: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = track(own, steps=1, include=["*.jpg"], work=str(own.parent / "work"))
    assert state.is_failed()
    assert "found 0 images" in (state.message or "")
    assert not [record for record in caplog.records if record.exc_info]
