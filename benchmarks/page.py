"""Write docs/performance.md and its pictures from the figures of all parts.

    python benchmarks/page.py [--results FOLDER] [--docs FOLDER]

Measures nothing. What was tried, and what it gave, is written by hand in
docs/performance_notes.md, and becomes the page's last section.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import results
import sections
from goals import Figures

DOCS = Path(__file__).parent.parent / "docs"
NOTES = DOCS / "performance_notes.md"
PARTS = ("engine", "sizes", "memory", "job", "precision")

INTRODUCTION = """<!-- Made by `make bench`; do not edit. By hand: docs/performance_notes.md. -->
# Performance

`make bench` measures everything here again, in about ten minutes on two cores, and writes this
page. A part can be measured alone (`python benchmarks/engine.py`, then
`python benchmarks/page.py`), and `make bench-quick` tries all parts on tiny inputs, and touches
neither figures nor page."""

METHOD = """Each engine lives in a process of its own, on the same cores and with the same number of
threads. In every round each one runs once, in random order, while all others are stopped
(SIGSTOP): thread pools that wait by spinning would slow each other down. A first round is not
counted. Ratios are taken within each round, and their median is told: so that a machine whose
speed drifts, or that others work on, slows both sides of a ratio.

Timed is the way from a decoded picture (uint8, height x width x 3) to a finished one, with all
conversions. `tutorial's loop` is the exported graph in ONNX Runtime, whole, with default session
options, then clipped and cast, as OpenMMLab's deployment tutorial runs it. PyTorch runs the
network that was exported, under `inference_mode`. OpenVINO takes the same ONNX file, with
`INFERENCE_PRECISION_HINT` and the performance hint for latency. OpenCV's DNN takes the same file,
or the convolutions alone behind OpenCV's cubic. `ours` is `srcnn.Upscaler`.

The photographs ship with scikit-image."""

JOB = """The whole command, `python flows/upscale.py --no-track`, on JPEG files, by its own report;
inference, decoding and encoding are those of the same files, measured alone, half before the
command and half after it. `Start and end` is what the process takes besides: imports, the report,
the contact sheet."""

PRECISION = """Mean PSNR on photographs, shrunk by antialiased bicubic and enlarged again."""


def render(folder: Path, notes: Path = NOTES) -> str:
    """The page.

    Args:
        folder: holds the figures, a file for each part.
        notes: what was written by hand.
    """
    parts = {name: results.read(folder, name) for name in PARTS}
    chapters = [
        INTRODUCTION,
        "## At a glance",
        sections.at_a_glance(parts),
        "## Machine",
        sections.surroundings(parts),
        "## Method",
        METHOD,
        *_chapter("Engines", parts["engine"], sections.engines),
        *_chapter("Factors", parts["engine"], sections.factors),
        *_chapter("Kinds of pictures", parts["engine"], sections.kinds),
        *_chapter("Sizes", parts["sizes"], sections.sizes),
        *_chapter("Memory", parts["memory"], sections.memory),
        *_chapter("The whole command", parts["job"], sections.job, JOB),
        *_chapter("What `fast` loses", parts["precision"], sections.precision, PRECISION),
        notes.read_text().strip(),
    ]
    return "\n\n".join(chapters) + "\n"


def _chapter(title: str, part: Figures | None, of: sections.Section, before: str = "") -> list[str]:
    if part is None:
        return [f"## {title}", "Not measured."]
    return [f"## {title}", *filter(None, [before]), of(part)]


def main() -> None:
    import plots  # noqa: PLC0415 - the text needs no matplotlib

    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--results", type=Path, default=results.FOLDER)
    arguments.add_argument("--docs", type=Path, default=DOCS)
    options = arguments.parse_args()
    options.docs.mkdir(parents=True, exist_ok=True)
    page = options.docs / "performance.md"
    page.write_text(render(options.results))
    parts = {name: results.read(options.results, name) for name in PARTS}
    plots.draw(parts, options.docs / "images")
    print(page)


if __name__ == "__main__":
    main()
