"""Where the coded data of a TIFF's pixels is: its strips or tiles, and what each must decode to."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import ImageFile

from srcnn.errors import DamagedImageError

# Tags of TIFF 6.0, sections 8 and 15.
_WIDTH, _LENGTH, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
FILL_ORDER, ORIENTATION, SAMPLES, PLANAR = 266, 274, 277, 284
_STRIPS = (273, 279)  # StripOffsets, StripByteCounts
_TILES = (324, 325)  # TileOffsets, TileByteCounts
_ROWS_PER_STRIP, _TILE_WIDTH, _TILE_LENGTH = 278, 322, 323
_SUBSAMPLING = 530  # section 21
_YCBCR = 6
SEPARATE = 2
JPEG_COMPRESSION, UNCOMPRESSED = 7, 1


@dataclass(frozen=True)
class Block:
    """A strip, a tile, or one plane's part of either.

    Attributes:
        name: for messages.
        offset: of its coded data in the file.
        length: of its coded data, in bytes; None where the file does not say.
        width: of its rows, in pixels; those of a tile include padding.
        rows: that the picture needs of it.
        full_rows: that its coded data may hold, with padding.
        row_bytes: of the decoded rows.
    """

    name: str
    offset: int
    length: int | None
    width: int
    rows: int
    full_rows: int
    row_bytes: float

    @property
    def needed_bytes(self) -> int:
        """What it must decode to."""
        return round(self.rows * self.row_bytes)

    @property
    def full_bytes(self) -> int:
        """What it may decode to, with padding."""
        return round(self.full_rows * self.row_bytes)


def read_tag(image: ImageFile.ImageFile, tag: int, default: int) -> tuple[int, ...]:
    """Read the values of a tag; damaged ones become the default."""
    values: Any = getattr(image, "tag_v2", {}).get(tag, default)
    values = values if isinstance(values, tuple) and values else (values,)
    return tuple(value if isinstance(value, int) else default for value in values)


def read_number(image: ImageFile.ImageFile, tag: int, default: int) -> int:
    """Read the first value of a tag."""
    return read_tag(image, tag, default)[0]


def list_blocks(image: ImageFile.ImageFile) -> Iterator[Block]:
    """List the strips or tiles of a TIFF, in the order of the file's tables.

    Args:
        image: opened by Pillow, not loaded.

    Raises:
        DamagedImageError: the tables do not fit the size of the picture.
    """
    tiled = is_tiled(image)
    offsets, lengths = (read_tag(image, tag, 0) for tag in (_TILES if tiled else _STRIPS))
    no_lengths = (_TILES if tiled else _STRIPS)[1] not in getattr(image, "tag_v2", {})
    width, height = (read_number(image, tag, 0) for tag in (_WIDTH, _LENGTH))
    block_width = read_number(image, _TILE_WIDTH, width) if tiled else width
    rows = read_number(image, *((_TILE_LENGTH, height) if tiled else (_ROWS_PER_STRIP, height)))
    if min(width, height, block_width, rows) < 1:
        raise DamagedImageError("the file is damaged: its size, or that of a strip, is zero")
    rows = rows if tiled else min(rows, height)
    across, down = -(-width // block_width), -(-height // rows)
    plane_bits = _list_plane_bits(image)
    count = across * down * len(plane_bits)
    name = "tile" if tiled else "strip"
    if len(offsets) < count or (len(lengths) < count and not no_lengths):
        raise DamagedImageError(f"the file is damaged: it has no place for some {name}s")
    for index in range(count):
        plane, place = divmod(index, across * down)
        top = place // across * rows
        needed = rows if tiled else min(rows, height - top)
        row_bytes = _measure_row(image, block_width, plane_bits[plane])
        yield Block(
            f"{name} {index}",
            offsets[index],
            None if no_lengths else lengths[index],
            block_width,
            needed,
            rows,
            _round_rows(image, needed) * row_bytes / needed,
        )


def is_tiled(image: ImageFile.ImageFile) -> bool:
    """Whether its pixels are in tiles, and not in strips."""
    return _TILES[0] in getattr(image, "tag_v2", {})


def is_subsampled(image: ImageFile.ImageFile) -> bool:
    """Whether colours may be stored at a lower resolution; JPEG hides it in its own data."""
    compression = read_number(image, COMPRESSION, UNCOMPRESSED)
    return read_number(image, PHOTOMETRIC, 1) == _YCBCR and compression != JPEG_COMPRESSION


def _list_plane_bits(image: ImageFile.ImageFile) -> list[int]:
    """Bits of a pixel in each plane; one plane where the samples are interleaved."""
    samples = max(1, read_number(image, SAMPLES, 1))
    bits = read_tag(image, BITS, 1)
    bits = (bits * samples if len(bits) == 1 else bits)[:samples]
    return list(bits) if read_number(image, PLANAR, 1) == SEPARATE else [sum(bits)]


def _measure_row(image: ImageFile.ImageFile, width: int, bits: int) -> float:
    """Bytes of a decoded row; of a subsampled picture, on average (TIFF 6.0, section 21)."""
    if not is_subsampled(image) or read_number(image, PLANAR, 1) == SEPARATE:
        return math.ceil(width * bits / 8)
    across, down = _read_subsampling(image)
    return -(-width // across) * (across * down + 2) / down


def _round_rows(image: ImageFile.ImageFile, rows: int) -> int:
    """Rows that are coded: a subsampled picture has whole units of them."""
    if not is_subsampled(image) or read_number(image, PLANAR, 1) == SEPARATE:
        return rows
    down = _read_subsampling(image)[1]
    return -(-rows // down) * down


def _read_subsampling(image: ImageFile.ImageFile) -> tuple[int, int]:
    factors = read_tag(image, _SUBSAMPLING, 2)
    across, down = factors if len(factors) == 2 else (2, 2)  # noqa: PLR2004 - of both axes
    return max(1, across), max(1, down)
