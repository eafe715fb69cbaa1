"""The flows as flow runs on a real Prefect server."""

import json
import logging
import math
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
)
from prefect.client.schemas.objects import FlowRun, TaskRun
from prefect.exceptions import ParameterTypeError
from prefect.settings import PREFECT_API_URL

from flows.errors import BatchFailedError
from flows.options.upscale import UpscaleOptions
from flows.upscale import batch_upscale
from tests.support.marks import TRACKED
from tests.support.servers.faults import FaultProxy

pytestmark = TRACKED


def finished(flow_run: FlowRun) -> FlowRun:
    with get_client(sync_client=True) as client:
        return client.read_flow_run(flow_run.id)


def recorded_task_runs(flow_run_id: UUID, count: int) -> list[TaskRun]:
    """Waits for the records: the server writes them from events, also after a flow has ended."""
    flow_filter = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id]))
    until = time.monotonic() + 60
    with get_client(sync_client=True) as client:
        while True:
            tasks = client.read_task_runs(flow_run_filter=flow_filter)
            if len(tasks) >= count or time.monotonic() > until:
                return tasks
            time.sleep(0.2)


def track(options: UpscaleOptions) -> Any:
    return batch_upscale(options, return_state=True)


def test_a_tracked_run_writes_what_an_untracked_one_does(pictures: Path) -> None:
    (pictures / "scales.csv").write_text("path,scale\ncats/**,1.5x2\n")
    tracked, untracked = pictures.parent / "tracked", pictures.parent / "untracked"
    state = track(UpscaleOptions(src=str(pictures), dst=str(tracked)))
    counts = batch_upscale.fn(UpscaleOptions(src=str(pictures), dst=str(untracked)))
    assert state.is_completed()
    assert state.result() == counts
    assert re.fullmatch(
        r"4 images: 4 written \(0\.0 Mpx\), 0 skipped, 0 failed, in [\d.]+ s", state.message or ""
    )
    flow_run = finished(FlowRun(id=state.state_details.flow_run_id, flow_id=state.id))
    assert re.search(r"/pictures 20\d\d-\d\d-\d\d \d\d:\d\d UTC$", flow_run.name)
    names = [path.relative_to(tracked) for path in tracked.rglob("*.*") if path.suffix != ".json"]
    outputs = [name for name in names if ".srcnn" not in name.parts]
    assert len(outputs) == 4
    for name in outputs:
        assert (tracked / name).read_bytes() == (untracked / name).read_bytes()


def test_known_failures_pass_and_the_history_of_the_destination_is_shown(pictures: Path) -> None:
    (pictures / "cut.png").write_bytes((pictures / "cat.png").read_bytes()[:-40])
    options = UpscaleOptions(src=str(pictures))
    assert track(options).is_failed()
    (report,) = (Path(f"{pictures}-upscaled") / ".srcnn" / "runs").glob("*.json")
    failed = [image for image in json.loads(report.read_text())["images"] if image["error"]]
    known = pictures.parent / "known.jsonl"
    known.write_text("".join(f"{json.dumps(image)}\n" for image in failed))
    state = track(options.model_copy(update={"known_failures": str(known)}))
    assert state.is_completed()
    assert "1 failed (1 of them known)" in (state.message or "")
    run_id = state.state_details.flow_run_id
    with get_client(sync_client=True) as client:
        artifacts = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
        )
    texts = {str(artifact.key): str(artifact.data) for artifact in artifacts}
    assert "### Known failures" in texts["srcnn-summary"]
    assert "### Failures by reason" not in texts["srcnn-summary"]
    states = [line.split(" | ")[1] for line in texts["srcnn-history"].splitlines()[2:]]
    assert states == ["passed", "failed"]


def test_shards_are_task_runs(pictures: Path) -> None:
    state = track(UpscaleOptions(src=str(pictures), workers=2))
    tasks = recorded_task_runs(state.state_details.flow_run_id, count=12)
    once = [
        "load-model",
        "plan",
        "open-destination",
        "open-report",
        "write-report",
        "contact-sheet",
    ]
    assert Counter(task.name.rpartition("-")[0] for task in tasks) == Counter(
        [*once, *["upscale-shard"] * 4, *["write-page"] * 2]
    )


def test_a_batch_with_failures_is_a_failed_run_that_says_how_many(pictures: Path) -> None:
    (pictures / "cut.png").write_bytes((pictures / "cat.png").read_bytes()[:-40])
    state = track(UpscaleOptions(src=str(pictures)))
    assert state.is_failed()
    assert "1 of 5 images failed; report: " in (state.message or "")
    with pytest.raises(BatchFailedError, match="1 of 5 images failed"):
        state.result()
    (report,) = (Path(f"{pictures}-upscaled") / ".srcnn" / "runs").glob("*.json")
    assert json.loads(report.read_text())["counts"]["written"] == 4


def test_a_mistake_is_reported_without_a_traceback(
    pictures: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (pictures / "scales.csv").write_text("path,scale\n*,0\n")
    with caplog.at_level(logging.INFO), pytest.raises(ValueError, match=r"scales\.csv:2"):
        batch_upscale(UpscaleOptions(src=str(pictures)))
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert errors
    assert not [record for record in errors if record.exc_info]


def test_a_server_that_goes_away_stops_no_image(
    pictures: Path, clean_environment: dict[str, str]
) -> None:
    dst = Path(f"{pictures}-upscaled")
    api = str(PREFECT_API_URL.value())
    with FaultProxy(api.removesuffix("/api")) as proxy:
        proxy.fail("reset", math.inf, path_contains="/events/in")  # it knows no web sockets
        process = subprocess.Popen(
            [sys.executable, "flows/upscale.py", "--src", pictures],
            env=clean_environment
            | {"PREFECT_API_URL": f"{proxy.endpoint}/api", "PREFECT_CLIENT_MAX_RETRIES": "0"},
            stderr=subprocess.PIPE,
            text=True,
        )
        until = time.monotonic() + 60
        while not list(dst.glob(".srcnn/lock/*.json")):
            assert time.monotonic() < until
            time.sleep(0.005)
        proxy.fail("reset", math.inf)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1, stderr
    assert "error: the connection to the Prefect API was lost (" in stderr
    (report,) = (dst / ".srcnn" / "runs").glob("*.json")
    assert json.loads(report.read_text())["counts"]["written"] == 4
    assert not list(dst.glob(".srcnn/lock/*"))


@pytest.mark.parametrize(
    "words",
    [
        ["flows/upscale.py", "{src}"],
        # As in a worker's process.
        ["-c", "from flows.upscale import batch_upscale as b; b(options={{'src': '{src}'}})"],
    ],
    ids=["command", "flow"],
)
def test_a_reader_that_goes_away_stops_no_image(
    pictures: Path, clean_environment: dict[str, str], words: list[str]
) -> None:
    process = subprocess.Popen(
        [sys.executable, *(word.format(src=pictures) for word in words)],
        env=clean_environment | {"PREFECT_API_URL": str(PREFECT_API_URL.value())},
        stderr=subprocess.PIPE,
    )
    assert process.stderr
    assert any(b"model bundled" in line for line in process.stderr)
    process.stderr.close()
    assert process.wait(timeout=120) == 0
    (report,) = Path(f"{pictures}-upscaled").glob(".srcnn/runs/*.json")
    assert json.loads(report.read_text())["counts"]["written"] == 4


@pytest.mark.parametrize(
    "parameters",
    [{"src": "x", "scale": "99"}, {"src": "x", "sale": "2"}, {"scale": "2"}, {"src": "s3://k:s@b"}],
)
def test_bad_parameters_are_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises((ParameterTypeError, ValueError)) as caught:
        batch_upscale(options=parameters)
    assert "k:s" not in str(caught.value)


def test_an_export_shows_its_parity(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from flows.export import export_srcnn  # noqa: PLC0415
    from flows.options.export import ExportOptions  # noqa: PLC0415

    state = export_srcnn(ExportOptions(dst=str(tmp_path)), return_state=True)
    assert state.is_completed()
    assert (tmp_path / "srcnn.onnx").exists()
    assert (state.message or "").startswith(
        f"bundled exported to {tmp_path}/srcnn.onnx: as PyTorch"
    )
    run_id = state.state_details.flow_run_id
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(run_id).name.startswith("bundled 20")
        artifacts = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
        )
    (table,) = [artifact for artifact in artifacts if artifact.type == "table"]
    rows = json.loads(table.data)
    assert len(rows) >= 30
    assert max(row["largest difference"] for row in rows) < 0.01
