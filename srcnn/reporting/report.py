"""The account of a run: every image requested is written, skipped or failed.

Knows the report's form (see README, "The report") and nothing of how it is shown.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from srcnn.destination.ledger import STATE_FOLDER
from srcnn.job import Failure, Job, Outcome, scale_of
from srcnn.planning.plan import Plan

RUNS_FOLDER = f"{STATE_FOLDER}/runs"


@dataclass(frozen=True)
class Report:
    """A finished run.

    Attributes:
        job: what all images shared.
        started: when, UTC.
        seconds: how long.
        options: as the user gave them.
        images: one outcome for each image requested, by source.
    """

    job: Job
    started: datetime
    seconds: float
    options: Mapping[str, Any]
    images: list[Outcome]

    @property
    def counts(self) -> dict[str, int]:
        """requested, written, skipped, failed; the first is the sum of the others."""
        count = Counter(image.status for image in self.images)
        return {
            "requested": len(self.images),
            **{status: count[status] for status in ("written", "skipped", "failed")},
        }

    @property
    def key(self) -> str:
        """Where the destination keeps it."""
        return f"{RUNS_FOLDER}/{self.job.run_id}.json"

    def to_json(self) -> bytes:
        """The report as people and programs read it."""
        content = {
            "run": {
                "id": self.job.run_id,
                "started": self.started.isoformat(),
                "seconds": round(self.seconds, 3),
                "src": self.job.src,
                "dst": self.job.dst,
                "model": {"url": self.job.model, "sha256": self.job.model_sha256},
                "options": dict(self.options),
            },
            "counts": self.counts,
        }
        # A line for each image: five times as fast as indenting them, and a third smaller.
        images = ",\n  ".join(json.dumps(outcome_fields(outcome)) for outcome in self.images)
        head = json.dumps(content, indent=1).removesuffix("\n}")
        return f'{head},\n "images": [\n  {images}\n ]\n}}\n'.encode()


def outcome_fields(outcome: Outcome) -> dict[str, Any]:
    """What became of an image, as the report has it."""
    error = outcome.error
    return {
        "source": outcome.source,
        "output": outcome.output,
        "status": outcome.status,
        "scale": outcome.scale,
        "size_in": outcome.size_in,
        "size_out": outcome.size_out,
        "seconds": round(outcome.seconds, 3),
        "error": {"type": error.type, "message": error.message} if error else None,
        "notes": list(outcome.notes),
    }


def reconcile(plan: Plan, outcomes: Iterable[Outcome]) -> list[Outcome]:
    """One outcome for each image of the plan, by source: none missing, none twice.

    Args:
        plan: what was requested.
        outcomes: what the shards told; an image that none of them tells of has failed.
    """
    told = {outcome.source: outcome for outcome in outcomes}
    lost = Failure("Lost", "no worker told what became of this image; run again to make it")
    worked = [
        told.get(work.source)
        or Outcome(work.source, work.output, "failed", None, work.size_in, error=lost)
        for work in plan.work
    ]
    return sorted(plan.settled + worked, key=lambda outcome: outcome.source)


def dry_outcomes(plan: Plan) -> list[Outcome]:
    """What a run of this plan would make of each image, by source."""
    would = [
        Outcome(
            work.source,
            work.output,
            "written",
            scale_of(work.size_in, work.size_out),
            work.size_in,
            work.size_out,
        )
        for work in plan.work
    ]
    return sorted(plan.settled + would, key=lambda outcome: outcome.source)


def utc_now() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)
