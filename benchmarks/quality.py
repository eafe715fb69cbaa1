"""How good results are on Set5 and Set14, at every factor.

    python benchmarks/quality.py [--quick] [--reference FOLDER]

Needs the benchmark's pictures, FOLDER/bench/Set5/image_SRF_2/*_HR.png and so on, and takes
OpenMMLab's checkpoint from FOLDER/checkpoints where it is. They are only measured on: weights
are never trained on them, nor chosen by them.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
from enlargers import OFFICIAL, REFERENCE, enlargers, models
from results import Part, parser

from srcnn.quality.compare import Enlarge, Picture, measure

DATASETS = ("Set5", "Set14")
# The whole ones of the field's tables, and others on both sides of, and between, them.
FACTORS = (1.1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 3, 3.5, 4, 5, 6, 7, 8)
QUICK_FACTORS = (1.5, 2)
CUT_FOR = (2, 3, 4)  # factors that the benchmark has pictures cut for


def folder_of(reference: Path, dataset: str, factor: float) -> Path:
    """Where the pictures are; those cut for x2, the largest, for factors that have no own."""
    cut_for = factor if factor in CUT_FOR else CUT_FOR[0]
    return reference / "bench" / dataset / f"image_SRF_{cut_for:g}"


def pictures(folder: Path, options: argparse.Namespace) -> list[Picture]:
    """The originals of a folder, BGR."""
    made = [cv2.imread(str(file)) for file in sorted(folder.glob("*_HR.png"))]
    return [picture[:96, :96] for picture in made[:2]] if options.quick else made


def missing(reference: Path) -> list[Path]:
    """Folders without pictures."""
    wanted = {folder_of(reference, dataset, factor) for dataset in DATASETS for factor in CUT_FOR}
    return sorted(folder for folder in wanted if not any(folder.glob("*_HR.png")))


def of_dataset(
    dataset: str, each: dict[str, Enlarge], options: argparse.Namespace
) -> dict[str, Any]:
    """Figures by factor and by what enlarged."""
    factors: dict[str, Any] = {}
    count = 0
    for factor in QUICK_FACTORS if options.quick else FACTORS:
        print(f"{dataset} x{factor:g}", file=sys.stderr)
        originals = pictures(folder_of(options.reference, dataset, factor), options)
        count = len(originals)
        factors[f"{factor:g}"] = {
            name: asdict(measure(enlarge, originals, [factor])[0].figures)
            for name, enlarge in each.items()
        }
    return {"pictures": count, "factors": factors}


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument(
        "--reference", type=Path, default=REFERENCE, help="folder of the reference data"
    )
    options = arguments.parse_args()
    if absent := missing(options.reference):
        print("\n".join(f"{folder}: no *_HR.png there" for folder in absent), file=sys.stderr)
        print("Quality is measured on them: name their folder by --reference", file=sys.stderr)
        return 2
    part = Part("quality", options)
    graphs = models(options.reference)
    if OFFICIAL not in graphs:
        print("OpenMMLab's checkpoint is not there, and not measured", file=sys.stderr)
    each = enlargers(graphs, part.threads)
    part.write(
        {
            "models": {name: graph.sha256 for name, graph in graphs.items()},
            "datasets": {dataset: of_dataset(dataset, each, options) for dataset in DATASETS},
        }
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
