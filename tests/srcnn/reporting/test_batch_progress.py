"""How far a run is: counted, worded, and kept on the run's page."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect import flow, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
)
from prefect.client.schemas.objects import Artifact

from flows.options.upscale import UpscaleOptions
from flows.output import prefect_artifacts
from flows.output.progress_bar import format_figures
from flows.output.show_progress import show_progress
from flows.upscale import batch_upscale
from srcnn.geometry import Size
from srcnn.image_task import Failure, ImageResult, ImageTask, Status
from srcnn.parse_scale import parse_scale
from srcnn.reporting.batch_progress import BatchProgress, BatchSnapshot, Rate
from srcnn.storage.file_table import FileInfo
from tests.support.marks import TRACKED


def work(name: str, side: int) -> ImageTask:
    size = Size(side, side)
    return ImageTask(
        name, name, parse_scale("2"), FileInfo(1, "1"), Size(side // 2, side // 2), size
    )


def outcome(
    item: ImageTask, status: Status = "written", error: Failure | None = None
) -> ImageResult:
    return ImageResult(
        item.source, item.output, status, (2, 2), item.size_in, item.size_out, 0, error
    )


@given(st.lists(st.integers(2, 5000), min_size=1, max_size=50))
def test_every_image_counts_and_the_end_is_exactly_100(sides: list[int]) -> None:
    items = [work(str(number), side) for number, side in enumerate(sides)]
    progress = BatchProgress(items)
    assert progress.snapshot().percent == 0
    before = 0.0
    for item in items:
        progress.add(outcome(item))
        now = progress.snapshot()
        assert before < now.percent <= 100
        before = now.percent
    assert now.percent == 100.0
    assert (now.images, now.failed, now.seconds_left) == (len(items), 0, 0.0)


def test_threads_lose_no_image() -> None:
    items = [work(str(number), 100) for number in range(2000)]
    progress = BatchProgress(items)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda item: progress.add(outcome(item)), items))
    assert progress.snapshot().images == 2000
    assert progress.snapshot().megapixels == pytest.approx(20)


def test_a_failure_counts_and_adds_no_rate() -> None:
    items = [work("a", 1000), work("b", 1000)]
    progress = BatchProgress(items)
    progress.add(outcome(items[0], "failed", Failure("DamagedImage", "cut")))
    now = progress.snapshot()
    assert (now.images, now.failed, now.percent) == (1, 1, 50.0)
    assert now.megapixels_per_second == 0  # a failure makes no megapixels
    assert now.seconds_left is None
    assert now.text == "1 of 2 images, 1.0 of 2.0 Mpx, 0.00 Mpx/s, 1 failed"


def test_no_work_is_done_at_once() -> None:
    assert BatchProgress([]).snapshot().percent == 100


def test_the_rate_is_of_the_last_minute() -> None:
    rate = Rate(0.0)
    assert rate.per_second(0.0) == 0
    rate.add(10.0, 20.0)
    assert rate.per_second(10.0) == 2.0
    assert rate.per_second(20.0) == 1.0  # it falls while nothing is done
    for second in range(11, 200):
        rate.add(float(second), 5.0)
    assert rate.per_second(199.0) == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (
            BatchSnapshot(3, 9, 1, 12.34, 40.0, 0.5),
            " 31% 12.3/40.0 Mpx, 0.5 Mpx/s, 0:55 left, 3/9 images, 1 failed",
        ),
        (
            BatchSnapshot(0, 9, 0, 0.0, 40.0, 0.0),
            "  0% 0.0/40.0 Mpx, 0.0 Mpx/s, -:-- left, 0/9 images",
        ),
        (
            BatchSnapshot(1, 9, 0, 0.0, 7200.0, 1.0),
            "  0% 0.0/7200.0 Mpx, 1.0 Mpx/s, 2:00:00 left, 1/9 images",
        ),
    ],
)
def test_the_figures_beside_the_bar(now: BatchSnapshot, words: str) -> None:
    assert format_figures(now) == words


def artifacts_of(run_id: Any, key: str) -> list[Artifact]:
    with get_client(sync_client=True) as client:
        return client.read_artifacts(
            artifact_filter=ArtifactFilter(
                flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]),
                key=ArtifactFilterKey(any_=[key]),
            )
        )


class TestTracked:
    pytestmark = TRACKED

    def test_a_run_leaves_progress_a_summary_and_a_contact_sheet(self, pictures: Path) -> None:
        (pictures / "cut.png").write_bytes((pictures / "cat.png").read_bytes()[:-40])
        state = batch_upscale(UpscaleOptions(src=str(pictures)), return_state=True)
        run_id = state.state_details.flow_run_id
        (progress,) = artifacts_of(run_id, prefect_artifacts.PROGRESS_KEY)
        assert (progress.type, progress.data) == ("progress", 100)
        assert "5 of 5 images" in (progress.description or "")
        (summary,) = artifacts_of(run_id, prefect_artifacts.SUMMARY_KEY)
        assert (summary.description or "").startswith("5 images: 4 written")
        assert "| 5 | 4 | 0 | 1 |" in str(summary.data)
        assert f"`{pictures}-upscaled/.srcnn/runs/" in str(summary.data)
        (sheet,) = artifacts_of(run_id, prefect_artifacts.SHEET_KEY)
        assert "](data:image/jpeg;base64,/9j/" in str(sheet.data)

    def test_a_dry_run_leaves_a_summary_alone(self, pictures: Path) -> None:
        state = batch_upscale(UpscaleOptions(src=str(pictures), dry_run=True), return_state=True)
        run_id = state.state_details.flow_run_id
        (summary,) = artifacts_of(run_id, prefect_artifacts.SUMMARY_KEY)
        assert (summary.description or "").startswith("4 images: 4 would be written")
        assert not artifacts_of(run_id, prefect_artifacts.PROGRESS_KEY)
        assert not artifacts_of(run_id, prefect_artifacts.SHEET_KEY)

    def test_progress_that_cannot_be_shown_is_logged_once_and_stops_nothing(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(prefect_artifacts, "_UPDATE_SECONDS", 0.5)
        items = [work("a", 1000), work("b", 1000)]

        @flow
        def loses_its_artifact() -> int:
            from prefect.context import FlowRunContext  # noqa: PLC0415

            context = FlowRunContext.get()
            assert context
            assert context.flow_run
            with show_progress(items) as show:
                (artifact,) = artifacts_of(context.flow_run.id, prefect_artifacts.PROGRESS_KEY)
                with get_client(sync_client=True) as client:
                    client.delete_artifact(artifact.id)
                for item in items:
                    show(outcome(item))
                while "cannot be shown" not in caplog.text:
                    time.sleep(0.05)
            return len(items)

        assert loses_its_artifact() == 2
        assert caplog.text.count("progress cannot be shown in Prefect") == 1


def test_outside_of_a_flow_run_nothing_is_published(caplog: pytest.LogCaptureFixture) -> None:
    with prefect_artifacts.progress_artifact(BatchProgress([]).snapshot):
        prefect_artifacts.publish_summary("nothing", "# nothing")
    assert not caplog.records
