"""Compares PNG settings on upscaled photographs; our default is chosen by it.

    python benchmarks/png.py [--rounds 7] [--quick]

Interleaved rounds on one thread: median milliseconds per megapixel and bytes per pixel, both also
as ratios to the default of OpenCV.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import cv2
import numpy as np
from options import make_benchmark_parser
from skimage import data

from srcnn import Upscaler
from srcnn.images.encode import FAST_PNG

FILTER, LEVEL, STRATEGY = (
    cv2.IMWRITE_PNG_FILTER,
    cv2.IMWRITE_PNG_COMPRESSION,
    cv2.IMWRITE_PNG_STRATEGY,
)
SETTINGS: dict[str, list[int]] = {
    "OpenCV's default": [],
    "ours (average, run lengths)": FAST_PNG,
    "average, level 1": [FILTER, cv2.IMWRITE_PNG_FILTER_AVG, LEVEL, 1],
    "Paeth, run lengths": [
        *(FILTER, cv2.IMWRITE_PNG_FILTER_PAETH),
        *(STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
    ],
    "all filters, level 1": [FILTER, cv2.IMWRITE_PNG_ALL_FILTERS, LEVEL, 1],
    "all filters, level 6": [LEVEL, 6],
}
SIDE_PX, QUICK_SIDE_PX = 300, 48


def draw_flat() -> Any:
    """Draw a picture of few colours and soft edges."""
    picture = np.full((480, 480, 3), 255, dtype=np.uint8)
    cv2.circle(picture, (240, 240), 150, (20, 30, 200), cv2.FILLED, cv2.LINE_AA)
    cv2.putText(picture, "flat", (50, 300), 0, 4, (0, 0, 0), 10, cv2.LINE_AA)
    return picture


def make_pictures(side_px: int) -> dict[str, list[Any]]:
    """Make the upscaled pictures, by kind, from crops of `side_px`."""
    upscaler = Upscaler.load(threads=1)
    names = (data.astronaut, data.chelsea, data.coffee)
    photographs = [cv2.cvtColor(name()[:side_px, :side_px], cv2.COLOR_RGB2BGR) for name in names]
    large = [upscaler(picture, 4) for picture in photographs]
    greys = [cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) for picture in large]
    # The lower bits hold the noise of the sensor.
    noise = np.random.default_rng(0).integers(0, 257, (side_px, side_px, 3))
    deep = [np.minimum(picture.astype(int) * 257 + noise, 65_535) for picture in photographs]
    return {
        "photographs x2": [upscaler(picture, 2) for picture in photographs],
        "photographs x4": large,
        "grey x4": greys,
        "with alpha x4": [
            np.dstack([picture, np.where(grey > 90, 255, 0).astype(np.uint8)])
            for picture, grey in zip(large, greys, strict=True)
        ],
        "16 bits x2": [upscaler(picture.astype(np.uint16), 2) for picture in deep],
        "a drawing x2": [upscaler(draw_flat()[: side_px * 8 // 5, : side_px * 8 // 5], 2)],
    }


def measure(images: list[Any], settings: list[int]) -> tuple[float, int]:
    start = time.perf_counter()
    size = sum(len(cv2.imencode(".png", image, settings)[1]) for image in images)
    return time.perf_counter() - start, size


def main() -> None:
    parser = make_benchmark_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    rounds, side_px = (1, QUICK_SIDE_PX) if options.quick else (options.rounds, SIDE_PX)
    cv2.setNumThreads(1)
    for kind, images in make_pictures(side_px).items():
        pixels = sum(image.shape[0] * image.shape[1] for image in images)
        found = [
            {name: measure(images, each) for name, each in SETTINGS.items()} for _ in range(rounds)
        ]
        print(f"\n{kind}\n| settings | ms/Mpx | bytes/px | time | size |\n|---|---|---|---|---|")
        first = next(iter(SETTINGS))
        medians = {name: statistics.median(one[name][0] for one in found) for name in SETTINGS}
        for name, median in medians.items():
            size, base = found[0][name][1], found[0][first][1]
            print(
                f"| {name} | {median / pixels * 1e9:.1f} | {size / pixels:.3f} "
                f"| {median / medians[first]:.2f} | {size / base:.2f} |"
            )


if __name__ == "__main__":
    main()
