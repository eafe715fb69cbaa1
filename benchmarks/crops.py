"""Draws docs/images/quality_crops.png: crops from each enlarger beside the original.

    python benchmarks/crops.py [--quick] [--reference FOLDER] [--docs FOLDER]

The photographs ship with scikit-image, without copyright restrictions. No network was trained on
them. With --quick one row is drawn, into benchmarks/results/quick.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from enlargers import (
    OFFICIAL,
    OURS,
    add_reference,
    find_reference,
    load_models,
    make_enlargers,
)
from options import QUICK_FIGURES, make_benchmark_parser
from PIL import Image, ImageDraw, ImageFont
from quality_page import DOCS
from skimage import data

from srcnn.geometry import Size
from srcnn.quality.compare import Enlarge, compute_border_px
from srcnn.quality.degradation import Picture, degrade
from srcnn.quality.measures import luma, psnr_db

SHOWN_PX = 114  # side of a crop, in pixels of the original
ZOOM = 2  # each pixel is shown as 2x2
GAP_PX = 10
LINE_PX = 24
NAMES = {OFFICIAL: "openmmlab-x4", OURS: "bundled"}


class Scene(NamedTuple):
    """The subject of one row.

    Attributes:
        factor: by which the picture is shrunk and enlarged again.
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


def enlarge_nearest(low: Picture, size: Size) -> Picture:
    """Enlarge by repeating pixels."""
    larger: Picture = cv2.resize(low, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    return larger


def make_row(scene: Scene, each: dict[str, Enlarge]) -> list[tuple[str, Picture]]:
    """Make labels and crops, BGR; the figures are those of the whole photograph."""
    photograph = cv2.cvtColor(getattr(data, scene.name)(), cv2.COLOR_RGB2BGR)
    sharp, low = degrade(photograph, scene.factor)
    cells = [("original", sharp)]
    for name, enlarge in reversed(each.items()):
        found = enlarge(low, Size(*sharp.shape[:2]))
        decibels = psnr_db(luma(found), luma(sharp), compute_border_px(scene.factor))
        cells.append((f"{NAMES.get(name, name)}, {decibels:.2f} dB", found))
    rows, columns = (slice(start, start + SHOWN_PX) for start in scene[2:])
    return [(label, image[rows, columns]) for label, image in reversed(cells)]


def draw_sheet(rows: list[tuple[str, list[tuple[str, Picture]]]]) -> Image.Image:
    """Draw all crops on white: a title, labels and crops per row."""
    side = SHOWN_PX * ZOOM
    width = GAP_PX + max(len(cells) for _, cells in rows) * (side + GAP_PX)
    height = len(rows) * (2 * LINE_PX + side + GAP_PX)
    sheet = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(sheet)
    title_font, font = ImageFont.load_default(17), ImageFont.load_default(15)
    for index, (title, cells) in enumerate(rows):
        top = index * (height // len(rows)) + GAP_PX // 2
        draw.text((GAP_PX, top), title, "black", title_font)
        for column, (label, crop) in enumerate(cells):
            left = GAP_PX + column * (side + GAP_PX)
            draw.text((left, top + LINE_PX), label, "black", font)
            shown = crop[:, :, ::-1].repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
            sheet.paste(Image.fromarray(np.ascontiguousarray(shown)), (left, top + 2 * LINE_PX))
    return sheet


def main() -> None:
    parser = make_benchmark_parser(__doc__)
    add_reference(parser)
    parser.add_argument("--docs", type=Path, help=f"folder of the page; default: {DOCS}")
    options = parser.parse_args()
    docs = options.docs or (QUICK_FIGURES if options.quick else DOCS)
    scenes = SCENES[:1] if options.quick else SCENES
    threads = len(os.sched_getaffinity(0))
    each = {"nearest": enlarge_nearest} | make_enlargers(
        load_models(find_reference(options)), threads
    )
    path = docs / "images" / "quality_crops.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    titles = (f"x{scene.factor:g}, {scene.name}" for scene in scenes)
    rows = [make_row(scene, each) for scene in scenes]
    draw_sheet(list(zip(titles, rows, strict=True))).save(path, optimize=True)
    print(path)


if __name__ == "__main__":
    main()
