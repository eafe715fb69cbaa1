"""Finish a run: report, log, page, JSON lines, summary in Prefect, and contact sheet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flows.errors import BatchFailedError, Interrupted
from flows.execution.collect_results import RunResult
from flows.execution.task_calls import TaskCalls
from flows.options.upscale import UpscaleOptions
from flows.output.describe_run import describe_run, list_versions
from flows.output.history_table import publish_history
from flows.output.log_estimate import log_accuracy, log_estimate
from flows.output.log_summary import log_summary
from flows.output.output_mode import current_mode
from flows.output.prefect_artifacts import publish_sheet, publish_summary
from flows.output.summary_page import render_summary
from srcnn.batch.known_failures import KnownFailures
from srcnn.estimation.extrapolate import Estimate
from srcnn.estimation.first_images import EarlyEstimate
from srcnn.job import Job
from srcnn.planning.plan import Plan
from srcnn.printable_text import one_line
from srcnn.reporting.before_after_samples import choose_images
from srcnn.reporting.report import Report
from srcnn.reporting.run_page import RunPage
from srcnn.reporting.summary import Summary, summarize
from tasks import upscale as tasks
from tasks.contact_sheet import make_contact_sheet
from tasks.logs import logger
from tasks.run_page import write_page

_MOST_OUTDATED = 10


@dataclass(frozen=True)
class FinishedRun:
    """A run that has processed its images.

    Attributes:
        job: what all images shared.
        options: as the user gave them.
        plan: that it followed.
        known: failures that were accepted.
        result: what became of the images.
        started: when, UTC.
        seconds: how long.
        estimate: what it was estimated to take, by a dry run or by its first images.
    """

    job: Job
    options: UpscaleOptions
    plan: Plan
    known: KnownFailures
    result: RunResult
    started: datetime
    seconds: float
    estimate: Estimate | EarlyEstimate | None = None


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Attributes:
        result: what became of the images.
        summary: the numbers of the run.
        report_url: of the report; empty if none was kept.
        report_error: why the report could not be written; empty if it was.
    """

    result: RunResult
    summary: Summary
    report_url: str
    report_error: str

    def raise_if_failed(self) -> None:
        """Raise what gives the run its exit status, if that is not 0.

        Raises:
            Interrupted: a signal ended it.
            BatchFailedError: images failed, or the report could not be written.
        """
        result, counts = self.result, self.summary.counts
        if result.signal_number:
            raise Interrupted(result.signal_number)
        if self.summary.new_failures or result.is_fatal:
            text = f"{counts['failed']} of {counts['requested']} images failed"
            if self.summary.known:
                text += f", {self.summary.known} of them known"
            if result.ended:
                idle = self.summary.not_attempted
                text += f" ({f'{idle} not attempted: ' if idle else ''}{result.ended})"
            more = f"report: {self.report_url}" if self.report_url else self.report_error
            raise BatchFailedError(f"{text}; {more}" if more else text)
        if self.report_error:
            raise BatchFailedError(self.report_error)


def finish(calls: TaskCalls, run: FinishedRun, sheet_images: int) -> Ending:
    """Report how a run ended, in every place where a result is shown.

    Args:
        calls: how tasks are called.
        run: the run.
        sheet_images: the most that its contact sheet shows; 0 for none.
    """
    estimate = run.estimate
    report = _build_report(run)
    summary = summarize(report)
    log_summary(report, summary)
    if isinstance(estimate, Estimate):
        log_estimate(run.job, estimate)
    elif estimate and not run.result.ended:
        log_accuracy(estimate, run.seconds)
    url, error = _write_report(calls, report, run.options)
    warnings = run.plan.warnings + _warn_of_outdated(run)
    page = describe_run(report, summary, run.result.ended, (url, error), warnings)
    page_url = "" if summary.dry_run else _write_page(calls, page)
    lines = current_mode.get().lines
    if lines is not None:
        if isinstance(estimate, Estimate):
            lines.estimate(estimate.fields)
        lines.summary(report, summary, run.result.not_shown, url, page_url)
    publish_summary(summary.text, render_summary(report, summary, url, page_url, warnings))
    if url and not summary.dry_run:
        publish_history(run.job.destination)
    # A run that was ended does not wait for pictures.
    if not (summary.dry_run or run.result.ended):
        _add_pictures(calls, report, page, sheet_images)
    return Ending(run.result, summary, url, error)


def _build_report(run: FinishedRun) -> Report:
    return Report(
        job=run.job,
        started=run.started,
        seconds=run.seconds,
        options=run.options.model_dump(),
        images=run.result.images,
        ended=run.result.ended,
        versions=list_versions(),
        estimate=run.estimate.fields if run.estimate else None,
        ignored=run.plan.ignored,
    )


def _warn_of_outdated(run: FinishedRun) -> list[str]:
    """Warn of known failures that no longer fail; a dry run has not tried them."""
    outdated = [] if run.options.dry_run else run.known.list_outdated(run.result.images)
    if not outdated:
        return []
    names = ", ".join(outdated[:_MOST_OUTDATED])
    more = f" and {len(outdated) - _MOST_OUTDATED:,} more" if outdated[_MOST_OUTDATED:] else ""
    text = f"{run.options.known_failures}: remove what no longer fails: {names}{more}"
    logger().warning("%s", one_line(text))
    return [text]


def _write_report(calls: TaskCalls, report: Report, options: UpscaleOptions) -> tuple[str, str]:
    """Write the report; return its URL, and why it could not be written."""
    try:
        keep = not options.dry_run
        return calls.call(tasks.write_report, report, options.report, keep=keep), ""
    except OSError as error:  # the images are written: the run still reports how they went
        text = f"the report could not be written: {error}"
        logger().error("%s", text)
        return "", text


def _write_page(calls: TaskCalls, page: RunPage) -> str:
    """Write the page, still without pictures; return its URL, or "" if that failed."""
    url = calls.call(write_page, page, [])
    if url:
        logger().info("page: %s", one_line(url))
    return url


def _add_pictures(calls: TaskCalls, report: Report, page: RunPage, sheet_images: int) -> None:
    """Read some images back; show them in Prefect, and write the page again, with them."""
    images = choose_images(report.images.others, sheet_images)
    sheet = calls.call(make_contact_sheet, report.job, images) if images else None
    if sheet:
        publish_sheet(sheet.jpeg)
        calls.call(write_page, page, sheet.previews)
