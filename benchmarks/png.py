"""What settings of PNG cost and give on upscaled photographs; the default is chosen by it.

    python benchmarks/png.py [ROUNDS]

Interleaved rounds on one thread: median milliseconds and bytes for each pixel, and both as ratios
to OpenCV's own default.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

import cv2
import numpy as np
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


def flat() -> Any:
    """A drawing: few colours, soft edges."""
    picture = np.full((480, 480, 3), 255, dtype=np.uint8)
    cv2.circle(picture, (240, 240), 150, (20, 30, 200), cv2.FILLED, cv2.LINE_AA)
    cv2.putText(picture, "flat", (50, 300), 0, 4, (0, 0, 0), 10, cv2.LINE_AA)
    return picture


def pictures() -> dict[str, list[Any]]:
    upscaler = Upscaler.load(threads=1)
    names = (data.astronaut, data.chelsea, data.coffee)
    photographs = [cv2.cvtColor(name()[:300, :300], cv2.COLOR_RGB2BGR) for name in names]
    large = [upscaler(picture, 4) for picture in photographs]
    greys = [cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) for picture in large]
    # Sensors' noise is in the lower bits.
    noise = np.random.default_rng(0).integers(0, 257, (300, 300, 3))
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
        "a drawing x2": [upscaler(flat(), 2)],
    }


def measured(images: list[Any], settings: list[int]) -> tuple[float, int]:
    start = time.perf_counter()
    size = sum(len(cv2.imencode(".png", image, settings)[1]) for image in images)
    return time.perf_counter() - start, size


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    cv2.setNumThreads(1)
    for kind, images in pictures().items():
        pixels = sum(image.shape[0] * image.shape[1] for image in images)
        found = [
            {name: measured(images, each) for name, each in SETTINGS.items()} for _ in range(rounds)
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
