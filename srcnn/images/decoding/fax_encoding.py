"""Recognise fax data (ITU-T T.4 and T.6) that is exactly what libtiff writes for its pixels.

It is complete and valid then. Most encoders choose the same codes, which T.6 prescribes; this takes
a tenth of the time of reading the codes, without the interpreter's lock.
"""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from PIL import Image, TiffImagePlugin

from srcnn.errors import DamagedImageError
from srcnn.images.decoding import opencv

_OFFSETS, _COUNTS, _ROWS_PER_STRIP, _T4_OPTIONS = 273, 279, 278, 292
_NAMES = {2: "tiff_ccitt", 3: "group3", 4: "group4"}  # Pillow's, by the tag's value
_KNOWN_OPTIONS = 1 | 4  # two-dimensional, and ends of lines at whole bytes
_END_BYTES = 12  # an end of block, or six ends of line, with padding


def is_encoded_as_by_libtiff(
    coded: bytes, width: int, rows: int, compression: int, options: int
) -> bool:
    """Decode, encode, and compare: equal data has no fault.

    Args:
        coded: a strip or tile, the first pixel in the highest bit.
        width: of its rows, in pixels.
        rows: that it must have.
        compression: value of the tag.
        options: of T.4.

    Returns:
        False also for valid data that is coded in another way.
    """
    options &= _KNOWN_OPTIONS
    if compression not in _NAMES:
        return False
    try:  # by OpenCV: Pillow lets libtiff print what is wrong
        pixels = opencv.decode(_write_tiff(coded, width, rows, compression, options))
    except DamagedImageError:  # to be described by the slower check
        return False
    if pixels.shape != (rows, width) or pixels.dtype != np.uint8:
        return False
    # One more row, in a strip of its own: an end of all data may follow the last strip.
    image = Image.fromarray(pixels).convert("1", dither=Image.Dither.NONE)
    encoded = _encode(image.crop((0, 0, width, rows + 1)), rows, compression, options)
    end = coded[len(encoded) :].rstrip(b"\0")
    return coded.startswith(encoded) and len(end) <= _END_BYTES


def _write_tiff(coded: bytes, width: int, rows: int, compression: int, options: int) -> bytes:
    entries = {256: width, 257: rows, 258: 1, 259: compression, 262: 1}
    entries |= {_OFFSETS: 8 + 2 + 10 * 12 + 4, 277: 1, _ROWS_PER_STRIP: rows}
    entries |= {_COUNTS: len(coded), _T4_OPTIONS: options}
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries.items())
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4) + coded


def _encode(image: Image.Image, rows: int, compression: int, options: int) -> bytes:
    """Return the first strip."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[_ROWS_PER_STRIP] = rows
    if options:
        tags[_T4_OPTIONS] = options
    file = io.BytesIO()
    image.save(file, "TIFF", compression=_NAMES[compression], tiffinfo=tags)
    with Image.open(file, formats=["TIFF"]) as saved:
        found: Any = getattr(saved, "tag_v2", {})
        start = found[_OFFSETS][0]
        return file.getvalue()[start : start + found[_COUNTS][0]]
