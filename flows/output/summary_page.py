"""The summary of a run as Markdown, for the run's page in Prefect."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flows.output.markdown import format_code, format_table
from srcnn.image_task import ImageResult
from srcnn.reporting.report import Report
from srcnn.reporting.summary import FailureReason, Summary, written_megapixels

_LONGEST_NAME_IN_TABLE = 60  # a cell does not wrap: more would push the figures out of sight
_MOST_WARNINGS = 10


def render_summary(report: Report, summary: Summary, url: str, warnings: Sequence[str]) -> str:
    """Render the page of a run, tens of rows at the most.

    Args:
        report: of the run.
        summary: its numbers.
        url: of the report; empty if none was kept.
        warnings: of the plan.
    """
    parts = [
        f"## {_headline(summary)}",
        _numbers(summary),
        _places(report, url),
        _notes(summary),
        _reasons(summary),
        _slowest(summary.slowest),
        _warnings(warnings),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _headline(summary: Summary) -> str:
    counts = summary.counts
    if summary.dry_run:
        return f"{counts['written']:,} of {counts['requested']:,} images would be written"
    if counts["failed"]:
        return f"{counts['failed']:,} of {counts['requested']:,} images failed"
    return f"{counts['written']:,} images written, {counts['skipped']:,} up to date"


def _numbers(summary: Summary) -> str:
    cells = {name: f"{count:,}" for name, count in summary.counts.items()}
    if summary.not_attempted:
        cells["of them not attempted"] = f"{summary.not_attempted:,}"
    cells["megapixels"] = f"{summary.megapixels:,.1f}"
    if not summary.dry_run:
        cells["Mpx per second"] = f"{summary.megapixels_per_second:,.2f}"
        cells["seconds"] = f"{summary.seconds:,.1f}"
    return format_table(list(cells), [list(cells.values())])


def _places(report: Report, url: str) -> str:
    job = report.job
    lines = {
        "from": _whole(job.source.given),
        "to": _whole(job.destination.given),
        "model": f"{_whole(job.model.url)}, sha256 {job.model.sha256[:12]}",
        "report": _link(url) if url else "",
        "run": format_code(job.run_id),
    }
    return "\n".join(f"- {name}: {text}" for name, text in lines.items() if text)


def _whole(text: str) -> str:
    return format_code(text, len(text))


def _link(url: str) -> str:
    """Format a link if a browser can follow it."""
    if not url.startswith(("http://", "https://")):
        return _whole(url)
    target = re.sub(r"[^!-~]|[<>\\]", lambda found: _percent(found[0]), url)
    return f"[read it](<{target}>)"


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode(errors="surrogateescape"))


def _notes(summary: Summary) -> str:
    return "\n".join(f"- {line}" for line in summary.note_lines)


def _reasons(summary: Summary) -> str:
    """Format a list, whose lines wrap: one of the interfaces never breaks the line of a cell."""
    if not summary.reasons:
        return ""
    lines = [_reason(reason) for reason in summary.reasons]
    if summary.other_failures:
        lines.append(f"- **{summary.other_failures:,}** for other reasons: see the report")
    return "### Failures by reason\n\n" + "\n".join(lines)


def _reason(reason: FailureReason) -> str:
    message = _whole(reason.text)
    examples = ", ".join(map(format_code, reason.examples))
    return f"- **{reason.count:,}** {format_code(reason.type)}: {message} (for example {examples})"


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
