"""No library writes to standard error, whatever is wrong with a file: no line would name it."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from srcnn.images.decoding import decode
from tests.support.paths import ROOT

PROGRAM = """
import io, pathlib, sys
from srcnn.errors import ImageError
from srcnn.images.decoding import decode, read_header
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    for read in (decode, lambda data: read_header(io.BytesIO(data))):
        try:
            read(path.read_bytes())
        except ImageError:
            pass
"""
RGB = np.random.default_rng(7).integers(0, 256, (30, 40, 3), dtype=np.uint8)
ROWS = b"".join(b"\0" + row.tobytes() for row in RGB)


def chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def png(before: bytes = b"", rows: bytes = ROWS, after: bytes = b"", *, end: bytes = b"") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 30, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(rows) + end)
    return b"\x89PNG\r\n\x1a\n" + header + before + pixels + after + chunk(b"IEND", b"")


def save(form: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(RGB).save(file, form, **options)
    return file.getvalue()


def cut_pixels(content: bytes) -> bytes:
    """Replace a part by zeros, where the coded pixels are."""
    half = len(content) // 2
    return content[:half] + bytes(300) + content[half + 300 :]


def make_pngs() -> dict[str, bytes]:
    wrong = zlib.compress(ROWS)[:-1] + b"x"
    profile = bytearray(128 + 4)
    profile[:4], profile[36:40], profile[16:20] = (132).to_bytes(4), b"acsp", b"GRAY"
    chunks = {
        name: png(chunk(name.encode(), body))
        for name, body in {
            "tRNS": bytes(7),
            "PLTE": bytes(8),
            "sBIT": b"\x09\x09\x09",
            "bKGD": b"\x08",
            "hIST": b"\x08",
            "tIME": b"\xff" * 7,
            "cICP": b"\xff" * 4,
            "sPLT": b"a\0\x09aaa",
            "pCAL": b"a\0b",
            "tEXt": b"",
            "zTXt": b"a\0\0xxxx",
            "iTXt": b"XML:com.adobe.xmp\0\1\0\0\0xxxx",
            "eXIf": b"abc",
            "iCCP": b"a\0\0" + zlib.compress(bytes(profile)),
            "XXXX": b"",
        }.items()
    }
    return {
        **chunks,
        "checksum": b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 30, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", wrong)
        + chunk(b"IEND", b""),
        "filter": png(rows=b"\7" + ROWS[1:]),
        "fewer": png(rows=ROWS[:-1]),
        "surplus": png(rows=ROWS + bytes(100)),
        "followed": png(end=b"more"),
        "transparent": png(chunk(b"tRNS", b"\1\0" * 3)),
        "late": png(after=chunk(b"tRNS", bytes(6)) + chunk(b"pHYs", bytes(9))),
    }


def make_others() -> dict[str, bytes]:
    tiffs = {name: save("TIFF", compression=name) for name in ("tiff_lzw", "tiff_adobe_deflate")}
    file = io.BytesIO()
    tifffile.imwrite(file, RGB.astype(np.float32), photometric="rgb")
    strange = file.getvalue().replace(
        struct.pack("<HHI", 339, 3, 3), struct.pack("<HHI", 339, 77, 3)
    )
    grey = io.BytesIO()
    Image.fromarray(RGB).convert("1").save(grey, "TIFF", compression="group4")
    exif = save("JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x02\0\x0f\1\2\0\xff\0\0\0\xff\0\0\0")
    return {
        **{name: cut_pixels(content) for name, content in tiffs.items()},
        "group4": cut_pixels(grey.getvalue()),
        "tifffile": strange,
        "exif": exif,
        "jpeg": cut_pixels(save("JPEG")),
        "webp": cut_pixels(save("WEBP", lossless=True)),
        "avif": cut_pixels(save("AVIF")),
        "gif": cut_pixels(save("GIF")),
    }


@pytest.mark.parametrize("make", [make_pngs, make_others], ids=["PNG", "others"])
def test_libraries_are_silent(make: object, tmp_path: Path) -> None:
    assert callable(make)
    for name, content in make().items():
        (tmp_path / name).write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=100,
    )
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("name", ["surplus", "followed", "late", "PLTE", "pCAL"])
def test_what_libpng_is_not_given_changes_no_pixel(name: str) -> None:
    assert np.array_equal(decode(make_pngs()[name]).pixels, RGB[:, :, ::-1])


def test_bits_of_a_transparent_colour_that_are_not_used_are_ignored() -> None:
    colour = b"".join(b"\xab" + bytes([value]) for value in RGB[3, 4].tolist())
    alpha = decode(png(chunk(b"tRNS", colour))).pixels[:, :, 3]
    assert np.array_equal(alpha == 0, (RGB[3, 4] == RGB).all(axis=2))
