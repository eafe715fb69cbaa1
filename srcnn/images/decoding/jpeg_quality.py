"""The quality that a JPEG was saved with, from the quantisation table of its luma.

libjpeg scales the table of ITU T.81, annex K.1, by the quality (`jpeg_set_quality`). The sum of a
table decides: for each quality it is another, and that of a camera's own table lies between two.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from PIL import ImageFile

from srcnn.graphs.graph_format import CLEAN
from srcnn.images.decoding.tiff_strips import COMPRESSION, JPEG_COMPRESSION, read_number

# Annex K.1, row by row.
_LUMA = (
    *(16, 11, 10, 16, 24, 40, 51, 61),
    *(12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56),
    *(14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77),
    *(24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101),
    *(72, 92, 95, 98, 112, 100, 103, 99),
)
_QUALITIES = range(1, 101)
_STEEP = 50  # below, libjpeg scales by 1 / quality
_LARGEST_BASELINE = 255
_JPEG_TABLES = 347  # tag of TIFF: the tables that its strips or tiles share
_MARK, _START, _TABLES, _HEAD_BYTES = 0xFF, 0xD8, 0xDB, 4


def find_quality(image: ImageFile.ImageFile) -> float:
    """Find the quality of an image's source; nothing more of the file is read.

    Args:
        image: opened by Pillow, not loaded.

    Returns:
        1 to 100, in steps of 0.1; 100 for other formats than JPEG, and JPEG in TIFF, and if the
        header has no table.
    """
    table = _find_table(image)
    return CLEAN if table is None else estimate_quality(table)


def estimate_quality(table: Sequence[int]) -> float:
    """Return the quality of a quantisation table: libjpeg's number, or for other tables its like.

    Args:
        table: 64 values of luma, in any order.

    Returns:
        1 to 100, in steps of 0.1.
    """
    is_baseline = max(table) <= _LARGEST_BASELINE
    sums = _sum_tables(limit=_LARGEST_BASELINE if is_baseline else None)
    # `interp` wants them to ascend; a larger sum is a lower quality.
    return round(float(np.interp(sum(table), sums[::-1], _QUALITIES[::-1])), 1)


@cache
def _sum_tables(limit: int | None) -> tuple[int, ...]:
    """Sum libjpeg's table of each quality; values above 255, which have 16 bits, may be cut."""
    return tuple(sum(_scale_table(quality, limit)) for quality in _QUALITIES)


def _scale_table(quality: int, limit: int | None) -> Iterator[int]:
    percent = 5000 // quality if quality < _STEEP else 200 - 2 * quality
    for value in _LUMA:
        scaled = max(1, (value * percent + 50) // 100)
        yield scaled if limit is None else min(scaled, limit)


def _find_table(image: ImageFile.ImageFile) -> Sequence[int] | None:
    """Return the table of the first component, which is luma, grey, or the first colour."""
    if image.format in ("JPEG", "MPO"):
        layers = getattr(image, "layer", None)
        return getattr(image, "quantization", {}).get(layers[0][3]) if layers else None
    if image.format == "TIFF" and read_number(image, COMPRESSION, 1) == JPEG_COMPRESSION:
        shared = getattr(image, "tag_v2", {}).get(_JPEG_TABLES)
        return dict(_list_tables(shared)).get(0) if isinstance(shared, bytes) else None
    return None


def _list_tables(stream: bytes) -> Iterator[tuple[int, Sequence[int]]]:
    """Yield number and values of each quantisation table of a stream that has tables alone."""
    place = 2 if stream[:2] == bytes([_MARK, _START]) else len(stream)
    while place + _HEAD_BYTES <= len(stream):
        mark, kind, length = struct.unpack_from(">BBH", stream, place)
        if mark != _MARK:
            return
        if kind == _TABLES:
            yield from _split_segment(stream[place + _HEAD_BYTES : place + 2 + length])
        place += 2 + length


def _split_segment(segment: bytes) -> Iterator[tuple[int, Sequence[int]]]:
    """Yield the tables of a segment: precision and number in a byte, then 64 values (B.2.4.1)."""
    while segment:
        form = "64H" if segment[0] >> 4 else "64B"
        table = struct.Struct(f">x{form}")
        if len(segment) < table.size:
            return
        yield segment[0] & 15, table.unpack_from(segment)
        segment = segment[table.size :]
