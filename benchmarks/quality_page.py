"""Writes docs/quality.md, its curves and the table in docs/models.md from measured figures.

    python benchmarks/quality_page.py [--results FOLDER] [--docs FOLDER] [--models FILE]

Measures nothing: the figures are those of quality.py and jpeg.py. The crops to look at are drawn
by crops.py.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import jpeg_sections
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

JPEG_CURVE = "![PSNR over bicubic against the JPEG's quality, at x2](images/quality_by_jpeg.png)"

JPEG_LOOK = """Photographs that ship with scikit-image, saved as JPEGs, shown at twice their size;
the figures are PSNR on Y of the whole photograph.

![The same crops of JPEGs, beside the original](images/quality_jpeg_crops.png)"""

LOOK = """Photographs that ship with scikit-image, shown at twice their size; the figures are PSNR
on Y of the whole photograph.

![The same crops, enlarged by each, beside the original](images/quality_crops.png)"""

CURVE = """![PSNR over bicubic against the factor](images/quality_by_factor.png)

Values below the panels are in the table."""


def render(figures: sections.Figures, jpeg: sections.Figures) -> str:
    """Return the page."""
    chapters = [
        INTRODUCTION,
        "## At a glance",
        sections.at_a_glance(figures) + "\n" + jpeg_sections.at_a_glance(jpeg),
        "## What is measured",
        METHOD,
        sections.provenance(figures),
        "## Published factors",
        sections.published(figures),
        sections.other_measures(figures),
        "## Every factor",
        CURVE,
        sections.by_factor(figures),
        "## JPEGs",
        jpeg_sections.METHOD,
        JPEG_CURVE,
        jpeg_sections.by_quality(jpeg),
        jpeg_sections.CLEAN_UP,
        jpeg_sections.clean_up(jpeg),
        jpeg_sections.KERNELS,
        jpeg_sections.by_kernel(jpeg),
        JPEG_LOOK,
        "## To look at",
        LOOK,
        "## Published figures of others",
        sections.others(figures),
        "## What is not better",
        sections.not_better(figures) + "\n" + jpeg_sections.not_better(jpeg),
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
    parts = {name: results.read(options.results, name) for name in ("quality", "jpeg")}
    figures, jpeg = parts["quality"], parts["jpeg"]
    if figures is None or jpeg is None:
        missing = next(name for name, part in parts.items() if part is None)
        text = f"{options.results}: {missing}.json not found; run benchmarks/{missing}.py"
        print(text, file=sys.stderr)
        return 2
    options.models.write_text(replace_table(options.models.read_text(), figures))
    options.docs.mkdir(parents=True, exist_ok=True)
    quality_curve.draw(figures, jpeg, options.docs / "images")
    page = options.docs / "quality.md"
    page.write_text(render(figures, jpeg))
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
