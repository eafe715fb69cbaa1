"""Writes docs/performance.md and its plots from the figures of all parts.

    python benchmarks/page.py [--results FOLDER] [--docs FOLDER]

Measures nothing. The last section of the page is docs/performance_notes.md, which is written by
hand.
"""

from __future__ import annotations

from pathlib import Path

import results
import sections
from goals import Figures
from options import FIGURES, make_parser

DOCS = Path(__file__).parent.parent / "docs"
NOTES = DOCS / "performance_notes.md"
PARTS = ("engine", "sizes", "memory", "job")

INTRODUCTION = """<!-- Made by `make bench`; do not edit. By hand: docs/performance_notes.md. -->
# Performance

`make bench` measures all of this again and writes this page; it takes about ten minutes on two
cores. A part can be measured alone: `python benchmarks/engine.py`, then
`python benchmarks/page.py`. `make bench-quick` tries all benchmarks on tiny inputs and changes
neither the figures nor this page."""

METHOD = """Each engine runs in a process of its own, on the same cores and with the same number of
threads. In every round each engine runs once, in random order, while all others are stopped
(SIGSTOP), because thread pools that wait by spinning would slow each other down. The first round
does not count. Ratios are computed within each round, and the tables show their median: if the
speed of the machine drifts or other work runs on it, both sides of a ratio slow down.

Times run from a decoded picture (uint8, height x width x 3) to the finished one and include all
conversions. `tutorial's loop` is the exported graph in ONNX Runtime on the whole picture, with
default session options, then clipped and cast, as in OpenMMLab's deployment tutorial. `three
channels` is the same loop with a network of three channels, as SRCNN was published, with random
weights. PyTorch runs the network that was exported, under `inference_mode`. OpenVINO runs the same
ONNX file, with `INFERENCE_PRECISION_HINT` and the performance hint for latency. OpenCV's DNN runs
the same file, or the convolutions only, after OpenCV's cubic. `ours` is `srcnn.Upscaler`.

The photographs ship with scikit-image."""

JOB = """The whole command, `python flows/upscale.py --no-track`, on JPEG files, by its own report.
Inference, decoding and encoding of the same files are measured alone, half before the command and
half after it. `Start and end` is the rest of the process: imports, the report, the contact
sheet."""


def render(folder: Path, notes: Path = NOTES) -> str:
    """Return the page.

    Args:
        folder: of the figures, a file per part.
        notes: the section that is written by hand.
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
        *_make_chapter("Engines", parts["engine"], sections.engines),
        *_make_chapter("Factors", parts["engine"], sections.factors),
        *_make_chapter("Kinds of pictures", parts["engine"], sections.kinds),
        *_make_chapter("Sizes", parts["sizes"], sections.sizes),
        *_make_chapter("Memory", parts["memory"], sections.memory),
        *_make_chapter("The whole command", parts["job"], sections.job, JOB),
        notes.read_text().strip(),
    ]
    return "\n\n".join(chapters) + "\n"


def _make_chapter(
    title: str, part: Figures | None, section: sections.Section, introduction: str = ""
) -> list[str]:
    if part is None:
        return [f"## {title}", "Not measured."]
    return [f"## {title}", *filter(None, [introduction]), section(part)]


def main() -> None:
    import plots  # noqa: PLC0415 - the text needs no matplotlib

    parser = make_parser(__doc__)
    parser.add_argument("--results", type=Path, default=FIGURES)
    parser.add_argument("--docs", type=Path, default=DOCS)
    options = parser.parse_args()
    options.docs.mkdir(parents=True, exist_ok=True)
    page = options.docs / "performance.md"
    page.write_text(render(options.results))
    parts = {name: results.read(options.results, name) for name in PARTS}
    plots.draw(parts, options.docs / "images")
    print(page)


if __name__ == "__main__":
    main()
