"""Unusual reference images, each compared with an independent decoder."""

from __future__ import annotations

import io
import re
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from srcnn.errors import DamagedImageError
from srcnn.images.decoding import decode, read_header
from srcnn.images.picture import Picture
from tests.support.paths import REFERENCE

ODD = REFERENCE / "odd"
pytestmark = pytest.mark.skipif(not ODD.is_dir(), reason="the reference data is not here")
FILES = sorted((ODD / "pngsuite").glob("*.png"))

Samples = npt.NDArray[np.int64]

REFUSED = {
    "xs1n0g01.png": "like no known kind of image",  # a wrong byte in the signature
    "xs2n0g01.png": "like no known kind of image",
    "xs4n0g01.png": "like no known kind of image",
    "xs7n0g01.png": "like no known kind of image",
    "xcrn0g04.png": "copied as text",  # line ends were converted
    "xlfn0g04.png": "copied as text",
    "xhdn0g08.png": "its PNG header",  # the checksum of the header is wrong
    "xc1n0g08.png": "its PNG header",  # there is no colour type 1
    "xc9n2c08.png": "its PNG header",  # nor 9
    "xd0n2c08.png": "its PNG header",  # there is no depth of 0 bits
    "xd3n2c08.png": "its PNG header",  # nor 3
    "xd9n2c08.png": "its PNG header",  # nor 99
    "xcsn0g01.png": "wrong checksum in IDAT",
    "xdtn0g01.png": "a part of its pixels is missing",  # no pixel data
}
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
PASSES = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)]
PASSES += [(2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


def chunks(data: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    at = 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        found[kind] = found.get(kind, b"") + data[at + 8 : at + 8 + length]
        at += 12 + length
    return found


def unfiltered(raw: bytes, height: int, row_bytes: int, step: int) -> npt.NDArray[np.uint8]:
    """PNG specification, section 9.2."""
    rows = np.zeros((height + 1, step + row_bytes), dtype=np.int64)
    for y in range(height):
        start = y * (row_bytes + 1)
        kind, line, above = raw[start], rows[y + 1], rows[y]
        for x in range(row_bytes):
            a, b, c = line[x], above[x + step], above[x]
            nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            guess = (0, a, b, (a + b) // 2, nearest)[kind]
            line[x + step] = (raw[start + 1 + x] + guess) % 256
    return rows[1:, step:].astype(np.uint8)


def samples(rows: npt.NDArray[np.uint8], width: int, channels: int, depth: int) -> Samples:
    if depth == 16:
        flat = rows[:, ::2].astype(np.int64) * 256 + rows[:, 1::2]
    else:
        bits = np.unpackbits(rows, axis=1).reshape(len(rows), -1, depth).astype(np.int64)
        flat = bits @ (1 << np.arange(depth)[::-1])
    return flat[:, : width * channels].reshape(len(rows), width, channels)


def read_plainly(data: bytes) -> tuple[Samples, int]:
    """Decode a PNG literally by its specification: RGB(A) or one channel, and its maximum."""
    parts = chunks(data)
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", parts[b"IHDR"])
    channels, raw = CHANNELS[kind], zlib.decompress(parts[b"IDAT"])
    step = max(1, channels * depth // 8)
    whole = np.zeros((height, width, channels), dtype=np.int64)
    for top, left, down, right in PASSES if interlaced else [(0, 0, 1, 1)]:
        part = whole[top::down, left::right]
        if part.size:
            row_bytes = -(-part.shape[1] * channels * depth // 8)
            rows = unfiltered(raw, part.shape[0], row_bytes, step)
            raw = raw[part.shape[0] * (row_bytes + 1) :]
            part[:] = samples(rows, part.shape[1], channels, depth)
    return widened(whole, parts, depth, kind)


def widened(
    whole: Samples, parts: dict[bytes, bytes], depth: int, kind: int
) -> tuple[Samples, int]:
    """Apply palette and transparency, and scale greys of few bits to 8 bits."""
    clear = parts.get(b"tRNS")
    if kind == 3:
        palette = np.frombuffer(parts[b"PLTE"], dtype=np.uint8).reshape(-1, 3).astype(np.int64)
        alpha = np.full(len(palette), 255)
        alpha[: len(clear or b"")] = list(clear or b"")
        table = np.column_stack([palette, alpha]) if clear else palette
        return table[whole[:, :, 0]], 255
    top = 2**depth - 1
    if clear:
        key = np.array(struct.unpack(f">{len(clear) // 2}H", clear))
        whole = np.dstack([whole, np.where((whole == key).all(axis=2), 0, top)])
    if whole.shape[2] == 2:
        whole = whole[:, :, [0, 0, 0, 1]]
    scale = 255 // top if depth < 8 else 1
    return whole * scale, max(top, 255)


def rgb_of(picture: Picture) -> Samples:
    pixels = picture.pixels.astype(np.int64)
    if pixels.ndim == 2:
        return pixels[:, :, None]
    return pixels[:, :, [2, 1, 0, 3][: pixels.shape[2]]]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_file_of_pngsuite_is_decoded_exactly_or_rejected(file: Path) -> None:
    data = file.read_bytes()
    if file.name in REFUSED:
        with pytest.raises(DamagedImageError, match=REFUSED[file.name]):
            decode(data)
        return
    expected, top = read_plainly(data)
    picture = decode(data)
    assert read_header(io.BytesIO(data)).size == picture.pixels.shape[:2]
    assert np.iinfo(picture.pixels.dtype).max == top
    assert np.array_equal(rgb_of(picture), expected)
    colour_type = chunks(data)[b"IHDR"][9]
    assert picture.is_grey == (colour_type in (0, 4))
    assert picture.notes == ()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_depth_and_kind_match_the_name(file: Path) -> None:
    """`basn3p04`: colour type 3, a palette, 4 bits; the result must match the name."""
    found = re.search(r"([02346])([gcpa])(\d\d)\.png$", file.name)
    if file.name in REFUSED or found is None:
        return
    kind, _, bits = found.groups()
    pixels = decode(file.read_bytes()).pixels
    assert pixels.dtype == (np.uint16 if bits == "16" else np.uint8)
    clear = b"tRNS" in chunks(file.read_bytes())
    channels = {"0": (), "4": (4,), "6": (4,)}.get(kind, (3,))
    assert pixels.shape[2:] == ((4,) if clear else channels)


def test_all_rejected_files_are_named_as_broken() -> None:
    assert {file.name for file in FILES if file.name.startswith("x")} == set(REFUSED)
    assert len(FILES) > 170


@pytest.mark.parametrize("scene", ["Landscape", "Portrait"])
@pytest.mark.parametrize("orientation", range(9))
def test_the_exif_samples_are_decoded_upright(scene: str, orientation: int) -> None:
    def small(number: int) -> npt.NDArray[np.uint8]:
        pixels = decode((ODD / "exif" / f"{scene}_{number}.jpg").read_bytes()).pixels
        assert (pixels.shape[0] < pixels.shape[1]) == (scene == "Landscape")
        return np.asarray(cv2.resize(pixels, (60, 60), interpolation=cv2.INTER_AREA), np.uint8)

    # Each sample shows its number, and is a separate JPEG, so they are not equal.
    assert cv2.PSNR(small(orientation), small(1)) > 20


@pytest.mark.parametrize("file", sorted((ODD / "exif").glob("*.jpg")), ids=lambda file: file.name)
def test_the_exif_samples_are_decoded_as_by_pillow(file: Path) -> None:
    with Image.open(file) as image:
        stored = np.asarray(image)
        turns = image.getexif().get(0x0112, 1)
    ways = {3: 2, 6: 3, 8: 1}
    flips = {2: 0, 4: 2, 5: 3, 7: 1}
    expected = np.fliplr(np.rot90(stored, flips[turns])) if turns in flips else stored
    expected = np.rot90(stored, ways[turns]) if turns in ways else expected
    assert np.array_equal(decode(file.read_bytes()).pixels[:, :, ::-1], expected)
