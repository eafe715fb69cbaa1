"""Writes docs/quality.md, its curve and the table in docs/models.md from figures of quality.py.

    python benchmarks/quality_page.py [--results FOLDER] [--docs FOLDER] [--models FILE]

Measures nothing. The crops to look at are drawn by crops.py.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import quality_sections as sections
import results
from options import FIGURES, make_parser

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
MODELS = DOCS / "models.md"

INTRODUCTION = """<!-- Made by `make quality`; do not edit. -->
# Quality

How close enlarged pictures come to their originals. `make quality` measures all of this again in a
few minutes and writes this page; it needs the reference data (Set5, Set14 and OpenMMLab's
checkpoint)."""

METHOD = """A picture is cropped to a size that the factor can reach, shrunk by antialiased bicubic
(a = -0.5), rounded to 8 bits, enlarged again, rounded to 8 bits, and compared with the original. A
border as wide as the factor (rounded up) is cropped before the comparison. The reduced pictures
for x2, x3 and x4 are identical, bit for bit, to the benchmark's, which were made by MATLAB's
`imresize`. The tables show means over the pictures of a set, of PSNR and SSIM (Wang et al. 2004,
Gaussian window of 11 px) on Y of BT.601. No network was trained on these pictures, and no weights
were chosen by them.

- `bicubic` is the interpolation in front of the network in the exported graph: a = -0.75, with the
  border repeated. Papers use a = -0.5, which scores lower: 33.66 dB on Set5 at x2.
- `openmmlab-x4` is OpenMMLab's checkpoint of the same network, trained for x4 only, in the same
  engine.
- `bundled` is the model that ships with the package: one file for all factors.
- `one network for each factor` are the published figures of Dong et al. (*Image Super-Resolution
  Using Deep Convolutional Networks*, TPAMI 2016): larger networks (9-5-5), each trained on ImageNet
  for one factor and run only at that factor. They were not measured here."""

LOOK = """Photographs that ship with scikit-image, shown at twice their size; the figures are PSNR
on Y of the whole photograph.

![The same crops, enlarged by each, beside the original](images/quality_crops.png)"""

CURVE = """![PSNR over bicubic against the factor](images/quality_by_factor.png)

Values below the panels are in the table."""


def render(figures: sections.Figures) -> str:
    """Return the page."""
    chapters = [
        INTRODUCTION,
        "## At a glance",
        sections.at_a_glance(figures),
        "## What is measured",
        METHOD,
        sections.provenance(figures),
        "## Published factors",
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


def replace_table(page: str, figures: sections.Figures) -> str:
    """Return docs/models.md with a new table.

    Raises:
        SystemExit: the marks around the table are missing.
    """
    marked = r"(<!-- quality -->\n).*?(<!-- /quality -->)"
    body = rf"\g<1>{sections.summary_table(figures)}\n\g<2>"
    text, count = re.subn(marked, body, page, flags=re.DOTALL)
    if count != 1:
        raise SystemExit("expected the marks <!-- quality --> and <!-- /quality --> once")
    return text


def main() -> int:
    import quality_curve  # noqa: PLC0415 - the text needs no matplotlib

    parser = make_parser(__doc__)
    parser.add_argument("--results", type=Path, default=FIGURES)
    parser.add_argument("--docs", type=Path, default=DOCS)
    parser.add_argument("--models", type=Path, default=MODELS)
    options = parser.parse_args()
    figures = results.read(options.results, "quality")
    if figures is None:
        print(
            f"{options.results}: quality.json not found; run benchmarks/quality.py", file=sys.stderr
        )
        return 2
    options.models.write_text(replace_table(options.models.read_text(), figures))
    options.docs.mkdir(parents=True, exist_ok=True)
    quality_curve.draw(figures, options.docs / "images")
    page = options.docs / "quality.md"
    page.write_text(render(figures))
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
