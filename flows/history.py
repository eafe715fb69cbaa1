"""The command `srcnn history`: the last runs of a destination, from the reports it keeps.

srcnn history photos-upscaled --last 30
"""

from __future__ import annotations

from json import dumps
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from flows.command_pages import PAGES
from flows.make_command import RUN, WHAT, make_app
from flows.options.option_types import Flag
from flows.options.settings import load_settings
from flows.output.history_table import format_text
from flows.output.output_mode import choose_mode, current_mode
from flows.output.standard_output import write_out
from srcnn.printable_text import one_line
from srcnn.reporting.history import NIGHTS, read_failures, read_history
from srcnn.storage.folder import Folder
from tasks.credentials import use_credentials
from tasks.logs import logger

app = make_app("srcnn history", PAGES["history"])


@app.default
def main(
    dst: Annotated[
        str,
        Parameter(group=WHAT, metavar="URL", help="Folder or prefix that upscale runs wrote."),
    ],
    *,
    last: Annotated[
        int,
        Parameter(group=WHAT, validator=Number(gte=1, lte=100_000), help="Runs to show."),
    ] = NIGHTS,
    failures: Annotated[
        Flag,
        Parameter(
            group=WHAT,
            help="Write the failed images of the last run as JSON lines, for --known-failures.",
        ),
    ] = False,
    json: Annotated[
        Flag, Parameter(group=RUN, help="Write the runs as JSON lines to standard output.")
    ] = False,
) -> int:
    """Show the last runs of a destination, the newest first."""
    choose_mode(quiet=False, json=json)
    settings = load_settings()
    use_credentials(settings.aws_block)
    destination = Folder(dst, settings.storage)
    if failures:
        _write_failures(destination)
        return 0
    runs = read_history(destination, last)
    lines = current_mode.get().lines
    if lines is not None:
        for run in runs:
            lines.past_run(run)
        return 0
    _write(format_text(runs))
    for run in runs:
        if run.problem:
            logger().warning("%s: %s", run.run_id, one_line(run.problem))
    return 0


def _write_failures(destination: Folder) -> None:
    run, images = read_failures(destination)
    _write("".join(f"{dumps(image)}\n" for image in images))
    logger().info("run %s: failures that can be accepted: %d", run.run_id, len(images))
    if run.state == "ended early":
        logger().warning("run %s ended early: it did not try every image", run.run_id)


def _write(text: str) -> None:
    error = write_out(text)
    if error and not isinstance(error, BrokenPipeError):
        raise error
