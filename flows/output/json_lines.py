"""A run as JSON lines on standard output, for other programs; see README, "JSON lines"."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from srcnn.job import Job, Outcome
from srcnn.planning.plan import Plan
from srcnn.reporting.progress import Snapshot
from srcnn.reporting.report import Report, outcome_fields
from srcnn.reporting.summary import Summary, megapixels

_PROGRESS_SECONDS = 5.0
_MEGA = 1_000_000


class JsonLines:
    """Writes events, one object a line, from any thread. Pure ASCII: names keep every byte."""

    def __init__(self) -> None:
        """Nothing told yet."""
        self._lock = threading.Lock()
        self._told: set[str] = set()
        self._progress_told = time.monotonic()
        self._closed = False

    def plan(self, job: Job, plan: Plan, *, dry_run: bool) -> None:
        """What the run is going to do."""
        self._write(
            "plan",
            run=job.run_id,
            src=job.src,
            dst=job.dst,
            dry_run=dry_run,
            images=len(plan.work) + len(plan.settled),
            to_make=len(plan.work),
            megapixels=_rounded(sum(work.size_out.pixels for work in plan.work) / _MEGA),
            warnings=plan.warnings,
        )

    def image(self, outcome: Outcome) -> None:
        """What became of an image; once."""
        with self._lock:
            if outcome.source in self._told:
                return
            self._told.add(outcome.source)
        fields = outcome_fields(outcome)
        self._write("image", **fields, megapixels=_rounded(megapixels(outcome)))

    def progress(self, outcome: Outcome, snapshot: Snapshot) -> None:
        """An image, and how far the run is, unless that was told a moment ago."""
        self.image(outcome)
        with self._lock:
            now = time.monotonic()
            done = snapshot.images >= snapshot.images_total
            if now - self._progress_told < _PROGRESS_SECONDS and not done:
                return
            self._progress_told = now
        left = snapshot.seconds_left
        self._write(
            "progress",
            images=snapshot.images,
            images_total=snapshot.images_total,
            failed=snapshot.failed,
            megapixels=_rounded(snapshot.megapixels),
            megapixels_total=_rounded(snapshot.megapixels_total),
            megapixels_per_second=_rounded(snapshot.megapixels_per_second),
            percent=round(snapshot.percent, 2),
            seconds_left=None if left is None else round(left, 1),
        )

    def summary(self, report: Report, summary: Summary, place: str) -> None:
        """The images that were not told of yet, then what the run came to."""
        self._images(report.images)
        self._write(
            "summary",
            run=report.job.run_id,
            counts=summary.counts,
            not_attempted=summary.not_attempted,
            megapixels=_rounded(summary.megapixels),
            megapixels_per_second=_rounded(summary.megapixels_per_second),
            seconds=round(summary.seconds, 3),
            report=place or None,
        )

    def error(self, message: str, exit_status: int) -> None:
        """Why the command ends with another status than 0."""
        self._write("error", message=message, exit_status=exit_status)

    def _images(self, images: Sequence[Outcome]) -> None:
        for outcome in images:
            self.image(outcome)

    def _write(self, event: str, **fields: Any) -> None:
        line = _line({"event": event, **fields})
        with self._lock:
            if self._closed:
                return
            try:
                sys.stdout.write(line)
                sys.stdout.flush()
            except OSError:  # the reader went away; the images are made all the same
                self._closed = True
                # Or the interpreter would fail to flush it at its end.
                # https://docs.python.org/3/library/signal.html#note-on-sigpipe
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _line(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields) + "\n"


def _rounded(value: float) -> float:
    return round(value, 6)
