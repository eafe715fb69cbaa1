"""The command `srcnn`: the commands of the three flows under one name.

srcnn upscale --src photos --scale 2.5

Each sub-command behaves as its script, such as `python flows/upscale.py`.
"""

from __future__ import annotations

import sys
from importlib.metadata import version

from cyclopts import App

from flows.cli import make_app, run

DISTRIBUTION = "srcnn-batch"

# The help of the scripts, repeated: importing them takes seconds.
SUMMARIES = {
    "upscale": "Upscale a folder or bucket of images, each by its own factor.",
    "export": "Export a checkpoint to ONNX, check the graph, publish it.",
    "train": "Train weights on your own pictures; use them where they are better.",
}


def make_srcnn_app() -> App:
    """Build the command, with a sub-command for each flow."""
    app = make_app("srcnn", "Upscale images with SRCNN; export and train its models.")
    app.version_flags = ["--version"]
    app.version = lambda: version(DISTRIBUTION)
    for name, summary in SUMMARIES.items():
        # By import path, so that the module is imported only if the command is used.
        app.command(f"flows.{name}:main", name=name, help=summary, version_flags=[])
    return app


def main() -> int:
    """Run the command line of this process and return its exit status."""
    return run(make_srcnn_app())


if __name__ == "__main__":
    sys.exit(main())
