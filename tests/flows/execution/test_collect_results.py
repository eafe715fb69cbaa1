"""One stream of results: each image once, from any thread, and a limit of failures on top."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from flows.execution.collect_results import ResultCollector, RunResult
from srcnn.batch.cancellation import Cancellation
from srcnn.batch.failure_limit import FailureLimit, parse_failure_limit
from srcnn.geometry import Size
from srcnn.image_results import ImageResults
from srcnn.image_task import NOT_ATTEMPTED, Failure, ImageResult, ImageTask
from srcnn.parse_scale import parse_scale
from srcnn.planning.plan import Plan
from srcnn.storage.file_table import FileInfo


def task(name: str) -> ImageTask:
    return ImageTask(name, name, parse_scale("2"), FileInfo(1, "1"), Size(5, 5), Size(10, 10))


def written(item: ImageTask) -> ImageResult:
    return ImageResult(item.source, item.output, "written", (2, 2), item.size_in, item.size_out)


def failed(item: ImageTask, kind: str = "DamagedImage") -> ImageResult:
    return ImageResult.failed(item, Failure(kind, "cut"))


TASKS = [task(f"{number:03}") for number in range(200)]


class Collected:
    """A collector, and what it passed on."""

    def __init__(self, *settled: ImageResult, limit: FailureLimit | None = None) -> None:
        self.cancellation = Cancellation()
        self.shown: list[ImageResult] = []
        self.collector = ResultCollector(
            Plan(TASKS, ImageResults().add(settled)), limit, self.cancellation, self.shown.append
        )


def test_each_image_is_passed_on_once_whoever_reports_it_twice() -> None:
    collected = Collected()
    with ThreadPoolExecutor(8) as pool:
        results = [written(item) for item in TASKS]
        list(pool.map(collected.collector.add, results + results))
    assert sorted(image.source for image in collected.shown) == [item.source for item in TASKS]
    result = collected.collector.finish(0)
    assert list(result.images) == results
    assert list(result.not_shown) == []


def test_the_first_result_of_an_image_counts() -> None:
    collected = Collected()
    collected.collector.add(written(TASKS[0]))
    collected.collector.add(failed(TASKS[0]))
    assert collected.collector.finish(0).images.others[0].status == "written"


def test_a_failure_of_the_whole_shard_counts_in_place_of_what_was_shown() -> None:
    collected = Collected(limit=parse_failure_limit("1"))
    collected.collector.add(written(TASKS[0]))
    collected.collector.add(failed(TASKS[1]))
    for item in TASKS[:3]:
        collected.collector.fail(failed(item, "RuntimeError"))
    assert collected.cancellation.reason.startswith("2 images failed")
    result = collected.collector.finish(0)
    assert [image.error for image in result.images.others[:3]] == [
        Failure("RuntimeError", "cut")
    ] * 3
    assert [image.source for image in collected.shown] == ["000", "001", "002"]


def test_an_image_not_attempted_whose_shard_fails_is_shown_and_counted_once() -> None:
    collected = Collected(limit=parse_failure_limit("0"))
    collected.collector.add(failed(TASKS[0], NOT_ATTEMPTED))
    assert not collected.cancellation.is_cancelled
    for _ in range(2):
        collected.collector.fail(failed(TASKS[0], "RuntimeError"))
    assert [image.error for image in collected.shown] == [Failure("RuntimeError", "cut")]
    assert collected.cancellation.reason.startswith("1 image failed")
    assert TASKS[0].source not in {
        image.source for image in collected.collector.finish(0).not_shown
    }


def test_images_not_attempted_or_lost_are_left_for_the_end() -> None:
    skipped = ImageResult("a", "a", "skipped")
    collected = Collected(skipped)
    collected.collector.add(written(TASKS[0]))
    collected.collector.add(failed(TASKS[1], NOT_ATTEMPTED))
    result = collected.collector.finish(0)
    assert [image.source for image in collected.shown] == ["000"]
    assert len(result.images) == len(TASKS) + 1
    assert len(list(result.not_shown)) == len(TASKS)
    assert result.images.others[2].error == Failure(
        "Lost", "no worker reported a result for this image: run again"
    )


@pytest.mark.parametrize(("failures", "is_cancelled"), [(2, False), (3, True)])
def test_failures_of_the_plan_count_towards_the_limit(failures: int, *, is_cancelled: bool) -> None:
    limit = parse_failure_limit("2")
    collected = Collected(failed(task("planned")), limit=limit)
    for item in TASKS[: failures - 1]:
        collected.collector.add(failed(item))
        collected.collector.add(failed(item))  # with its shard
    collected.collector.add(failed(TASKS[10], NOT_ATTEMPTED))
    assert collected.cancellation.is_cancelled is is_cancelled
    result = collected.collector.finish(0)
    assert not result.is_fatal
    assert bool(result.ended) is is_cancelled


def test_too_many_failures_of_the_plan_cancel_the_work_before_it_begins() -> None:
    limit = parse_failure_limit("0")
    collected = Collected(failed(task("planned")), limit=limit)
    expected = "1 image failed, more than --max-failures 0 allows"
    assert collected.cancellation.reason == expected


def test_a_dry_run_predicts_what_would_be_written() -> None:
    result = RunResult.predict(
        Plan(TASKS[:1], ImageResults().add([ImageResult("a", "a", "skipped")]))
    )
    assert [image.status for image in result.images] == ["written", "skipped"]
    assert list(result.not_shown) == list(result.images)
