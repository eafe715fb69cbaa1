"""What a run is going to do, before it does it."""

from __future__ import annotations

from flows.output.mode import current_mode
from srcnn.job import Job
from srcnn.planning.plan import Plan
from srcnn.reporting.summary import count_images
from srcnn.text import one_line
from tasks.logs import logger


def announce_plan(job: Job, plan: Plan, *, dry_run: bool) -> None:
    """Report what the run is going to do: warnings to people, everything to programs."""
    log = logger()
    for warning in plan.warnings:
        log.warning("%s", one_line(warning))
    resized = sum(task.is_resized for task in plan.tasks)
    if resized:
        log.info(
            "the model has the fixed factor %s: its results for %s are resized to another factor",
            job.model.graph.fixed,
            count_images(resized),
        )
    if plan.ignored:
        kinds = ", ".join(f"{count} {kind}" for kind, count in plan.ignored.items())
        log.info("ignored %s: not images that can be upscaled", one_line(kinds))
    lines = current_mode.get().lines
    if lines is not None:
        lines.plan(job, plan, dry_run=dry_run)
