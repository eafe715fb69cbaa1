"""Compares reading an image, by format, with a plain `cv2.imdecode` of the same bytes.

    python benchmarks/decoding.py [--rounds 15] [--quick]

Crops of 481x321 and 64x64 from photographs of scikit-image; interleaved rounds, medians. Our reader
also parses and checks the header.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from options import make_benchmark_parser
from PIL import Image
from skimage import data

from srcnn.images.decoding import decode

SIZES, QUICK_SIZES = ((321, 481), (64, 64)), ((64, 64),)


def encode_by_pillow(rgb: Any, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, form, **options)
    return file.getvalue()


FORMS: dict[str, Callable[[Any], bytes]] = {
    "JPEG": lambda rgb: encode_by_pillow(rgb, "JPEG", quality=90),
    "JPEG, progressive": lambda rgb: encode_by_pillow(rgb, "JPEG", quality=90, progressive=True),
    "PNG": lambda rgb: encode_by_pillow(rgb, "PNG"),
    "PNG, 16 bits": lambda rgb: cv2.imencode(".png", rgb.astype(np.uint16) * 257)[1].tobytes(),
    "WebP": lambda rgb: encode_by_pillow(rgb, "WEBP", quality=90),
    "WebP, lossless": lambda rgb: encode_by_pillow(rgb, "WEBP", lossless=True),
    "TIFF, LZW": lambda rgb: encode_by_pillow(rgb, "TIFF", compression="tiff_lzw"),
    "TIFF, 16 bits": lambda rgb: cv2.imencode(".tiff", rgb.astype(np.uint16) * 257)[1].tobytes(),
    "AVIF": lambda rgb: encode_by_pillow(rgb, "AVIF"),
    "BMP": lambda rgb: encode_by_pillow(rgb, "BMP"),
}


def decode_plainly(content: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_UNCHANGED)


def measure_ms(call: Callable[[bytes], object], content: bytes) -> float:
    started = time.perf_counter()
    call(content)
    return (time.perf_counter() - started) * 1000


def main() -> None:
    parser = make_benchmark_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    rounds = 1 if options.quick else options.rounds
    photographs = [data.astronaut(), data.coffee(), data.immunohistochemistry()]
    print("| format | size | ours (ms) | cv2.imdecode (ms) |\n| --- | --- | --- | --- |")
    for name, encode in FORMS.items():
        for height, width in QUICK_SIZES if options.quick else SIZES:
            contents = [
                encode(rgb[50 : 50 + height, 20 : 20 + width].copy()) for rgb in photographs
            ]
            times = [
                (measure_ms(decode, content), measure_ms(decode_plainly, content))
                for _ in range(rounds)
                for content in contents
            ]
            ours, theirs = (statistics.median(each) for each in zip(*times, strict=True))
            print(f"| {name} | {height}x{width} | {ours:.2f} | {theirs:.2f} |")


if __name__ == "__main__":
    main()
