"""Measures the quality of results on Set5 and Set14, at every factor.

    python benchmarks/quality.py [--quick] [--reference FOLDER]

Needs the pictures of the benchmark, FOLDER/bench/Set5/image_SRF_2/*_HR.png and so on, and takes
OpenMMLab's checkpoint from FOLDER/checkpoints if it exists. The pictures are only for measuring:
no network is trained on them, and no weights are chosen by them. With --quick and without a
folder, pictures from scikit-image take their place.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
from enlargers import OFFICIAL, add_reference, find_reference, load_models, make_enlargers
from options import make_part_parser
from photographs import load_photographs
from results import Part

from srcnn.quality.compare import Enlarge, measure
from srcnn.quality.conditions import Condition
from srcnn.quality.degradation import Picture

DATASETS = ("Set5", "Set14")
# The whole factors that papers publish, and others between and around them.
FACTORS = (1.1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 3, 3.5, 4, 5, 6, 7, 8)
QUICK_FACTORS = (1.5, 2)
QUICK_SIDE_PX, QUICK_PICTURES = 96, 2
CUT_FOR = (2, 3, 4)  # factors for which the benchmark has cropped pictures


def find_folder(reference: Path, dataset: str, factor: float) -> Path:
    """Return the folder of the pictures; other factors use those of x2, the largest."""
    cut_for = factor if factor in CUT_FOR else CUT_FOR[0]
    return reference / "bench" / dataset / f"image_SRF_{cut_for:g}"


def load_originals(
    reference: Path | None, dataset: str, factor: float, *, quick: bool
) -> list[Picture]:
    """Load the originals, BGR; without reference data, pictures from scikit-image."""
    if reference:
        folder = find_folder(reference, dataset, factor)
        pictures = [cv2.imread(str(file)) for file in sorted(folder.glob("*_HR.png"))]
    else:
        pictures = load_photographs()
    if not quick:
        return pictures
    return [picture[:QUICK_SIDE_PX, :QUICK_SIDE_PX] for picture in pictures[:QUICK_PICTURES]]


def report_missing(reference: Path) -> bool:
    """Print the folders without pictures; return whether there are any."""
    wanted = {find_folder(reference, dataset, factor) for dataset in DATASETS for factor in CUT_FOR}
    missing = sorted(folder for folder in wanted if not any(folder.glob("*_HR.png")))
    if missing:
        print("\n".join(f"{folder}: no *_HR.png found" for folder in missing), file=sys.stderr)
        print("Give the folder of the reference data by --reference", file=sys.stderr)
    return bool(missing)


def measure_dataset(
    dataset: str, each: dict[str, Enlarge], reference: Path | None, *, quick: bool
) -> dict[str, Any]:
    """Return the figures by factor and by enlarger."""
    factors: dict[str, Any] = {}
    count = 0
    for factor in QUICK_FACTORS if quick else FACTORS:
        print(f"{dataset} x{factor:g}", file=sys.stderr)
        originals = load_originals(reference, dataset, factor, quick=quick)
        count = len(originals)
        factors[f"{factor:g}"] = {
            name: asdict(measure(enlarge, originals, Condition(factor)))
            for name, enlarge in each.items()
        }
    return {"pictures": count, "factors": factors}


def main() -> int:
    parser = make_part_parser(__doc__)
    add_reference(parser)
    options = parser.parse_args()
    reference, quick = find_reference(options), options.quick
    if reference and report_missing(reference):
        return 2
    part = Part("quality", options)
    graphs = load_models(reference)
    if OFFICIAL not in graphs:
        print("OpenMMLab's checkpoint was not found and is not measured", file=sys.stderr)
    each = make_enlargers(graphs, part.threads)
    part.write(
        {
            "models": {name: graph.sha256 for name, graph in graphs.items()},
            "datasets": {
                dataset: measure_dataset(dataset, each, reference, quick=quick)
                for dataset in DATASETS
            },
        }
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
