"""What reading a picture costs, format by format, beside a plain `cv2.imdecode` of the same bytes.

    python benchmarks/decoding.py [ROUNDS]

Crops of 481x321 and 64x64 of scikit-image's photographs; interleaved rounds, medians. What ours
adds is the header, its checks, and what they find.
"""

from __future__ import annotations

import io
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from PIL import Image
from skimage import data

from srcnn.images.decoding import decode

SIZES = [(321, 481), (64, 64)]


def pillow(rgb: Any, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, form, **options)
    return file.getvalue()


FORMS: dict[str, Callable[[Any], bytes]] = {
    "JPEG": lambda rgb: pillow(rgb, "JPEG", quality=90),
    "JPEG, progressive": lambda rgb: pillow(rgb, "JPEG", quality=90, progressive=True),
    "PNG": lambda rgb: pillow(rgb, "PNG"),
    "PNG, 16 bits": lambda rgb: cv2.imencode(".png", rgb.astype(np.uint16) * 257)[1].tobytes(),
    "WebP": lambda rgb: pillow(rgb, "WEBP", quality=90),
    "WebP, lossless": lambda rgb: pillow(rgb, "WEBP", lossless=True),
    "TIFF, LZW": lambda rgb: pillow(rgb, "TIFF", compression="tiff_lzw"),
    "TIFF, 16 bits": lambda rgb: cv2.imencode(".tiff", rgb.astype(np.uint16) * 257)[1].tobytes(),
    "AVIF": lambda rgb: pillow(rgb, "AVIF"),
    "BMP": lambda rgb: pillow(rgb, "BMP"),
}


def plain(content: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_UNCHANGED)


def milliseconds(call: Callable[[bytes], object], content: bytes) -> float:
    started = time.perf_counter()
    call(content)
    return (time.perf_counter() - started) * 1000


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    photographs = [data.astronaut(), data.coffee(), data.immunohistochemistry()]
    print("| format | size | ours (ms) | cv2.imdecode (ms) |\n| --- | --- | --- | --- |")
    for name, encode in FORMS.items():
        for height, width in SIZES:
            contents = [
                encode(rgb[50 : 50 + height, 20 : 20 + width].copy()) for rgb in photographs
            ]
            times = [
                (milliseconds(decode, content), milliseconds(plain, content))
                for _ in range(rounds)
                for content in contents
            ]
            ours, theirs = (statistics.median(each) for each in zip(*times, strict=True))
            print(f"| {name} | {height}x{width} | {ours:.2f} | {theirs:.2f} |")


if __name__ == "__main__":
    main()
