"""Finish a run: report, log, JSON lines, the run's page in Prefect, and the contact sheet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flows.errors import BatchFailedError, Interrupted
from flows.execution.collect_results import RunResult
from flows.execution.task_calls import TaskCalls
from flows.options.upscale import UpscaleOptions
from flows.output.log_summary import log_summary
from flows.output.mode import current_mode
from flows.output.prefect_artifacts import publish_sheet, publish_summary
from flows.output.summary_page import render_summary
from srcnn.job import Job
from srcnn.planning.plan import Plan
from srcnn.reporting.contact_sheet import choose_images
from srcnn.reporting.report import Report
from srcnn.reporting.summary import Summary, summarize
from tasks import upscale as tasks
from tasks.contact_sheet import make_contact_sheet
from tasks.logs import logger


@dataclass(frozen=True)
class FinishedRun:
    """A run that has processed its images.

    Attributes:
        job: what all images shared.
        options: as the user gave them.
        plan: that it followed.
        result: what became of the images.
        started: when, UTC.
        seconds: how long.
    """

    job: Job
    options: UpscaleOptions
    plan: Plan
    result: RunResult
    started: datetime
    seconds: float


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
        if counts["failed"] or result.is_fatal:
            text = f"{counts['failed']} of {counts['requested']} images failed"
            if result.ended:
                text += f" ({self.summary.not_attempted} not attempted: {result.ended})"
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
    report = Report(run.job, run.started, run.seconds, run.options.model_dump(), run.result.images)
    summary = summarize(report)
    log_summary(report, summary)
    url, error = _write_report(calls, report, run.options)
    lines = current_mode.get().lines
    if lines is not None:
        lines.summary(report, summary, run.result.not_shown, url)
    publish_summary(summary.text, render_summary(report, summary, url, run.plan.warnings))
    # A run that was ended does not wait for a contact sheet.
    if not (summary.dry_run or run.result.ended):
        _publish_contact_sheet(calls, report, sheet_images)
    return Ending(run.result, summary, url, error)


def _write_report(calls: TaskCalls, report: Report, options: UpscaleOptions) -> tuple[str, str]:
    """Write the report; return its URL, and why it could not be written."""
    try:
        keep = not options.dry_run
        return calls.call(tasks.write_report, report, options.report, keep=keep), ""
    except OSError as error:  # the images are written: the run still reports how they went
        text = f"the report could not be written: {error}"
        logger().error("%s", text)
        return "", text


def _publish_contact_sheet(calls: TaskCalls, report: Report, sheet_images: int) -> None:
    images = choose_images(report.images, sheet_images)
    sheet = calls.call(make_contact_sheet, report.job, images) if images else None
    if sheet:
        publish_sheet(sheet)
