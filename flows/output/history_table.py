"""The earlier runs of a destination as a table: in a terminal, and on a run's page in Prefect."""

from __future__ import annotations

from collections.abc import Sequence

from prefect.context import FlowRunContext

from flows.output.markdown import format_code, format_table
from flows.output.prefect_artifacts import HISTORY_KEY, Content, publish
from srcnn.printable_text import one_line, shorten
from srcnn.reporting.history import NIGHTS, PastRun, ReportHead, read_history
from srcnn.storage.folder import Folder
from tasks.logs import logger

_HEAD = (
    *("started (UTC)", "state", "seconds", "requested", "written", "skipped", "failed", "known"),
    *("Mpx/s", "model", "run"),
)
_NUMBERS = range(2, 9)  # of the columns above
_LONGEST_MODEL = 12


def format_text(runs: Sequence[PastRun]) -> str:
    """Format the runs for a terminal: a line each, below the names of the columns.

    Args:
        runs: of a destination.
    """
    lines = [_HEAD, *map(_list_cells, runs)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(f"{_align(line, widths)}\n" for line in lines)


def _align(line: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.rjust(width) if at in _NUMBERS else cell.ljust(width)
        for at, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def format_markdown(runs: Sequence[PastRun]) -> str:
    """Format the runs as a table in Markdown, without their IDs: Prefect's column is narrow.

    Args:
        runs: of a destination.
    """
    rows = [[*cells[:-2], format_code(cells[-2])] for cells in map(_list_cells, runs)]
    return format_table(_HEAD[:-1], rows)


def publish_history(destination: Folder) -> None:
    """Show the last runs of a destination on the page of this flow run; it never fails the run.

    Args:
        destination: that has this run's report.
    """
    if FlowRunContext.get() is None:
        return
    try:
        runs = read_history(destination, NIGHTS)
    # The images are written; a table that is not does not change that.
    except Exception as error:  # noqa: BLE001 - logged
        logger().warning("the history cannot be shown in Prefect: %s", one_line(str(error)))
        return
    place = shorten(one_line(destination.given), 100)
    publish(HISTORY_KEY, "markdown", Content(format_markdown(runs), f"The last runs to {place}"))


def _list_cells(run: PastRun) -> list[str]:
    """Return a run's cells, as visible text without markup."""
    day, time, head = run.run_id[:8], run.run_id[9:], run.head
    numbers = _list_numbers(head) if head else [""] * len(_NUMBERS)
    model = head.run.model.sha256[:_LONGEST_MODEL] if head else ""
    started = f"{day[:4]}-{day[4:6]}-{day[6:]} {time[:2]}:{time[2:4]}"
    return [started, run.state, *numbers, one_line(model), run.run_id]


def _list_numbers(head: ReportHead) -> list[str]:
    counts, rate = head.counts, head.megapixels_per_second
    numbers = (counts.requested, counts.written, counts.skipped, counts.failed, head.summary.known)
    return [
        f"{head.run.seconds:,.1f}",
        *(f"{number:,}" for number in numbers),
        "" if rate is None else f"{rate:,.2f}",
    ]
