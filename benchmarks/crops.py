"""Draw docs/images/quality_crops.png: the same crops, enlarged by each, beside the original.

    python benchmarks/crops.py [--reference FOLDER] [--docs FOLDER]

The photographs ship with scikit-image, without copyright restrictions; no weights were trained on
them.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from enlargers import OFFICIAL, OURS, REFERENCE, enlargers, models
from PIL import Image, ImageDraw, ImageFont
from quality_page import DOCS
from skimage import data

from srcnn.geometry import Size
from srcnn.quality.compare import Enlarge, Picture, compute_border_px, degrade
from srcnn.quality.measures import luma, psnr_db

SHOWN_PX = 114  # side of a crop, of the original's pixels
ZOOM = 2  # each shown as 2x2, so that they can be told apart
GAP_PX = 10
LINE_PX = 24
NAMES = {OFFICIAL: "openmmlab-x4", OURS: "bundled"}


class Scene(NamedTuple):
    """What one row shows.

    Attributes:
        factor: the picture was made small by it, and enlarged again.
        name: of the photograph, a function of `skimage.data`.
        top: first row of the crop.
        left: first column of the crop.
    """

    factor: float
    name: str
    top: int
    left: int


SCENES = (
    Scene(2, "chelsea", 70, 130),
    Scene(3, "coffee", 150, 330),
    Scene(4, "astronaut", 60, 170),
)


def nearest(low: Picture, size: Size) -> Picture:
    """Enlarge by repeating pixels."""
    larger: Picture = cv2.resize(low, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    return larger


def row(scene: Scene, each: dict[str, Enlarge]) -> list[tuple[str, Picture]]:
    """Labels and crops, BGR; the figures are of the whole photograph."""
    photograph = cv2.cvtColor(getattr(data, scene.name)(), cv2.COLOR_RGB2BGR)
    sharp, low = degrade(photograph, scene.factor)
    cells = [("original", sharp)]
    for name, enlarge in reversed(each.items()):
        found = enlarge(low, Size(*sharp.shape[:2]))
        decibels = psnr_db(luma(found), luma(sharp), compute_border_px(scene.factor))
        cells.append((f"{NAMES.get(name, name)}, {decibels:.2f} dB", found))
    rows, columns = (slice(start, start + SHOWN_PX) for start in scene[2:])
    return [(label, image[rows, columns]) for label, image in reversed(cells)]


def sheet(rows: list[tuple[str, list[tuple[str, Picture]]]]) -> Image.Image:
    """All crops on white: a title, labels and crops for each row."""
    side = SHOWN_PX * ZOOM
    width = GAP_PX + max(len(cells) for _, cells in rows) * (side + GAP_PX)
    height = len(rows) * (2 * LINE_PX + side + GAP_PX)
    made = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(made)
    title_font, font = ImageFont.load_default(17), ImageFont.load_default(15)
    for index, (title, cells) in enumerate(rows):
        top = index * (height // len(rows)) + GAP_PX // 2
        draw.text((GAP_PX, top), title, "black", title_font)
        for column, (label, crop) in enumerate(cells):
            left = GAP_PX + column * (side + GAP_PX)
            draw.text((left, top + LINE_PX), label, "black", font)
            shown = crop[:, :, ::-1].repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
            made.paste(Image.fromarray(np.ascontiguousarray(shown)), (left, top + 2 * LINE_PX))
    return made


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--reference", type=Path, default=REFERENCE)
    arguments.add_argument("--docs", type=Path, default=DOCS)
    options = arguments.parse_args()
    threads = len(os.sched_getaffinity(0))
    each = {"nearest": nearest} | enlargers(models(options.reference), threads)
    place = options.docs / "images" / "quality_crops.png"
    place.parent.mkdir(parents=True, exist_ok=True)
    titles = (f"x{scene.factor:g}, {scene.name}" for scene in SCENES)
    rows = [row(scene, each) for scene in SCENES]
    sheet(list(zip(titles, rows, strict=True))).save(place, optimize=True)
    print(place)


if __name__ == "__main__":
    main()
