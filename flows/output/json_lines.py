"""A run as JSON lines on standard output, for other programs (docs/reference/output.md)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from flows.output.standard_output import write_out
from srcnn.image_task import ImageResult
from srcnn.job import Job
from srcnn.planning.plan import Plan
from srcnn.reporting.batch_progress import BatchSnapshot
from srcnn.reporting.history import PastRun
from srcnn.reporting.report import Report, written_megapixels
from srcnn.reporting.result_lines import result_fields
from srcnn.reporting.summary import Summary

_PROGRESS_SECONDS = 5.0
_MEGA = 1_000_000


class JsonLines:
    """Writes events, one object a line, from any thread. Pure ASCII: names keep every byte."""

    def __init__(self) -> None:
        """Nothing is written yet."""
        self._lock = threading.Lock()
        self._progress_written = time.monotonic()
        self._closed = False

    def plan(self, job: Job, plan: Plan, *, dry_run: bool) -> None:
        """Write what the run is going to do."""
        self._write(
            "plan",
            run=job.run_id,
            src=job.source.given,
            dst=job.destination.given,
            dry_run=dry_run,
            images=plan.requested,
            to_make=len(plan.tasks),
            megapixels=_round(sum(task.size_out.pixels for task in plan.tasks) / _MEGA),
            warnings=plan.warnings,
            ignored=plan.ignored,
        )

    def estimate(self, fields: Mapping[str, Any]) -> None:
        """Write what the run will take.

        Args:
            fields: as the report has them.
        """
        self._write("estimate", **fields)

    def result(self, result: ImageResult, snapshot: BatchSnapshot) -> None:
        """Write an image, and the progress of the run, unless that was written a moment ago."""
        self._image(result)
        with self._lock:
            now = time.monotonic()
            done = snapshot.images >= snapshot.images_total
            if now - self._progress_written < _PROGRESS_SECONDS and not done:
                return
            self._progress_written = now
        left = snapshot.seconds_left
        self._write(
            "progress",
            images=snapshot.images,
            images_total=snapshot.images_total,
            failed=snapshot.failed,
            megapixels=_round(snapshot.megapixels),
            megapixels_total=_round(snapshot.megapixels_total),
            megapixels_per_second=_round(snapshot.megapixels_per_second),
            percent=round(snapshot.percent, 2),
            seconds_left=None if left is None else round(left, 1),
        )

    def summary(
        self,
        report: Report,
        summary: Summary,
        not_shown: Iterable[ImageResult],
        url: str,
        page_url: str,
    ) -> None:
        """Write the results that were not written yet, then the numbers of the run."""
        for result in not_shown:
            self._image(result)
        self._write(
            "summary",
            run=report.job.run_id,
            counts=summary.counts,
            not_attempted=summary.not_attempted,
            known=summary.known,
            megapixels=_round(summary.megapixels),
            megapixels_per_second=_round(summary.megapixels_per_second),
            seconds=round(summary.seconds, 3),
            report=url or None,
            page=page_url or None,
        )

    def past_run(self, run: PastRun) -> None:
        """Write an earlier run of a destination."""
        head, rate = run.head, run.head.megapixels_per_second if run.head else None
        fields = asdict(head.run) | asdict(head.summary) if head else {}
        self._write(
            "run",
            run=run.run_id,
            state=run.state,
            problem=run.problem or None,
            counts=asdict(head.counts) if head else None,
            megapixels_per_second=None if rate is None else _round(rate),
            **fields | ({"started": head.run.started.isoformat()} if head else {}),
        )

    def error(self, message: str, exit_status: int) -> None:
        """Why the command ends with another status than 0."""
        self._write("error", message=message, exit_status=exit_status)

    def _image(self, result: ImageResult) -> None:
        megapixels = _round(written_megapixels(result))
        self._write("image", **result_fields(result), megapixels=megapixels)

    def _write(self, event: str, **fields: Any) -> None:
        line = _encode({"event": event, **fields})
        with self._lock:
            # If the reader went away, the run goes on.
            self._closed = self._closed or write_out(line) is not None


def _encode(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields) + "\n"


def _round(value: float) -> float:
    return round(value, 6)
