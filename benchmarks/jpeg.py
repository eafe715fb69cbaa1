"""Measures the quality of results on JPEG sources, by quality, factor and way of shrinking.

    python benchmarks/jpeg.py [--quick] [--reference FOLDER]

Set5 and Set14 are shrunk, saved as JPEGs and enlarged again: by bicubic, by the bundled model with
its weights for sources without loss, and by those for the quality. At factor 1
pictures are halved first, so that they carry no JPEG of their own. The pictures are only for
measuring: no network is trained on them, and no weights are chosen by them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import TypeAlias

import cv2
import numpy as np
from enlargers import OURS, add_reference, find_reference, load_models
from options import make_part_parser
from PIL import Image
from quality import DATASETS, load_originals, report_missing
from results import Part

from srcnn import Upscaler
from srcnn.geometry import Size
from srcnn.graphs.graph_format import CLEAN
from srcnn.inference.config import InferenceConfig
from srcnn.quality.compare import bicubic, compute_border_px, degrade_as_source
from srcnn.quality.conditions import Condition
from srcnn.quality.degradation import Picture, Shrink, shrink
from srcnn.quality.measures import luma, psnr_db

FACTORS = (1, 1.1, 1.25, 1.5, 2, 2.5, 3, 4, 6, 8)
QUALITIES = (98, 95, 90, 85, 75, 60, 45, 30)
QUICK_FACTORS, QUICK_QUALITIES = (1, 2), (95, 75)
SHRUNK_OTHERWISE = (1.5, 2, 3, 4)  # factors
SAVED_OTHERWISE = (85, 75, 60)  # qualities

Cells: TypeAlias = dict[str, dict[str, float]]


def _shrink_by_pillow(kernel: str, image: Picture, size: Size) -> Picture:
    rgb = Image.fromarray(np.ascontiguousarray(image[:, :, ::-1]))
    small = rgb.resize(size[::-1], Image.Resampling[kernel.upper()])
    return np.ascontiguousarray(np.asarray(small)[:, :, ::-1])


def _shrink_by_opencv(image: Picture, size: Size) -> Picture:
    return np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


KERNELS: dict[str, Shrink] = {
    **{
        kernel: partial(_shrink_by_pillow, kernel)
        for kernel in ("bicubic", "box", "Lanczos", "bilinear")
    },
    "OpenCV cubic": _shrink_by_opencv,
}


def measure_cell(
    upscaler: Upscaler, images: Iterable[Picture], condition: Condition, shrink_by: Shrink = shrink
) -> dict[str, float]:
    """Return the mean PSNR in dB on Y, by enlarger."""
    each = [_measure(upscaler, image, condition, shrink_by) for image in images]
    return {name: fmean(one[name] for one in each) for name in each[0]}


def _measure(
    upscaler: Upscaler, image: Picture, condition: Condition, shrink_by: Shrink
) -> dict[str, float]:
    sharp, low = degrade_as_source(image, condition, shrink_by)
    size = Size(*sharp.shape[:2])
    found = {
        "bicubic": bicubic(low, size),
        "clean": upscaler.to_size(low, size, quality=CLEAN),
        "ours": upscaler.to_size(low, size, quality=condition.quality),
    }
    border = compute_border_px(condition.factor)
    return {name: psnr_db(luma(each), luma(sharp), border) for name, each in found.items()}


def measure_qualities(
    upscaler: Upscaler, dataset: str, reference: Path | None, *, quick: bool
) -> Cells:
    """Return the figures by condition."""
    cells: Cells = {}
    for factor in QUICK_FACTORS if quick else FACTORS:
        images = load_originals(reference, dataset, factor, quick=quick)
        for quality in QUICK_QUALITIES if quick else QUALITIES:
            condition = Condition(factor, quality)
            print(dataset, condition.text, file=sys.stderr)
            cells[condition.text] = measure_cell(upscaler, images, condition)
    return cells


def measure_kernels(
    upscaler: Upscaler, dataset: str, reference: Path | None, *, quick: bool
) -> dict[str, Cells]:
    """Return the figures by condition and by the way of shrinking."""
    cells: dict[str, Cells] = {}
    for factor in SHRUNK_OTHERWISE[1:2] if quick else SHRUNK_OTHERWISE:
        images = load_originals(reference, dataset, factor, quick=quick)
        for quality in SAVED_OTHERWISE[1:2] if quick else SAVED_OTHERWISE:
            condition = Condition(factor, quality)
            print(dataset, condition.text, "shrunk otherwise", file=sys.stderr)
            cells[condition.text] = {
                name: measure_cell(upscaler, images, condition, shrink_by)
                for name, shrink_by in KERNELS.items()
            }
    return cells


def main() -> int:
    parser = make_part_parser(__doc__)
    add_reference(parser)
    options = parser.parse_args()
    reference, quick = find_reference(options), options.quick
    if reference and report_missing(reference):
        return 2
    part = Part("jpeg", options)
    graph = load_models(None)[OURS]
    upscaler = Upscaler.from_model(graph, InferenceConfig(threads=part.threads))
    part.write(
        {
            "models": {OURS: graph.sha256},
            "qualities": {
                dataset: measure_qualities(upscaler, dataset, reference, quick=quick)
                for dataset in DATASETS
            },
            "kernels": {
                dataset: measure_kernels(upscaler, dataset, reference, quick=quick)
                for dataset in DATASETS
            },
        }
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
