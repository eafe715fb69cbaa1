"""What a whole job takes beside its inference: photographs, and thumbnails.

    python benchmarks/job.py [PHOTOGRAPHS] [THUMBNAILS]

Interleaved rounds: inference alone, of decoded pictures, several at a time; then the flow on their
files. The median of the ratios, and what is left for each image, in wall and in processor time.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import cv2
from skimage import data

from flows.display import show
from flows.options import UpscaleOptions
from flows.upscale import batch_upscale
from srcnn.geometry import Size, output_size, parse_scale
from srcnn.images import Picture, encode
from srcnn.pixels import Pixels
from srcnn.upscaler import Upscaler

ROUNDS = 3
AT_A_TIME = 4


class Cost(NamedTuple):
    """Seconds of the clock, and of all cores."""

    wall: float
    processor: float


def cost(call: Callable[[], object]) -> Cost:
    wall, processor = time.perf_counter(), time.process_time()
    call()
    return Cost(time.perf_counter() - wall, time.process_time() - processor)


def fill(src: Path, images: int, size: Size) -> list[Pixels]:
    """Crops of photographs, as JPEG files; what is decoded from them."""
    src.mkdir()
    photographs = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    larger = [cv2.resize(cv2.cvtColor(each, cv2.COLOR_RGB2BGR), (640, 480)) for each in photographs]
    for index in range(images):
        at = index % 150
        crop = larger[index % 4][at : at + size.height, at : at + size.width]
        cv2.imwrite(str(src / f"{index:04}.jpg"), crop)
    decoded = [cv2.imread(str(path)) for path in sorted(src.iterdir())]
    return [picture for picture in decoded if picture is not None]


def alone(upscaler: Upscaler, pictures: list[Pixels], scale: str) -> list[Pixels]:
    def enlarge(picture: Pixels) -> Pixels:
        size = Size(*picture.shape[:2])
        return upscaler.to_size(picture, output_size(size, parse_scale(scale)))

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return list(pool.map(enlarge, pictures))


def compare(name: str, folder: Path, images: int, size: Size, scale: str) -> None:
    src = folder / name
    pictures, upscaler = fill(src, images, size), Upscaler.load()
    results = alone(upscaler, pictures, scale)
    found: list[tuple[Cost, Cost, Cost]] = []
    for turn in range(ROUNDS + 1):  # the first one opens what is opened once
        options = UpscaleOptions(src=str(src), dst=str(folder / f"{name}-{turn}"), scale=scale)
        inference = cost(lambda: alone(upscaler, pictures, scale))
        encoding = cost(
            lambda: [encode(Picture(each), ".jpg", None, keep_metadata=True) for each in results]
        )
        found.append((inference, encoding, cost(lambda: batch_upscale.fn(options))))  # noqa: B023 - called at once
    median = statistics.median
    ratio = median(job.wall / inference.wall for inference, _, job in found[1:])
    left = [
        median(
            (job[of] - inference[of] - encoding[of]) / images
            for inference, encoding, job in found[1:]
        )
        for of in (0, 1)
    ]
    print(
        f"{images} {name} of {size} px to x{scale}: {ratio:.3f} times the inference alone; beyond"
    )
    print(
        f"inference and encoding {left[0] * 1e3:.2f} ms an image, processor {left[1] * 1e3:.2f} ms"
    )


def main() -> None:
    counts = [int(text) for text in sys.argv[1:]] + [200, 2000][len(sys.argv) - 1 :]
    show(quiet=True, json=False)
    with tempfile.TemporaryDirectory() as folder:
        compare("photographs", Path(folder), counts[0], Size(321, 481), "4")
        compare("thumbnails", Path(folder), counts[1], Size(64, 64), "2")


if __name__ == "__main__":
    main()
