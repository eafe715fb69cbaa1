"""The summary of a run as Markdown, for the run's page in Prefect."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flows.output.markdown import format_code, format_table
from srcnn.image_task import ImageResult
from srcnn.reporting.report import Report, written_megapixels
from srcnn.reporting.summary import FailureReason, Summary
from srcnn.reporting.verdict import judge

_LONGEST_NAME_IN_TABLE = 60  # a cell does not wrap: more would push the figures out of sight
_MOST_WARNINGS = 10
_MOST_SLOWEST = 5
_MOST_EXAMPLES = 2
_MOST_FAILURES = 50


def render_summary(
    report: Report, summary: Summary, url: str, page_url: str, warnings: Sequence[str]
) -> str:
    """Render the summary of a run, tens of rows at the most.

    Args:
        report: of the run.
        summary: its numbers.
        url: of the report; empty if none was kept.
        page_url: of the run's page; empty if there is none.
        warnings: of the plan.
    """
    parts = [
        f"## {judge(summary).headline}",
        _numbers(summary),
        _places(report, url, page_url),
        _notes(summary),
        _reasons("Failures by reason", summary, known=False),
        _failures(report.images.others, page_url),
        _reasons("Known failures", summary, known=True),
        _slowest(summary.slowest[:_MOST_SLOWEST]),
        _warnings(warnings),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _numbers(summary: Summary) -> str:
    cells = {name: f"{count:,}" for name, count in summary.counts.items()}
    if summary.known:
        cells["of them known"] = f"{summary.known:,}"
    if summary.not_attempted:
        cells["of them not attempted"] = f"{summary.not_attempted:,}"
    cells["megapixels"] = f"{summary.megapixels:,.1f}"
    if not summary.dry_run:
        cells["Mpx per second"] = f"{summary.megapixels_per_second:,.2f}"
        cells["seconds"] = f"{summary.seconds:,.1f}"
    return format_table(list(cells), [list(cells.values())])


def _places(report: Report, url: str, page_url: str) -> str:
    job = report.job
    lines = {
        "from": _whole(job.source.given),
        "to": _whole(job.destination.given),
        "model": f"{_whole(job.model.url)}, sha256 {job.model.sha256[:12]}",
        "page": _link(page_url) if page_url else "",
        "report": _link(url) if url else "",
        "run": format_code(job.run_id),
    }
    return "\n".join(f"- {name}: {text}" for name, text in lines.items() if text)


def _whole(text: str) -> str:
    return format_code(text, len(text))


def _link(url: str, words: str = "") -> str:
    """Format a link if a browser can follow it.

    Args:
        url: of the file; shown as it is where it cannot be a link.
        words: of the link.
    """
    if not url.startswith(("http://", "https://")):
        return words or _whole(url)
    target = re.sub(r"[^!-~]|[<>\\]", lambda found: _percent(found[0]), url)
    return f"[{words or 'read it'}](<{target}>)"


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode(errors="surrogateescape"))


def _notes(summary: Summary) -> str:
    return "\n".join(f"- {line}" for line in summary.note_lines)


def _reasons(heading: str, summary: Summary, *, known: bool) -> str:
    """Format a list, whose lines wrap: one of the interfaces never breaks the line of a cell."""
    lines = [_reason(reason) for reason in summary.reasons if reason.known == known]
    if summary.other_failures and not known:
        lines.append(f"- **{summary.other_failures:,}** for other reasons: see the report")
    return f"### {heading}\n\n" + "\n".join(lines) if lines else ""


def _reason(reason: FailureReason) -> str:
    message = _whole(reason.text)
    examples = ", ".join(map(format_code, reason.examples[:_MOST_EXAMPLES]))
    return f"- **{reason.count:,}** {format_code(reason.type)}: {message} (for example {examples})"


def _failures(images: Sequence[ImageResult], page_url: str) -> str:
    """Format the new failures, without images not attempted."""
    failed = [image for image in images if image.is_new_failure and not image.not_attempted]
    if not failed:
        return ""
    lines = [_failure(image) for image in failed[:_MOST_FAILURES]]
    more = len(failed) - _MOST_FAILURES
    if more > 0:
        page = f"; {_link(page_url, 'the page')} has more of each reason" if page_url else ""
        lines.append(f"- and {more:,} more: the report has every name{page}")
    return "### Failed images\n\n" + "\n".join(lines)


def _failure(image: ImageResult) -> str:
    return f"- {format_code(image.source)}: {format_code(image.error.type if image.error else '')}"


def _slowest(images: Sequence[ImageResult]) -> str:
    if not images:
        return ""
    rows = [
        [
            format_code(image.source, _LONGEST_NAME_IN_TABLE),
            str(image.size_out) if image.size_out else "",
            f"{written_megapixels(image):.1f}",
            f"{image.seconds:.1f}",
        ]
        for image in images
    ]
    return "### Slowest images\n\n" + format_table(["image", "output (px)", "Mpx", "seconds"], rows)


def _warnings(warnings: Sequence[str]) -> str:
    if not warnings:
        return ""
    lines = [f"- {format_code(warning, 300)}" for warning in warnings[:_MOST_WARNINGS]]
    if len(warnings) > _MOST_WARNINGS:
        lines.append(f"- and {len(warnings) - _MOST_WARNINGS:,} more: see the logs")
    return "### Warnings\n\n" + "\n".join(lines)
