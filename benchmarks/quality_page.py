"""Write docs/quality.md, its curve, and the table of docs/models.md from the figures of quality.py.

    python benchmarks/quality_page.py [--results FOLDER] [--docs FOLDER] [--models FILE]

Measures nothing. The pictures to look at are drawn by crops.py.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import quality_sections as sections
import results

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
MODELS = DOCS / "models.md"

INTRODUCTION = """<!-- Made by `make quality`; do not edit. -->
# Quality

How near enlarged pictures come to their originals. `make quality` measures all of it again, in
some minutes, and writes this page; it needs the reference data (Set5, Set14, and OpenMMLab's
checkpoint)."""

METHOD = """A picture is cut to a size that the factor reaches, made small by antialiased bicubic
(a = -0.5), rounded to 8 bits, enlarged again, rounded to 8 bits, and compared with what it was; a
border of the factor's pixels, rounded up, is left out. The small pictures of x2, x3 and x4 are
those of the benchmark to the bit: they were made by MATLAB's `imresize`. Told are means over the
pictures of a set, of PSNR and SSIM (Wang et al. 2004, Gaussian window of 11 px) on Y of BT.601. The
pictures were never trained on, and no weights were chosen by them.

- `bicubic` is what stands before the network in the exported graph: a = -0.75, the border
  repeated. The papers' has a = -0.5 and comes out lower: 33.66 dB on Set5 at x2.
- `openmmlab-x4` is OpenMMLab's checkpoint of the same network, trained for x4 alone, in the same
  engine.
- `bundled` is the model that ships with the package: one file for all factors.
- `one network for each factor` are the published figures of Dong et al. (*Image Super-Resolution
  Using Deep Convolutional Networks*, TPAMI 2016): larger networks (9-5-5), each trained on ImageNet
  for its factor alone, and run at no other. They were not measured here."""

LOOK = """Photographs that ship with scikit-image, shown twice as large as they are; the figures are
PSNR on Y of the whole photograph.

![The same crops, enlarged by each, beside the original](images/quality_crops.png)"""

CURVE = """![PSNR over bicubic against the factor](images/quality_by_factor.png)

What lies below the panels is in the table."""


def render(figures: sections.Figures) -> str:
    """The page."""
    chapters = [
        INTRODUCTION,
        "## At a glance",
        sections.at_a_glance(figures),
        "## What is measured",
        METHOD,
        sections.provenance(figures),
        "## The factors that are published",
        sections.published(figures),
        sections.other_measures(figures),
        "## Every factor",
        CURVE,
        sections.by_factor(figures),
        "## To look at",
        LOOK,
        "## What is not better",
        sections.not_better(figures),
    ]
    return "\n\n".join(chapters) + "\n"


def with_table(page: str, figures: sections.Figures) -> str:
    """The text of docs/models.md with its table rewritten.

    Raises:
        SystemExit: its marks are not there.
    """
    marked = r"(<!-- quality -->\n).*?(<!-- /quality -->)"
    body = rf"\g<1>{sections.summary_table(figures)}\n\g<2>"
    text, count = re.subn(marked, body, page, flags=re.DOTALL)
    if count != 1:
        raise SystemExit("expected the marks <!-- quality --> and <!-- /quality --> once")
    return text


def main() -> int:
    import quality_curve  # noqa: PLC0415 - the text needs no matplotlib

    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--results", type=Path, default=results.FOLDER)
    arguments.add_argument("--docs", type=Path, default=DOCS)
    arguments.add_argument("--models", type=Path, default=MODELS)
    options = arguments.parse_args()
    figures = results.read(options.results, "quality")
    if figures is None:
        print(f"{options.results}: no quality.json; run benchmarks/quality.py", file=sys.stderr)
        return 2
    options.models.write_text(with_table(options.models.read_text(), figures))
    options.docs.mkdir(parents=True, exist_ok=True)
    quality_curve.draw(figures, options.docs / "images")
    page = options.docs / "quality.md"
    page.write_text(render(figures))
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
