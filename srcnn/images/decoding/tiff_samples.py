"""Decode the samples of a deep TIFF that OpenCV would mix up, by showing it plain greyscale.

Each plane of separate planes is a grey picture, and so are pairs of grey and alpha, in rows of
twice as many samples. A directory that says so is put behind the file; no coded byte changes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import ImageFile

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.geometry import Size
from srcnn.images.decoding import opencv
from srcnn.images.decoding.tiff_strips import (
    BITS,
    COMPRESSION,
    FILL_ORDER,
    PHOTOMETRIC,
    PLANAR,
    SAMPLES,
    Block,
    is_tiled,
    list_blocks,
    read_number,
)

# Tags of TIFF 6.0, sections 8, 14 and 15.
_WIDTH, _LENGTH, _PREDICTOR = 256, 257, 317
_STRIPS, _ROWS_PER_STRIP = (273, 279), 278
_TILES, _TILE_SIZE = (324, 325), (322, 323)
_BLACK_IS_ZERO, _INTERLEAVED = 1, 1
_NO_PREDICTOR, _DIFFERENCES = 1, 2
_WITH_PREDICTOR = (5, 8, 32946)  # LZW and deflate
_LONG, _LONG_BYTES = 4, 4
_LARGEST_BYTES = 2**32 - 2**20  # of what a directory of 32 bits can point to, with its own tables


def decode_planes(image: ImageFile.ImageFile, data: bytes) -> Any:
    """Decode separate planes; see `decode_pairs`.

    Returns:
        (H, W, samples) uint16, in the file's order and orientation.
    """
    blocks, count = list(list_blocks(image)), read_number(image, SAMPLES, 1)
    each = len(blocks) // count
    planes = [
        _decode_grey(image, data, blocks[first : first + each])
        for first in range(0, each * count, each)
    ]
    return np.dstack(planes)


def decode_pairs(image: ImageFile.ImageFile, data: bytes) -> Any:
    """Decode interleaved pairs of samples.

    Args:
        image: opened by Pillow, whose coded data was checked.
        data: the file's content.

    Returns:
        (H, W, 2) uint16, in the file's order and orientation.

    Raises:
        DamagedImageError: it is truncated or damaged.
        UnsupportedImageError: it is larger than a directory of 32 bits can say.
    """
    blocks = list(list_blocks(image))
    rows = _decode_grey(image, data, blocks, samples=2)
    pairs = rows.reshape(len(rows), -1, 2)
    if _find_predictor(image) == _DIFFERENCES:  # of samples two apart, which grey cannot say
        for left in range(0, pairs.shape[1], blocks[0].width):
            part = pairs[:, left : left + blocks[0].width]
            np.cumsum(part, axis=1, dtype=np.uint16, out=part)
    return pairs


def _decode_grey(
    image: ImageFile.ImageFile, data: bytes, blocks: Sequence[Block], samples: int = 1
) -> Any:
    """Decode blocks as a grey picture, whose rows have `samples` for each pixel."""
    predictor = _find_predictor(image) if samples == 1 else _NO_PREDICTOR
    # As stored: Pillow's size is of the picture turned upright.
    size = Size(read_number(image, _LENGTH, 0), samples * read_number(image, _WIDTH, 0))
    places, lengths = _TILES if is_tiled(image) else _STRIPS
    tags = {
        _WIDTH: [size.width],
        _LENGTH: [size.height],
        BITS: [read_number(image, BITS, 16)],
        COMPRESSION: [read_number(image, COMPRESSION, 1)],
        PHOTOMETRIC: [_BLACK_IS_ZERO],
        FILL_ORDER: [read_number(image, FILL_ORDER, 1)],
        SAMPLES: [1],
        PLANAR: [_INTERLEAVED],
        _PREDICTOR: [predictor],
        places: [block.offset for block in blocks],
        lengths: [block.length for block in blocks if block.length is not None],
    }
    first = blocks[0]
    sizes = _TILE_SIZE if is_tiled(image) else (_ROWS_PER_STRIP,)
    tags |= dict(zip(reversed(sizes), ([first.full_rows], [first.width * samples]), strict=False))
    pixels = opencv.decode(_add_directory(data, {tag: tags[tag] for tag in tags if tags[tag]}))
    if pixels.shape != size or pixels.dtype != np.uint16:
        raise DamagedImageError(
            f"the file is damaged: a plane of its pixels is {pixels.dtype} {pixels.shape}"
        )
    return pixels


def _find_predictor(image: ImageFile.ImageFile) -> int:
    """Return the predictor, which only some compressions have."""
    if read_number(image, COMPRESSION, 1) not in _WITH_PREDICTOR:
        return _NO_PREDICTOR
    predictor = read_number(image, _PREDICTOR, _NO_PREDICTOR)
    if predictor != _NO_PREDICTOR and read_number(image, BITS, 16) != 16:  # noqa: PLR2004 - bits
        raise UnsupportedImageError("a predictor is not supported for such samples: save it again")
    if predictor not in (_NO_PREDICTOR, _DIFFERENCES):
        raise DamagedImageError(f"the file is damaged: its predictor is {predictor}")
    return predictor


def _add_directory(data: bytes, tags: Mapping[int, Sequence[int]]) -> bytes:
    """Return the content with another directory behind it, of numbers of 32 bits."""
    if len(data) > _LARGEST_BYTES:
        raise UnsupportedImageError(
            "a TIFF of these colours is supported up to 4 GB: save it with interleaved colours"
        )
    order = ">" if data[:2] == b"MM" else "<"
    at = len(data)
    behind = at + 2 + 12 * len(tags) + 4
    entries, tables = [], b""
    for tag, numbers in sorted(tags.items()):
        values = struct.pack(f"{order}{len(numbers)}I", *numbers)
        if len(numbers) > 1:
            tables, values = tables + values, struct.pack(f"{order}I", behind + len(tables))
        entries.append(struct.pack(f"{order}HHI", tag, _LONG, len(numbers)) + values)
    head = data[:2] + struct.pack(f"{order}HI", 42, at)
    count = struct.pack(f"{order}H", len(tags))
    return b"".join((head, memoryview(data)[8:], count, *entries, bytes(_LONG_BYTES), tables))
