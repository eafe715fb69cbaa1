"""Rare kinds of whole files are read, or refused by what they are."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.geometry import Size
from srcnn.images.decoding import decode, read_header
from srcnn.storage.plain_files import open_plain
from tests.support.image_files import chunk
from tests.support.paths import CASES

HEIGHT, WIDTH = 6, 7
RNG = np.random.default_rng(4)


def bmp(stored: Any, masks: tuple[int, ...], *, size: int = 124, from_top: bool = False) -> bytes:
    """Of 16 or 32 bits with masks of red, green, blue and alpha; stored from the top."""
    rows = stored if from_top else stored[::-1]
    padding = bytes(-rows.shape[1] * rows.itemsize % 4)
    pixels = b"".join(row.tobytes() + padding for row in rows)
    height = -rows.shape[0] if from_top else rows.shape[0]
    bits = 8 * rows.itemsize
    head = struct.pack("<IiiHHIIiiII", size, rows.shape[1], height, 1, bits, 3, 0, 0, 0, 0, 0)
    body = (head + struct.pack(f"<{len(masks)}I", *masks)).ljust(max(size, 52), b"\0")
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + len(body)) + body + pixels


def expect(stored: Any, mask: int) -> Any:
    shift = f"{mask:b}"[::-1].index("1")
    return np.rint(((stored & mask) >> shift) * 255 / (mask >> shift)).astype(np.uint8)


MASKS = {
    "565": (16, (0xF800, 0x7E0, 0x1F, 0)),
    "555": (16, (0x7C00, 0x3E0, 0x1F, 0)),
    "4444": (16, (0xF00, 0xF0, 0xF, 0xF000)),
    "1555": (16, (0x7C00, 0x3E0, 0x1F, 0x8000)),
    "565 BGR": (16, (0x1F, 0x7E0, 0xF800, 0)),
    "332": (16, (0xE0, 0x1C, 0x3, 0)),
    "8888": (32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
    "RGBX": (32, (0xFF000000, 0xFF0000, 0xFF00, 0)),
    "GBRA": (32, (0xFF, 0xFF000000, 0xFF0000, 0xFF00)),
    "10 bits": (32, (0x3FF00000, 0xFFC00, 0x3FF, 0xC0000000)),
    "11 bits": (32, (0xFFE00000, 0x1FFC00, 0x3FF, 0)),
}


@pytest.mark.parametrize("from_top", [True, False])
@pytest.mark.parametrize("name", MASKS)
def test_a_bmp_may_have_any_masks(name: str, *, from_top: bool) -> None:
    bits, masks = MASKS[name]
    stored = RNG.integers(0, 2**bits, (HEIGHT, WIDTH)).astype(f"<u{bits // 8}")
    content = bmp(stored, masks, from_top=from_top)
    assert read_header(io.BytesIO(content)).size == Size(HEIGHT, WIDTH)
    red, green, blue, alpha = masks
    used = (blue, green, red, alpha) if alpha else (blue, green, red)
    expected = np.dstack([expect(stored.astype(np.int64), mask) for mask in used])
    assert np.array_equal(decode(content).pixels, expected)
    for length in (len(content) - 1, len(content) - 20, 140):
        with pytest.raises(DamagedImageError):
            decode(content[:length])


def test_masks_may_follow_the_oldest_header() -> None:
    stored = RNG.integers(0, 2**16, (HEIGHT, WIDTH)).astype("<u2")
    pixels = decode(bmp(stored, (0xF800, 0x7E0, 0x1F), size=40)).pixels
    assert np.array_equal(pixels[:, :, 2], expect(stored.astype(np.int64), 0xF800))


def test_masks_with_gaps_are_unsupported() -> None:
    stored = np.zeros((HEIGHT, WIDTH), "<u4")
    with pytest.raises(UnsupportedImageError, match="its mask 0xff00ff has gaps"):
        decode(bmp(stored, (0xFF00FF, 0xFF00, 0, 0)))


@pytest.mark.parametrize("bits", [16, 32])
def test_alpha_that_is_zero_everywhere_is_none(bits: int) -> None:
    masks = MASKS["4444" if bits == 16 else "8888"][1]
    stored = RNG.integers(0, 2**bits, (HEIGHT, WIDTH)).astype(f"<u{bits // 8}")
    assert decode(bmp(stored, masks)).pixels.shape == (HEIGHT, WIDTH, 4)
    opaque = stored & stored.dtype.type(2**bits - 1 - masks[3])
    assert np.array_equal(
        decode(bmp(opaque, masks)).pixels, decode(bmp(stored, masks)).pixels[..., :3]
    )


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (1, 2, 3), (9, 9, 9)])
@pytest.mark.parametrize("side", [1, 2, 40])
def test_a_small_lossless_webp_is_read(side: int, colour: tuple[int, int, int]) -> None:
    file = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(file, "WEBP", lossless=True)
    content = file.getvalue()
    assert np.array_equal(decode(content).pixels, np.full((side, side, 3), colour[::-1], np.uint8))
    for cut in range(1, 12):
        with pytest.raises(DamagedImageError):
            decode(content[:-cut])


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_only_the_bits_of_a_transparent_grey_that_its_depth_has_count(depth: int) -> None:
    grey = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))
    file = io.BytesIO()
    if depth < 8:
        grey.convert("P").save(file, "PNG", bits=depth)
    else:
        grey.save(file, "PNG")
    content = bytearray(file.getvalue())
    content[25] = 0
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    at = content.index(b"IDAT") - 4
    pictures = [
        decode(bytes(content[:at] + chunk(b"tRNS", struct.pack(">H", key)) + content[at:])).pixels
        for key in (1, 0xFF00 | 1)
    ]
    assert content[24] == depth
    assert np.array_equal(*pictures)
    assert (pictures[0][:, :, 3] == 0).any()


def tiff(samples: int, bits: int, photometric: int, form: int = 1) -> bytes:
    """Of 8x4 px, uncompressed, with one strip."""
    pixels = bytes(-(-8 * samples * bits // 8) * 4)
    entries = {256: (3, 8), 257: (3, 4), 259: (3, 1), 262: (3, photometric), 273: (4, 0)}
    entries |= {277: (3, samples), 278: (3, 4), 279: (4, len(pixels))}
    entries |= {258: (3, bits), 339: (3, form)}
    start = 8 + 2 + 12 * len(entries) + 4
    rest = b""
    directory = b""
    for tag, (kind, value) in sorted(entries.items()):
        count = samples if tag in (258, 339) else 1
        place = start + len(rest) if count > 1 else value
        rest += struct.pack(f"<{count}H", *[value] * count) if count > 1 else b""
        directory += struct.pack("<HHII", tag, kind, count, place)
    unset = struct.pack("<HHII", 273, 4, 1, 0)
    directory = directory.replace(unset, struct.pack("<HHII", 273, 4, 1, start + len(rest)))
    head = b"II*\0" + struct.pack("<IH", 8, len(entries))
    return head + directory + bytes(4) + rest + pixels


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (tiff(3, 11, 2), "a TIFF of RGB, 3 unsigned samples of 11 bits,"),
        (tiff(3, 32, 2), "a TIFF of RGB, 3 unsigned samples of 32 bits,"),
        (tiff(3, 32, 2, 3), "a TIFF of RGB, 3 floating-point samples of 32 bits,"),
        (tiff(3, 64, 2, 3), "a TIFF of RGB, 3 floating-point samples of 64 bits,"),
        (tiff(1, 16, 3), "a TIFF of a palette, 1 unsigned samples of 16 bits,"),
        (tiff(3, 16, 8), "a TIFF of CIELab, 3 unsigned samples of 16 bits,"),
        (tiff(1, 16, 32803), "a TIFF of a camera's colour filter, 1 unsigned samples of 16 bits,"),
        (tiff(1, 64, 1), "a TIFF of grey, 1 unsigned samples of 64 bits,"),
    ],
)
def test_a_whole_tiff_is_refused_by_what_it_is(content: bytes, words: str) -> None:
    for read in (decode, lambda data: read_header(io.BytesIO(data))):
        with pytest.raises(UnsupportedImageError, match=f"^{words} is not supported: convert"):
            read(content)
        with pytest.raises(DamagedImageError):
            read(content[:-1])


def test_a_file_in_a_folder_is_refused_by_what_it_is(tmp_path: Path) -> None:
    """As a plan opens it: its name is a number."""
    (tmp_path / "a.tif").write_bytes(tiff(3, 32, 2, 3))
    with (
        open_plain(tmp_path / "a.tif") as file,
        pytest.raises(UnsupportedImageError, match="3 floating-point samples"),
    ):
        read_header(file)


@pytest.mark.skipif(not CASES.exists(), reason="needs the reference data")
@pytest.mark.parametrize("name", ["tiff_float_rgb.tif", "tiff_uint32_rgb.tif"])
def test_reported_tiffs_are_refused_by_what_they_are(name: str) -> None:
    with pytest.raises(UnsupportedImageError, match=r"samples of 32 bits, is not supported"):
        decode((CASES / name).read_bytes())


@pytest.mark.skipif(not CASES.exists(), reason="needs the reference data")
def test_the_reported_bmp_and_grey_tiff_are_read() -> None:
    assert decode((CASES / "bmp_unusual_masks.bmp").read_bytes()).pixels.shape == (8, 16, 3)
    content = (CASES / "tiff_grey_premultiplied.tif").read_bytes()
    stored = tifffile.imread(io.BytesIO(content)).astype(float)
    grey, alpha = stored[..., 0], stored[..., 1]
    pixels = decode(content).pixels.astype(int)
    assert np.array_equal(pixels[..., 3], alpha)
    seen = alpha > 0
    expected = np.minimum(grey[seen] * 255 / alpha[seen], 255)
    assert np.abs(pixels[..., 1][seen] - expected).max() <= 1
