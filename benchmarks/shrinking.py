"""Compares `--when-larger shrink` with the cubic of Pillow and with OpenCV's area average.

    python benchmarks/shrinking.py [--rounds 7] [--quick]

Interleaved rounds on one thread: median milliseconds, as a ratio to ours within each round too.
Pillow rounds to 8 bits between its two passes; in floats it does not, plane by plane. OpenCV's
average is another filter, and does not multiply colours by alpha.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from options import make_benchmark_parser
from PIL import Image
from skimage import data

from srcnn.geometry import Size
from srcnn.inference.shrink import shrink
from srcnn.runtime.cores import pool

SOURCE, QUICK_SOURCE = Size(3000, 4000), Size(60, 80)
WIDTHS = (300, 800, 1600)  # of results of the source of 4000
BYTES, FLOATS = "Pillow", "Pillow, in floats"
Resize = Callable[[Any, Size], Any]


def resize_bytes(picture: Any, size: Size) -> Any:
    image = Image.fromarray(picture)
    return np.asarray(image.resize((size.width, size.height), Image.Resampling.BICUBIC))


def resize_floats(picture: Any, size: Size) -> Any:
    planes = [resize_bytes(each.astype(np.float32), size) for each in np.atleast_3d(picture).T]
    return np.rint(np.stack(planes, axis=-1)).clip(0, np.iinfo(picture.dtype).max)


def average(picture: Any, size: Size) -> Any:
    return cv2.resize(picture, (size.width, size.height), interpolation=cv2.INTER_AREA)


def make_pictures(size: Size) -> dict[str, Any]:
    small = cv2.cvtColor(data.chelsea(), cv2.COLOR_RGB2BGR)
    photograph = cv2.resize(small, (size.width, size.height), interpolation=cv2.INTER_CUBIC)
    grey = cv2.cvtColor(photograph, cv2.COLOR_BGR2GRAY)
    return {
        "a photograph": photograph,
        "grey": grey,
        "with alpha": np.dstack([photograph, np.maximum(grey, 1)]),
        "16 bits": photograph.astype(np.uint16) * 257,
    }


def list_contestants(kind: str) -> dict[str, Resize]:
    floats = {FLOATS: resize_floats} if kind in ("a photograph", "grey", "16 bits") else {}
    in_bytes = {BYTES: resize_bytes} if kind != "16 bits" else {}
    return {"ours": shrink, **in_bytes, **floats, "OpenCV, area": average}


def measure(resize: Resize, picture: Any, size: Size) -> float:
    start = time.perf_counter()
    resize(picture, size)
    return time.perf_counter() - start


def main() -> None:
    parser = make_benchmark_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    source, rounds = (QUICK_SOURCE, 1) if options.quick else (SOURCE, options.rounds)
    pool(1)  # switches off the threads of OpenCV and of NumPy, as in a run
    for kind, picture in make_pictures(source).items():
        print(f"\n{kind}, {source} px\n| | to | ms | time |\n|---|---|---|---|")
        for width in WIDTHS:
            size = Size(source.height * width // 4000 or 1, source.width * width // 4000)
            each = list_contestants(kind)
            found = [
                {name: measure(resize, picture, size) for name, resize in each.items()}
                for _ in range(rounds)
            ]
            for name in each:
                median = statistics.median(one[name] for one in found)
                ratio = statistics.median(one[name] / one["ours"] for one in found)
                print(f"| {name} | {size} | {median * 1000:.1f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
