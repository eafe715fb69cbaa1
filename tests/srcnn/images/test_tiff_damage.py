"""A TIFF is decoded completely or refused, whatever its compression and layout."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images.decoding import decode
from srcnn.images.decoding.fax_encoding import is_encoded_as_by_libtiff
from tests.support.paths import REFERENCE

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL.TiffImagePlugin")

Array = npt.NDArray[Any]
HEIGHT, WIDTH = 103, 151
ROWS_PER_STRIP, FILL_ORDER, T4_OPTIONS, PREDICTOR = 278, 266, 292, 317
Y, X = np.mgrid[:HEIGHT, :WIDTH]
NOISE = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8)
GREY = np.clip(40 + X + Y // 2 + NOISE // 40, 0, 255).astype(np.uint8)
PICTURES = {
    "photo": GREY,
    "noise": NOISE,
    "ramp": ((3 * X + 2 * Y) % 256).astype(np.uint8),
    "black": np.zeros_like(GREY),
    "white": np.full_like(GREY, 255),
    "stripes": ((X // 5 + Y // 7) % 2 * 255).astype(np.uint8),
}
FAX = ("group3", "group4", "tiff_ccitt")
LOSSLESS = ("packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "lzma", "zstd")


def save(image: Image.Image, compression: str, tags: dict[int, int] | None = None) -> bytes:
    file = io.BytesIO()
    image.save(file, "TIFF", compression=compression, tiffinfo=dict(tags or {}))
    return file.getvalue()


def in_mode(grey: Array, mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(grey.astype(np.uint16) * 257)
    colours = np.dstack([grey, grey[::-1], grey[:, ::-1], 255 - grey])
    if mode == "1":
        return Image.fromarray(grey).point([255 * (v > 127) for v in range(256)]).convert("1")
    if mode == "P":
        return Image.fromarray(colours[:, :, :3]).quantize(32)
    channels = {"L": 1, "LA": 2, "RGBA": 4}.get(mode, 3)
    return Image.fromarray(np.squeeze(colours[:, :, :channels])).convert(mode)


def find_blocks(content: bytes) -> list[tuple[int, int]]:
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        page: Any = file.pages.first
        return sorted(zip(page.dataoffsets, page.databytecounts, strict=True))


def zero(content: bytes, start: int, stop: int) -> bytes:
    return content[:start] + bytes(stop - start) + content[stop:]


def damage(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Lose half of the coded data: of all blocks, or of one in the middle."""
    blocks = find_blocks(content)
    half = sum(length for _, length in blocks) // 2
    damaged, left = content, half
    for at, length in reversed(blocks):
        lost = min(length, left)
        damaged, left = zero(damaged, at + length - lost, at + length), left - lost
    at, length = blocks[len(blocks) // 2]
    yield "a block is zeros", zero(content, at, at + length)
    yield "half is zeros", damaged
    yield "half of a block is zeros", zero(content, at + length // 2, at + length)


@pytest.mark.parametrize("compression", [*FAX, *LOSSLESS, "jpeg"])
def test_half_of_the_coded_data_is_never_half_a_picture(compression: str) -> None:
    modes = ("1",) if compression in FAX else ("L", "RGB", "YCbCr", "RGBA", "P", "CMYK", "1")
    for mode in modes if compression != "jpeg" else modes[:4]:
        for rows in (HEIGHT, 16):
            content = save(in_mode(GREY, mode), compression, {ROWS_PER_STRIP: rows})
            decode(content)
            # Zstandard stores what it cannot compress, and libtiff asks for no checksum.
            kinds = 1 if compression == "zstd" else None
            for name, damaged in islice(damage(content), kinds):
                with pytest.raises(DamagedImageError):
                    pytest.fail(f"{mode}, {rows} rows, {name}: {decode(damaged).pixels.shape}")


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(
    "layout",
    [
        {"rowsperstrip": 16},
        {"tile": (64, 48)},
        {"bigtiff": True},
        {"byteorder": ">"},
        {"predictor": True},
        {"planarconfig": "separate"},
    ],
    ids=lambda layout: next(iter(layout)),
)
def test_deflate_of_every_layout_is_checked_to_its_end(layout: dict[str, Any], bits: int) -> None:
    colours = np.asarray(in_mode(GREY, "RGB")).astype(f"uint{bits}") * (257 if bits > 8 else 1)
    stored = np.moveaxis(colours, 2, 0).copy() if "planarconfig" in layout else colours
    file = io.BytesIO()
    tifffile.imwrite(file, stored, photometric="rgb", compression="zlib", **layout)
    content = file.getvalue()
    assert np.array_equal(decode(content).pixels, colours[:, :, ::-1])
    for at, length in find_blocks(content):
        for place in (at + 2, at + length // 2, at + length - 1):  # the last one is a checksum's
            damaged = bytearray(content)
            damaged[place] ^= 0x15
            with pytest.raises(DamagedImageError):
                decode(bytes(damaged))


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "YCbCr", "P", "CMYK", "1", "I;16"])
def test_no_sound_file_is_refused(mode: str, name: str) -> None:
    image = in_mode(PICTURES[name], mode)
    for compression in LOSSLESS:
        if mode == "I;16" and compression in ("lzma", "zstd"):
            continue
        for rows in (HEIGHT, 7):
            for predictor in (1,) if mode == "1" or compression == "packbits" else (1, 2):
                tags = {ROWS_PER_STRIP: rows, PREDICTOR: predictor}
                assert decode(save(image, compression, tags)).pixels.shape[:2] == (HEIGHT, WIDTH)
    if mode in ("L", "RGB", "RGBA", "YCbCr", "CMYK"):
        assert (
            decode(save(image, "jpeg", {ROWS_PER_STRIP: 16})).pixels.shape[:2] == image.size[::-1]
        )


@pytest.mark.parametrize("name", PICTURES)
def test_sound_faxes_are_decoded(name: str) -> None:
    image = in_mode(PICTURES[name], "1")
    expected = np.asarray(image).astype(np.uint8) * 255
    for compression in FAX:
        options = (0, 1, 4, 5) if compression == "group3" else (0,)  # 2D, and aligned rows
        for option in options:
            for order in (1, 2):
                tags = {T4_OPTIONS: option, FILL_ORDER: order, ROWS_PER_STRIP: 40}
                tags = {tag: value for tag, value in tags.items() if value}
                assert np.array_equal(decode(save(image, compression, tags)).pixels, expected)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 700), min_size=1, max_size=40), st.sampled_from(FAX), st.integers(1, 9)
)
def test_runs_of_every_length_are_valid_faxes(runs: list[int], kind: str, rows: int) -> None:
    row = np.concatenate([np.full(run, at % 2 * 255) for at, run in enumerate([*runs, 8])])
    grey = np.vstack([np.roll(row, 3 * at) for at in range(rows)]).astype(np.uint8)
    assert decode(save(in_mode(grey, "1"), kind)).pixels.shape == grey.shape


@pytest.mark.parametrize("kind", FAX)
def test_dense_faxes_are_recognised_and_their_damage_is_found(kind: str) -> None:
    grey = np.tile(np.arange(1000) * 200 // 1000 + 28, (400, 1)).astype(np.uint8)
    expected = Image.fromarray(grey).convert("1")
    for rows in (400, 150):
        for option in (0, 1, 4, 5) if kind == "group3" else (0,):
            content = save(
                expected, kind, {ROWS_PER_STRIP: rows} | ({T4_OPTIONS: option} if option else {})
            )
            assert np.array_equal(decode(content).pixels, np.asarray(expected) * np.uint8(255))
            for at, length in find_blocks(content):
                damaged = bytearray(content)
                damaged[at + length // 2 : at + length] = bytes(length - length // 2)
                with pytest.raises(DamagedImageError, match="fax data"):
                    decode(bytes(damaged))
    content = save(expected, kind, {ROWS_PER_STRIP: 400})
    at, length = find_blocks(content)[0]
    coded, number = content[at : at + length], {"tiff_ccitt": 2, "group3": 3, "group4": 4}[kind]
    assert is_encoded_as_by_libtiff(coded, 1000, 400, number, 0)
    assert not is_encoded_as_by_libtiff(coded, 1000, 401, number, 0)
    assert not is_encoded_as_by_libtiff(coded + b"0" * 13, 1000, 400, number, 0)


@pytest.mark.parametrize("kind", ["deflate", "group4"])
def test_files_of_which_half_is_zeros_are_damaged(kind: str) -> None:
    path = REFERENCE.parent / f"cases/images/tiff_{kind}_half_zeroed.tif"
    if not path.exists():
        pytest.skip("needs the reference data")
    with pytest.raises(DamagedImageError, match="the file is damaged"):
        decode(path.read_bytes())


def patch(content: bytes, tag: int, values: list[int]) -> bytes:
    """Replace the values of a tag of LONGs, whose number stays."""
    (directory,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, directory)
    for entry in range(directory + 2, directory + 2 + 12 * count, 12):
        found, kind, length, place = struct.unpack_from("<HHII", content, entry)
        if found == tag:
            assert length == len(values)
            form = f"<{length}{'H' if kind == 3 else 'I'}"
            at = entry + 8 if struct.calcsize(form) <= 4 else place
            changed = bytearray(content)
            struct.pack_into(form, changed, at, *values)
            return bytes(changed)
    raise AssertionError(tag)


OFFSETS, COUNTS = 273, 279


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize(
    "fault", ["no bytes", "no place", "same place", "overlap", "beyond", "few"]
)
def test_wrong_places_of_strips_are_damage(fault: str, compression: str | None) -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, GREY, photometric="minisblack", compression=compression, rowsperstrip=16)
    content = file.getvalue()
    offsets, counts = map(list, zip(*find_blocks(content), strict=True))
    tag, values = {
        "no bytes": (COUNTS, [*counts[:2], 0, *counts[3:]]),
        "no place": (OFFSETS, [*offsets[:2], 0, *offsets[3:]]),
        "same place": (OFFSETS, [*offsets[:2], offsets[1], *offsets[3:]]),
        "overlap": (OFFSETS, [*offsets[:2], offsets[2] - 40, *offsets[3:]]),
        "beyond": (OFFSETS, [*offsets[:-1], len(content) - 20]),
        "few": (COUNTS, [*counts[:2], counts[2] // 2, *counts[3:]]),
    }[fault]
    with pytest.raises(DamagedImageError, match="strip"):
        decode(patch(content, tag, values))


@pytest.mark.parametrize(
    ("stored", "options", "reason"),
    [
        (np.zeros((2, 40, 40), np.uint8), {"planarconfig": "separate"}, "separate planes"),
        (np.zeros((40, 40), np.uint16), {"compressed as": 50000}, "Zstandard"),
        (np.zeros((40, 40), np.uint8), {"compressed as": 32809}, "TIFF compression 32809"),
    ],
    ids=["planes of grey and alpha", "deep zstd", "ThunderScan"],
)
def test_what_cannot_be_decoded_completely_is_unsupported(
    stored: Array, options: dict[str, Any], reason: str
) -> None:
    compression = options.pop("compressed as", None)
    extra = {"extrasamples": ["unassalpha"]} if stored.ndim > 2 else {}
    file = io.BytesIO()
    tifffile.imwrite(file, stored, photometric="minisblack", **extra, **options)
    content = file.getvalue()
    content = content if compression is None else patch(content, 259, [compression])
    with pytest.raises(UnsupportedImageError, match=reason):
        decode(content)


def test_layers_that_a_deep_tiff_does_not_have_take_no_memory() -> None:
    file, depth = io.BytesIO(), (65000, "I", 1, 1_000_000, True)
    planes = np.zeros((3, HEIGHT, WIDTH), np.uint16)
    tifffile.imwrite(file, planes, photometric="rgb", planarconfig="separate", extratags=[depth])
    entry = struct.pack("<HHII", 65000, 4, 1, 1_000_000)  # as ImageDepth, which is not written
    content = file.getvalue().replace(entry, struct.pack("<H", 32997) + entry[2:])
    assert np.array_equal(decode(content).pixels, np.moveaxis(planes, 0, 2))
