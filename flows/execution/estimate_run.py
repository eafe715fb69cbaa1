"""Estimate what the run of a plan would take."""

from __future__ import annotations

from flows.execution.runners import Runner
from flows.execution.task_calls import TaskCalls
from srcnn.estimation.choose_sample import choose_sample
from srcnn.estimation.extrapolate import Estimate, extrapolate
from srcnn.job import Job
from srcnn.planning.plan import Plan
from srcnn.printable_text import one_line
from tasks import estimate as tasks
from tasks.logs import logger


def estimate_run(
    calls: TaskCalls, job: Job, plan: Plan, runner: Runner, before_seconds: float
) -> Estimate | None:
    """Estimate a run by some of its images; nothing is written.

    Args:
        calls: how tasks are called.
        job: what all images share.
        plan: of the run.
        runner: where images would be processed.
        before_seconds: that the run took until here.

    Returns:
        The estimate; None if nothing is to be done, or nothing can be said.
    """
    if not plan.tasks:
        return None
    if runner.remote:
        logger().info("no estimate of the time: the images are processed on other machines")
        return None
    sample = choose_sample(plan.tasks, job.output)
    measured = calls.call(tasks.measure, job, sample)
    estimate = extrapolate(sample, measured, before_seconds)
    if estimate is None:
        source, failure = next(iter(measured.failures.items()))
        logger().warning(
            "no estimate of the time: none of the %d images that were tried could be processed, "
            "for example %s: %s: %s",
            measured.images,
            one_line(source),
            failure.type,
            failure.message,
        )
    return estimate
