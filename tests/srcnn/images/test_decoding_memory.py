"""Decoding takes no more memory than the plan accounts for, whatever the kind of file."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from srcnn.images.jxl_encoding import encode_jxl

HEIGHT, WIDTH = 2400, 3000
Y, X = np.mgrid[:HEIGHT, :WIDTH]
GREY = ((X // 8 + Y // 8) % 256).astype(np.uint8)
RGBA = np.dstack([GREY, GREY[::-1], GREY[:, ::-1], GREY | 1])
DEEP = RGBA.astype(np.uint16) * 257
# Arrays of one million pixels are converted at a time, by whatever is decoded.
STRIP_BYTES = 60_000_000

MEASURED = """
import io, sys
from pathlib import Path
from srcnn.images.decoding import decode, read_header

def read(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

data = Path(sys.argv[1]).read_bytes()
accounted = read_header(io.BytesIO(data)).decoding_bytes
Path("/proc/self/clear_refs").write_text("5")
before = read("VmRSS")
decode(data)
print(read("VmHWM") - before, accounted)
"""


def save(array: Any, form: str, mode: str | None = None, **options: Any) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(array)
    image = image.quantize(64) if mode == "P" else image.convert(mode) if mode else image
    image.save(file, form, **options)
    return file.getvalue()


def tiff(array: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    return file.getvalue()


def avif(array: Any, bits: int) -> bytes:
    flags = [cv2.IMWRITE_AVIF_DEPTH, bits, cv2.IMWRITE_AVIF_SPEED, 10]
    return cv2.imencode(".avif", array.astype(np.uint16) << (bits - 8), flags)[1].tobytes()


def heic(mode: str, array: Any, **options: Any) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    fast = {"quality": 50, "chroma": "444", "enc_params": {"preset": "ultrafast"}}
    samples = np.ascontiguousarray(array).tobytes()
    pillow_heif.encode(mode, (WIDTH, HEIGHT), samples, file, **fast, **options)
    return file.getvalue()


def jxl(array: Any, quality: int) -> bytes:
    pytest.importorskip("OpenImageIO")
    return encode_jxl(array, quality, {}, None)


def deep_png(array: Any) -> bytes:
    return cv2.imencode(".png", array)[1].tobytes()


def pnm(kind: str, white: int, samples: Any) -> bytes:
    head = f"{kind} {WIDTH} {HEIGHT} {white}\n".encode()
    if kind in ("P2", "P3"):
        return head + b" ".join(b"%d" % value for value in samples.reshape(-1).tolist())
    return head + samples.astype(">u2" if white > 255 else np.uint8).tobytes()


KINDS: dict[str, Callable[[], bytes]] = {
    "AVIF of 8 bits": lambda: save(RGBA, "AVIF", speed=10),
    "AVIF of 12 bits": lambda: avif(RGBA, 12),
    "AVIF of 10 bits, grey": lambda: avif(GREY, 10),
    "BMP": lambda: save(RGBA, "BMP", "P"),
    "GIF": lambda: save(RGBA, "GIF", "P", transparency=0),
    "HEIC of 8 bits": lambda: heic("RGBA", RGBA),
    "HEIC of 12 bits": lambda: heic("RGBA;16", DEEP, bit_depth=12),
    "HEIC of 10 bits, grey": lambda: heic("L;16", DEEP[:, :, 0], bit_depth=10),
    "JPEG": lambda: save(RGBA[:, :, :3], "JPEG", progressive=True, subsampling=0),
    "JPEG, CMYK": lambda: save(RGBA, "JPEG", "CMYK"),
    "JPEG XL of 8 bits": lambda: jxl(RGBA, 100),
    "JPEG XL of 16 bits": lambda: jxl(DEEP, 100),
    "PNG of 8 bits": lambda: save(RGBA, "PNG"),
    "PNG of 16 bits": lambda: deep_png(DEEP),
    "PNM with a white of its own": lambda: pnm("P6", 1000, RGBA[:, :, :3]),
    "PNM as text": lambda: pnm("P2", 1000, GREY),
    "TIFF of 8 bits": lambda: save(RGBA, "TIFF", compression="tiff_lzw"),
    "TIFF, premultiplied": lambda: tiff(DEEP, photometric="rgb", extrasamples=["assocalpha"]),
    "TIFF in planes": lambda: tiff(
        np.moveaxis(DEEP, 2, 0).copy(),
        photometric="rgb",
        planarconfig="separate",
        extrasamples=["assocalpha"],
    ),
    "WebP": lambda: save(RGBA, "WEBP", lossless=True, method=0),
}


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="measured by Linux")
@pytest.mark.parametrize("name", KINDS)
def test_decoding_takes_no_more_memory_than_is_accounted(name: str, tmp_path: Path) -> None:
    file = tmp_path / "image"
    file.write_bytes(KINDS[name]())
    command = [sys.executable, "-W", "ignore", "-c", MEASURED, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    peak, accounted = map(int, done.stdout.split())
    assert peak <= accounted + STRIP_BYTES
