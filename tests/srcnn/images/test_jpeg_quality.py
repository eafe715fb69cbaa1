"""The quality of JPEGs, read off their header: exactly libjpeg's number, whoever wrote the file."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from srcnn.images.decoding import read_header
from srcnn.images.decoding.header_read_limit import BoundedFile
from srcnn.images.decoding.jpeg_quality import estimate_quality, find_quality
from srcnn.images.decoding.open_image import open_image
from tests.support.counting_file import CountingFile

PICTURE = np.random.default_rng(3).integers(0, 256, (24, 40, 3), dtype=np.uint8)
TABLES, START_OF_FRAME = b"\xff\xdb", b"\xff\xc0"
QUALITIES = st.integers(1, 100)
VALUES = st.lists(st.integers(1, 255), min_size=64, max_size=64)


def save(form: str = "JPEG", mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PICTURE).convert(mode).save(file, form, **options)
    return file.getvalue()


def quality_of(data: bytes) -> float:
    return read_header(io.BytesIO(data)).quality


def luma_table(quality: int) -> list[int]:
    with Image.open(io.BytesIO(save(mode="L", quality=quality))) as image:
        return list(getattr(image, "quantization")[0])  # noqa: B009 - of JPEGs alone


def drop_tables(data: bytes) -> bytes:
    """Take the segments with quantisation tables out of a JPEG."""
    while (at := data.find(TABLES)) >= 0:
        (length,) = struct.unpack_from(">H", data, at + 2)
        data = data[:at] + data[at + 2 + length :]
    return data


def with_tables(data: bytes, tables: Sequence[Sequence[int]], *, deep: bool, joined: bool) -> bytes:
    """Replace the tables of a JPEG by others, of 8 or 16 bits, in one segment or in several."""
    form = ">B64H" if deep else ">B64B"
    bodies = [
        struct.pack(form, number | (16 if deep else 0), *table)
        for number, table in enumerate(tables)
    ]
    bodies = [b"".join(bodies)] if joined else bodies
    segments = [TABLES + struct.pack(">H", len(body) + 2) + body for body in bodies]
    return data[:2] + b"".join(segments) + drop_tables(data)[2:]


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_every_quality_of_pillow_is_found(mode: str, subsampling: str) -> None:
    for quality in range(1, 101):
        data = save(mode=mode, quality=quality, subsampling=subsampling)
        assert quality_of(data) == quality


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("progressive", [0, 1])
def test_every_quality_of_opencv_is_found(channels: int, progressive: int) -> None:
    for quality in range(1, 101):
        chosen = [
            *(cv2.IMWRITE_JPEG_QUALITY, quality),
            *(cv2.IMWRITE_JPEG_CHROMA_QUALITY, 50),
            *(cv2.IMWRITE_JPEG_PROGRESSIVE, progressive),
        ]
        data = cv2.imencode(".jpg", PICTURE[:, :, :channels], chosen)[1].tobytes()
        assert quality_of(data) == quality


@given(QUALITIES, st.booleans(), st.booleans())
def test_the_form_of_the_tables_does_not_matter(quality: int, deep: bool, joined: bool) -> None:  # noqa: FBT001 - hypothesis draws them
    tables = [luma_table(quality), [1] * 64]
    assert quality_of(with_tables(save(), tables, deep=deep, joined=joined)) == quality


@pytest.mark.parametrize("quality", range(1, 24))
def test_values_above_255_are_of_16_bits(quality: int) -> None:
    """As libjpeg writes them, unless it is made to keep to the baseline."""
    percent = 5000 // quality
    table = [(value * percent + 50) // 100 for value in luma_table(50)]
    assert max(table) > 255
    assert quality_of(with_tables(save(), [table, table], deep=True, joined=True)) == quality


@given(VALUES)
def test_the_sum_of_any_table_decides_whatever_its_order(values: list[int]) -> None:
    found = estimate_quality(values)
    assert 1 <= found <= 100
    assert found == round(found, 1)
    assert estimate_quality(sorted(values)) == found
    coarser = [min(255, value + 3) for value in values]
    assert estimate_quality(coarser) <= found


@given(st.integers(1, 99), st.lists(st.booleans(), min_size=64, max_size=64))
def test_a_table_between_two_of_libjpeg_has_a_quality_between(
    quality: int, chosen: list[bool]
) -> None:
    pairs = zip(luma_table(quality), luma_table(quality + 1), strict=True)
    table = [pair[choice] for pair, choice in zip(pairs, chosen, strict=True)]
    assert quality <= estimate_quality(table) <= quality + 1


def test_the_finest_and_the_coarsest_tables_have_the_ends() -> None:
    assert estimate_quality([0] * 64) == estimate_quality([1] * 64) == 100
    assert estimate_quality([255] * 64) == 1
    assert estimate_quality([65535] * 64) == 1


def test_the_table_of_the_first_component_counts() -> None:
    data = with_tables(save(), [luma_table(30), luma_table(90)], deep=False, joined=True)
    assert quality_of(data) == 30
    frame = bytearray(data)
    first = data.index(START_OF_FRAME) + 10  # its identifier; then sampling, and the table
    frame[first + 2], frame[first + 5], frame[first + 8] = 1, 0, 0
    assert quality_of(bytes(frame)) == 90


def test_arithmetic_coding_and_rgb_without_luma_are_read_alike() -> None:
    arithmetic = save(quality=61).replace(START_OF_FRAME, b"\xff\xc9", 1)
    assert quality_of(arithmetic) == 61
    assert quality_of(save(quality=62, keep_rgb=True)) == 62


def test_tables_behind_large_metadata_are_found_without_a_further_read() -> None:
    exif = Image.Exif()
    exif[0x010E] = "x" * 60_000
    data = save(quality=83, exif=exif, icc_profile=b"p" * 300_000, comment=b"c" * 60_000)
    file = CountingFile(data)
    with BoundedFile(file) as bounded, open_image(bounded) as image:
        taken = file.taken
        assert find_quality(image) == 83
        assert file.taken == taken


def test_a_phone_s_jpeg_with_a_preview_has_the_quality_of_the_first() -> None:
    preview = Image.fromarray(PICTURE)
    data = save("MPO", quality=71, save_all=True, append_images=[preview])
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "MPO"
    assert quality_of(data) == 71


def test_a_jpeg_without_tables_has_none() -> None:
    assert quality_of(drop_tables(save(quality=40))) == 100


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("quality", [20, 75, 93])
def test_jpeg_in_tiff_has_its_shared_tables(mode: str, quality: int) -> None:
    data = save("TIFF", mode, compression="jpeg", quality=quality)
    assert quality_of(data) == quality


@given(st.binary(max_size=60))
def test_damaged_tables_in_a_tiff_still_give_a_quality(noise: bytes) -> None:
    data = save("TIFF", "L", compression="jpeg", quality=50)
    at = data.index(b"\xff\xd8\xff\xdb") + 4  # the length of the first segment
    assert 1 <= quality_of(data[:at] + noise + data[at + len(noise) :]) <= 100


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("AVIF", {"quality": 30}),
        ("GIF", {}),
        ("BMP", {}),
        ("PPM", {}),
        ("TIFF", {"compression": "tiff_deflate"}),
    ],
)
def test_other_formats_count_as_without_loss(form: str, options: dict[str, Any]) -> None:
    assert quality_of(save(form, **options)) == 100
