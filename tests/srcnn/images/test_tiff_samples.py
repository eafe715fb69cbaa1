"""16-bit TIFF in planes, or of grey with alpha, in every compression that libtiff has for it."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from srcnn.errors import DamagedImageError
from srcnn.images.decoding import decode, read_header

Array = npt.NDArray[Any]
HEIGHT, WIDTH = 37, 41
Y, X = np.mgrid[:HEIGHT, :WIDTH]
STORED = np.dstack([1601 * X + 3 * Y, 907 * Y, 50_000 - 31 * X * Y, 40_000 + X]).astype(np.uint16)


def lzw(data: bytes) -> bytes:
    """Code bytes as LZW of TIFF (section 13) does, as literals: codes never grow beyond 9 bits."""
    codes = [256]
    for at, byte in enumerate(data):
        codes += [256, byte] if at and at % 250 == 0 else [byte]
    bits = "".join(f"{code:09b}" for code in (*codes, 257))
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8))


def packbits(data: bytes) -> bytes:
    return b"".join(
        bytes([len(piece) - 1]) + piece
        for piece in (data[at : at + 128] for at in range(0, len(data), 128))
    )


CODERS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "none": (1, bytes),
    "LZW": (5, lzw),
    "deflate": (8, zlib.compress),
    "PackBits": (32773, packbits),
}


def split(plane: Array, block: tuple[int, int], *, is_tiled: bool) -> Iterator[Array]:
    """Yield the strips, or the padded tiles, of a plane (H, W, samples)."""
    for top in range(0, HEIGHT, block[0]):
        for left in range(0, WIDTH, block[1]):
            part = plane[top : top + block[0], left : left + block[1]]
            if is_tiled:
                missing = [(0, full - n) for full, n in zip(block, part.shape, strict=False)]
                part = np.pad(part, [*missing, (0, 0)], mode="edge")
            yield part


def pack(part: Array, order: str, bits: int) -> bytes:
    """Return rows of samples, which begin with a byte; those of 16 bits are in the file's order."""
    if bits == 16:
        return part.astype(f"{order}u2").tobytes()
    rows = ("".join(f"{sample:0{bits}b}" for sample in row.ravel()) for row in part)
    padded = (row.ljust(-(-len(row) // 8) * 8, "0") for row in rows)
    return b"".join(int(row, 2).to_bytes(len(row) // 8) for row in padded)


def tiff(  # noqa: PLR0913 - independent properties of a file
    values: Array,
    coder: str,
    order: str,
    *,
    predicted: bool = False,
    is_tiled: bool = False,
    in_planes: bool = False,
    bits: int = 16,
    white: int = 1,
) -> bytes:
    """Make a TIFF of (H, W, samples), byte by byte."""
    compression, code = CODERS[coder]
    block = (16, 16) if is_tiled else (10, WIDTH)
    samples = values.shape[2]
    planes = [values[:, :, at : at + 1] for at in range(samples)] if in_planes else [values]
    coded = []
    for plane in planes:
        for part in split(plane, block, is_tiled=is_tiled):
            known = np.diff(part, axis=1, prepend=part[:, :1] * 0) if predicted else part
            coded.append(code(pack(known, order, bits)))
    places = [8 + sum(map(len, coded[:at])) for at in range(len(coded))]
    tags = {256: [WIDTH], 257: [HEIGHT], 258: [bits] * samples, 259: [compression]}
    tags |= {262: [white if samples < 3 else 2], 277: [samples], 284: [2 if in_planes else 1]}
    tags |= {317: [2 if predicted else 1]} | ({338: [2]} if samples in (2, 4) else {})
    tables = {324: places, 325: [*map(len, coded)], 322: [block[1]], 323: [block[0]]}
    strips = {273: places, 279: [*map(len, coded)], 278: [block[0]]}
    tags |= tables if is_tiled else strips
    body, behind, entries = b"".join(coded), b"", b""
    after = 8 + len(body) + 2 + 12 * len(tags) + 4
    for tag, numbers in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(numbers)}I", *numbers)
        if len(numbers) > 1:
            behind, packed = behind + packed, struct.pack(f"{order}I", after + len(behind))
        entries += struct.pack(f"{order}HHI", tag, 4, len(numbers)) + packed
    mark = b"MM" if order == ">" else b"II"
    head = mark + struct.pack(f"{order}HI", 42, 8 + len(body))
    return head + body + struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + behind


LAYOUTS = {"planes": 3, "planes with alpha": 4, "grey with alpha": 2}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("is_tiled", [False, True], ids=["strips", "tiles"])
@pytest.mark.parametrize("predicted", [False, True], ids=["", "predictor"])
@pytest.mark.parametrize("coder", CODERS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_sample_is_decoded(
    layout: str, coder: str, order: str, *, is_tiled: bool, predicted: bool
) -> None:
    if predicted and coder in ("none", "PackBits"):
        predicted = False  # they have none
    samples = LAYOUTS[layout]
    values = STORED[:, :, :samples]
    in_planes = layout != "grey with alpha"
    content = tiff(
        values, coder, order, predicted=predicted, is_tiled=is_tiled, in_planes=in_planes
    )
    channels = [2, 1, 0, 3][:samples] if in_planes else [0, 0, 0, 1]
    found = decode(content).pixels
    assert np.array_equal(found, values[:, :, channels])
    for share in (0.2, 0.5, 0.8):
        with pytest.raises(DamagedImageError):
            decode(content[: int(share * len(content))])


@pytest.mark.parametrize("coder", ["LZW", "deflate", "PackBits"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_half_of_the_coded_data_is_never_half_a_picture(layout: str, coder: str) -> None:
    values, in_planes = STORED[:, :, : LAYOUTS[layout]], layout != "grey with alpha"
    content = tiff(values, coder, "<", in_planes=in_planes)
    end = int.from_bytes(content[4:8], "little")
    zeros = content[: end // 2] + bytes(end - end // 2) + content[end:]
    with pytest.raises(DamagedImageError):
        decode(zeros)


def test_a_predictor_of_floats_is_damage() -> None:
    content = tiff(STORED[:, :, :3], "LZW", "<", predicted=True, in_planes=True)
    wrong = content.replace(struct.pack("<HHII", 317, 4, 1, 2), struct.pack("<HHII", 317, 4, 1, 3))
    with pytest.raises(DamagedImageError, match="its predictor is 3"):
        decode(wrong)


ODD = {"grey": 1, "grey and alpha": 2, "RGB": 3, "RGBA": 4}


@pytest.mark.parametrize("coder", ["none", "LZW"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("in_planes", [False, True], ids=["", "planes"])
@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("bits", [10, 12, 14])
def test_samples_of_10_to_14_bits_are_scaled_to_16(
    bits: int, kind: str, order: str, coder: str, *, in_planes: bool
) -> None:
    samples = ODD[kind]
    if in_planes and samples < 3:
        in_planes = False
    values = STORED[:, :, :samples] >> (16 - bits)
    values[0, 0], values[0, 1] = 0, 2**bits - 1
    content = tiff(values, coder, order, in_planes=in_planes, bits=bits)
    found = decode(content).pixels
    expected = np.rint(values * (65_535 / (2**bits - 1))).astype(np.uint16)
    channels = {1: [0], 2: [0, 0, 0, 1], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[samples]
    assert found.dtype == np.uint16
    assert np.array_equal(found.reshape(HEIGHT, WIDTH, -1), expected[:, :, channels])
    assert read_header(io.BytesIO(content)).size == (HEIGHT, WIDTH)
    for share in (0.2, 0.5, 0.8):
        with pytest.raises(DamagedImageError):
            decode(content[: int(share * len(content))])


@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize("order", ["<", ">"])
def test_white_may_be_zero_in_any_depth_and_order(order: str, bits: int) -> None:
    values = STORED[:, :, :1] >> (16 - bits)
    white, black = (decode(tiff(values, "none", order, bits=bits, white=at)) for at in (0, 1))
    assert np.array_equal(white.pixels, 65_535 - black.pixels)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.booleans(), st.integers(1, 40), st.integers(0, 9))
def test_planes_of_any_size_and_strips_are_decoded(
    height: int,
    width: int,
    big: bool,  # noqa: FBT001 - drawn
    rows: int,
    seed: int,
) -> None:
    values = np.random.default_rng(seed).integers(0, 65_536, (3, height, width), np.uint16)
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        values,
        photometric="rgb",
        planarconfig="separate",
        rowsperstrip=min(rows, height),
        bigtiff=big,
        compression="zlib",
    )
    assert np.array_equal(decode(file.getvalue()).pixels, np.moveaxis(values[::-1], 0, 2))


def test_an_8_bit_file_of_the_same_writer_is_whole_for_another_reader() -> None:
    """The codes of this file's writer are those of TIFF."""
    content = tiff(STORED[:, :, :3], "LZW", "<")
    assert Image.open(io.BytesIO(content)).size == (WIDTH, HEIGHT)
    assert np.array_equal(decode(content).pixels, STORED[:, :, 2::-1])
