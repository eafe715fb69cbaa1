"""The command `srcnn`: the commands of the three flows under one name.

srcnn upscale --src photos --scale 2.5

Each sub-command behaves as its script, such as `python flows/upscale.py`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from flows.command_pages import PAGES, SRCNN
from flows.startup import start

if TYPE_CHECKING:
    from cyclopts import App


def make_srcnn_app() -> App:
    """Build the command, with a sub-command for each flow."""
    from flows.make_command import describe, make_app  # noqa: PLC0415 - imports, after `start`

    app = make_app("srcnn", SRCNN)
    for place, (name, page) in enumerate(PAGES.items()):
        texts = describe(f"srcnn {name}", page)
        # By import path, so that the module is imported only if the command is used.
        app.command(f"flows.{name}:main", name=name, sort_key=place, **texts)
    return app


def main() -> int:
    """Run the command line of this process and return its exit status."""
    start()
    from flows.cli import run  # noqa: PLC0415 - imports take seconds, after `start`

    return run(make_srcnn_app())


if __name__ == "__main__":
    sys.exit(main())
