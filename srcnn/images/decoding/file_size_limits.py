"""Refuse files and blocks of metadata that are larger than any that are worth reading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from srcnn.errors import UnsupportedImageError

# Bytes of a file for each pixel, and besides: 16 bits of four channels, or of three as text, and
# metadata, previews and layers.
_LARGEST_PIXEL_BYTES, _LARGEST_REST_BYTES = 24, 256 * 2**20
# An EXIF block is parsed, number by number; of a JPEG it has 64 KiB in each segment.
_LARGEST_BLOCK_BYTES = {"exif": 2**20, "xmp": 16 * 2**20, "icc_profile": 16 * 2**20}


def check_blocks(blocks: Mapping[Any, object]) -> None:
    """Refuse blocks of metadata that are too large; see `check_block`.

    Args:
        blocks: by Pillow's names; others may be among them.
    """
    for name in _LARGEST_BLOCK_BYTES:
        check_block(name, blocks.get(name))


def check_block(name: str, block: object) -> None:
    """Refuse a block of metadata that is larger than any that is worth parsing.

    Args:
        name: Pillow's, such as `exif`.
        block: its content, if there is any.

    Raises:
        UnsupportedImageError: it is too large.
    """
    limit_bytes = _LARGEST_BLOCK_BYTES[name]
    if isinstance(block, bytes) and len(block) > limit_bytes:
        raise UnsupportedImageError(
            f"its {name} block has {len(block)} bytes, more than the {limit_bytes} that are read: "
            "save it again without metadata"
        )


def check_file_size(file_bytes: int, pixels: float) -> None:
    """Refuse a file that is much larger than its pixels, before it is read into memory.

    Args:
        file_bytes: its size.
        pixels: of its picture, or the most that are allowed.

    Raises:
        UnsupportedImageError: it is too large.
    """
    limit_bytes = _LARGEST_REST_BYTES + _LARGEST_PIXEL_BYTES * pixels
    if file_bytes > limit_bytes:
        raise UnsupportedImageError(
            f"the file has {file_bytes} bytes, more than the {limit_bytes:.0f} that are read of an "
            "image of its kind and size: save it again"
        )
