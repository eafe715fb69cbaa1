"""Draws crops from each enlarger beside the original: docs/images/quality_crops.png, and of JPEGs.

    python benchmarks/crops.py [--quick] [--reference FOLDER] [--docs FOLDER]

The photographs ship with scikit-image, without copyright restrictions. No network was trained on
them. With --quick one row of each is drawn, into benchmarks/results/quick.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from enlargers import (
    BICUBIC,
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

from srcnn import Upscaler
from srcnn.geometry import Size
from srcnn.graphs.graph_format import CLEAN
from srcnn.inference.config import InferenceConfig
from srcnn.quality.compare import Enlarge, bicubic, compute_border_px, degrade_as_source
from srcnn.quality.conditions import Condition
from srcnn.quality.degradation import Picture
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
        quality: of the JPEG; 100 for none.
    """

    factor: float
    name: str
    top: int
    left: int
    quality: float = CLEAN

    @property
    def title(self) -> str:
        """The title of the row."""
        return f"{Condition(self.factor, self.quality).text}, {self.name}"


SCENES = (
    Scene(2, "chelsea", 70, 130),
    Scene(3, "coffee", 150, 330),
    Scene(4, "astronaut", 60, 170),
)
JPEG_SCENES = (
    Scene(2, "rocket", 150, 150, 60),
    Scene(2, "astronaut", 60, 170, 75),
    Scene(1, "chelsea", 35, 65, 40),
)


def enlarge_nearest(low: Picture, size: Size) -> Picture:
    """Enlarge by repeating pixels."""
    larger: Picture = cv2.resize(low, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    return larger


def make_row(scene: Scene, each: dict[str, Enlarge]) -> list[tuple[str, Picture]]:
    """Make labels and crops, BGR; the figures are those of the whole photograph."""
    sharp, low = degrade_as_source(
        load_photograph(scene.name), Condition(scene.factor, scene.quality)
    )
    cells = [("original", sharp)]
    for name, enlarge in reversed(each.items()):
        found = enlarge(low, Size(*sharp.shape[:2]))
        decibels = psnr_db(luma(found), luma(sharp), compute_border_px(scene.factor))
        cells.append((f"{NAMES.get(name, name)}, {decibels:.2f} dB", found))
    rows, columns = (slice(start, start + SHOWN_PX) for start in (scene.top, scene.left))
    return [(label, image[rows, columns]) for label, image in reversed(cells)]


def load_photograph(name: str) -> Picture:
    """Load a photograph of scikit-image, BGR."""
    return np.asarray(cv2.cvtColor(getattr(data, name)(), cv2.COLOR_RGB2BGR), dtype=np.uint8)


def make_jpeg_row(scene: Scene, upscaler: Upscaler) -> list[tuple[str, Picture]]:
    """Make labels and crops of a JPEG: bicubic, without its quality, with it, and the original."""
    name = "as it is" if scene.factor == 1 else BICUBIC
    return make_row(
        scene,
        {
            name: bicubic,
            "weights without loss": upscaler.to_size,
            f"weights for q{scene.quality:g}": partial(upscaler.to_size, quality=scene.quality),
        },
    )


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
    shown = 1 if options.quick else len(SCENES)
    threads = len(os.sched_getaffinity(0))
    graphs = load_models(find_reference(options))
    each = {"nearest": enlarge_nearest} | make_enlargers(graphs, threads)
    upscaler = Upscaler.from_model(graphs[OURS], InferenceConfig(threads=threads))
    sheets = {
        "quality_crops": [(scene.title, make_row(scene, each)) for scene in SCENES[:shown]],
        "quality_jpeg_crops": [
            (scene.title, make_jpeg_row(scene, upscaler)) for scene in JPEG_SCENES[:shown]
        ],
    }
    (docs / "images").mkdir(parents=True, exist_ok=True)
    for name, rows in sheets.items():
        path = docs / "images" / f"{name}.png"
        draw_sheet(rows).save(path, optimize=True)
        print(path)


if __name__ == "__main__":
    main()
