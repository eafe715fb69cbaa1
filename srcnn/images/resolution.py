"""The resolution that a picture is to be printed or shown at, where formats have a field for it.

The number stays the same when a picture is upscaled: it then prints larger, at the same resolution.
EXIF says it too; such a block keeps its numbers.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

import cv2
from PIL import Image, ImageFile

from srcnn.images.png_chunks import insert_chunks, make_chunk

_EXIF = int(cv2.IMAGE_METADATA_EXIF)
BY_EXIF = frozenset({"webp", "avif", "jxl"})  # formats without a field of their own
_INCHES_PER_METRE, _CM_PER_INCH = 100 / 2.54, 2.54
_X, _Y, _UNIT, _INCHES, _CENTIMETRES = 282, 283, 296, 2, 3  # TIFF 6.0, section 8
# JFIF 1.02: the unit, and the numbers across and down, behind length, name and version.
_JFIF_AT, _JFIF = 13, struct.Struct(">BHH")
_JFIF_UNITS = {1: 1.0, 2: _CM_PER_INCH}
_BMP_AT, _BMP = 38, struct.Struct("<ii")  # biXPelsPerMeter, biYPelsPerMeter
_LARGEST = {"jpg": 2**16 - 1, "bmp": 2**31 - 1, "png": 2**31 - 1}
_METRES = 1  # PNG 3, section 11.3.4.3


class Resolution(NamedTuple):
    """Dots per inch, across and down."""

    x: float
    y: float

    def turn(self) -> Resolution:
        """Return the resolution of the picture turned by 90 degrees."""
        return Resolution(self.y, self.x)


def read_resolution(image: ImageFile.ImageFile) -> Resolution | None:
    """Read the resolution of an image from its header, or from its EXIF.

    Args:
        image: opened by Pillow, not loaded.

    Returns:
        None if the file says none, an aspect alone, or what no picture has.
    """
    try:
        if image.format in ("JPEG", "MPO"):  # Pillow makes one up where there is none
            per_inch = _JFIF_UNITS.get(image.info.get("jfif_unit", 0))
            density = image.info.get("jfif_density", (0, 0))
            found = [per_inch * number for number in density] if per_inch else None
        else:  # of a TIFF, which has the tags of EXIF, Pillow makes one up too
            found = image.info.get("dpi") if image.format != "TIFF" else None
        return _check(found or _read_exif(Image.Image.getexif(image)))
    except Exception:  # noqa: BLE001 - Pillow raises any type on a damaged block
        return None


def _check(found: Any) -> Resolution | None:
    numbers = Resolution(*map(float, found))
    return numbers if all(math.isfinite(each) and each > 0 for each in numbers) else None


def _read_exif(exif: Mapping[int, Any]) -> tuple[float, float]:
    per_inch = {_INCHES: 1.0, _CENTIMETRES: _CM_PER_INCH}.get(exif.get(_UNIT, _INCHES), 0.0)
    return float(exif[_X]) * per_inch, float(exif[_Y]) * per_inch


def add_exif(
    metadata: dict[int, bytes], kind: str, resolution: Resolution | None
) -> dict[int, bytes]:
    """Add an EXIF block that says the resolution, for a format that has no field of its own.

    Args:
        metadata: of the file; a block that is there stays as it is.
        kind: format of the file.
        resolution: of the picture.
    """
    if resolution is None or _EXIF in metadata or kind not in BY_EXIF:
        return metadata
    exif = Image.Exif()
    for tag, value in to_tags(resolution).items():
        exif[tag] = value
    return {**metadata, _EXIF: exif.tobytes().removeprefix(b"Exif\0\0")}


def to_tags(resolution: Resolution) -> dict[int, float]:
    """Return the tags of EXIF and TIFF."""
    return {_X: resolution.x, _Y: resolution.y, _UNIT: _INCHES}


def with_resolution(content: bytes, kind: str, resolution: Resolution | None) -> bytes:
    """Write the resolution into the field of a file.

    Args:
        content: of a JPEG, PNG or BMP that says none; others are returned as they are.
        kind: its format.
        resolution: of the picture; left out where the field cannot hold it.
    """
    if resolution is None or kind not in _LARGEST:
        return content
    scale = 1.0 if kind == "jpg" else _INCHES_PER_METRE
    x, y = (round(scale * number) for number in resolution)
    if not 0 < min(x, y) <= max(x, y) <= _LARGEST[kind]:
        return content
    if kind == "jpg":
        return _overwrite(content, _JFIF_AT, _JFIF.pack(1, x, y))
    if kind == "bmp":
        return _overwrite(content, _BMP_AT, _BMP.pack(x, y))
    return insert_chunks(content, [make_chunk(b"pHYs", struct.pack(">IIB", x, y, _METRES))])


def _overwrite(content: bytes, at: int, field: bytes) -> bytes:
    return b"".join((content[:at], field, memoryview(content)[at + len(field) :]))
