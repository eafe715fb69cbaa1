"""Draw docs/images/before-after.jpg, the picture at the top of the README.

    python scripts/before_after.py [FILE]

A photograph that ships with scikit-image is reduced to a third, then enlarged by 3 again: on the
left by bicubic interpolation, on the right by the bundled model. The same crop of both is shown.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from srcnn import Upscaler
from srcnn.geometry import Size
from srcnn.quality.compare import bicubic
from srcnn.quality.degradation import Picture, degrade

FILE = Path(__file__).parent.parent / "docs" / "images" / "before-after.jpg"
FACTOR = 3
TOP, LEFT, HEIGHT, WIDTH = 0, 20, 300, 400  # the crop, in pixels
GAP_PX = 12
LABEL_PX = 34
JPEG_QUALITY = 90


def draw(columns: list[tuple[str, Picture]]) -> Image.Image:
    """Crops beside each other, each below its label, on white."""
    size = (len(columns) * (WIDTH + GAP_PX) - GAP_PX, LABEL_PX + HEIGHT)
    sheet = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(20)
    for index, (label, picture) in enumerate(columns):
        left = index * (WIDTH + GAP_PX)
        crop = picture[TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH, ::-1]
        sheet.paste(Image.fromarray(np.ascontiguousarray(crop)), (left, LABEL_PX))
        pen.text((left + LABEL_PX // 4, 4), label, "black", font)
    return sheet


def main(words: list[str]) -> int:
    """Write the picture."""
    photograph = cv2.cvtColor(data.chelsea(), cv2.COLOR_RGB2BGR)
    original, small = degrade(photograph, FACTOR)
    size = Size(*original.shape[:2])
    columns = [
        (f"bicubic x{FACTOR}", bicubic(small, size)),
        (f"srcnn-batch x{FACTOR}", Upscaler.load().to_size(small, size)),
    ]
    path = Path(words[0]) if words else FILE
    draw(columns).save(path, quality=JPEG_QUALITY, subsampling=0, optimize=True)
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
