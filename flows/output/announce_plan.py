"""What a run is going to do, before it does it."""

from __future__ import annotations

from collections.abc import Mapping

from flows.output.output_mode import current_mode
from srcnn.job import Job
from srcnn.planning.plan import Plan
from srcnn.printable_text import one_line
from srcnn.reporting.summary import count_images
from tasks.logs import logger

_HINT = "; with --enlarge-first, it is given pictures that are enlarged already"


def describe_ignored(ignored: Mapping[str, int]) -> str:
    """Return a line on files that are not images, so that nobody believes they were upscaled.

    Args:
        ignored: how many, by extension.
    """
    count = sum(ignored.values())
    kinds = ", ".join(f"{number} {kind}" for kind, number in ignored.items())
    files = "1 file of another kind is" if count == 1 else f"{count} files of other kinds are"
    return f"{files} not upscaled: ignored {kinds}"


def announce_plan(job: Job, plan: Plan, *, dry_run: bool) -> None:
    """Report what the run is going to do: warnings to people, everything to programs."""
    log = logger()
    for warning in plan.warnings:
        log.warning("%s", one_line(warning))
    resized = sum(task.is_resized for task in plan.tasks)
    if resized:
        fixed = job.model.graph.fixed
        log.info(
            "the model has the fixed factor %s: its results for %s are resized to another factor%s",
            fixed,
            count_images(resized),
            _HINT if str(fixed) == "1" else "",
        )
    if plan.ignored:
        log.info("%s", one_line(describe_ignored(plan.ignored)))
    lines = current_mode.get().lines
    if lines is not None:
        lines.plan(job, plan, dry_run=dry_run)
