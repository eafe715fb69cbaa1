"""Say what a TIFF is that Pillow cannot open, or opens as a preview, if it is whole."""

from __future__ import annotations

from typing import Any

import tifffile
from PIL import ImageFile

from srcnn.errors import UnsupportedImageError
from srcnn.images.decoding.cut_damaged_parts import GappedFile
from srcnn.images.decoding.header_read_limit import BoundedFile

_COLOURS = {0: "grey", 1: "grey", 2: "RGB", 3: "a palette", 5: "CMYK", 6: "YCbCr", 8: "CIELab"}
_COLOURS |= {9: "ICCLab", 10: "ITULab", 32803: "a camera's colour filter", 34892: "linear raw"}
_USUAL_BITS = (1, 8, 16)
FORMATS = {1: "unsigned", 2: "signed", 3: "floating-point", 5: "complex", 6: "complex"}
_KIND_OF_PICTURE, _REDUCED, _OTHER_PICTURES = 254, 1, 330  # NewSubfileType, SubIFDs
_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def refuse_unsupported(file: BoundedFile) -> None:
    """Refuse a TIFF by its kind; returns for other files, and for those that are damaged.

    Args:
        file: that Pillow cannot open; its directories were checked.

    Raises:
        UnsupportedImageError: its pixels are in it, and the message says of which kind they are.
    """
    file.seek(0)
    start = file.read(4)
    if start not in _STARTS:
        return
    file.seek(0)
    stream: Any = GappedFile(file, ())  # a file's own name may be a number, which it cannot take
    try:
        with tifffile.TiffFile(stream) as tiff:
            page: Any = tiff.pages.first
            parts = list(zip(page.dataoffsets, page.databytecounts, strict=True))
            kind = _describe(page)
    except Exception:  # noqa: BLE001 - it raises many types on what is damaged
        return
    if parts and all(at > 0 and count > 0 and at + count <= file.size for at, count in parts):
        raise UnsupportedImageError(kind)


def refuse_preview(image: ImageFile.ImageFile) -> None:
    """Refuse a TIFF whose first picture is a preview of another: NEF, ARW, DNG and their like.

    Args:
        image: opened.

    Raises:
        UnsupportedImageError: it is one.
    """
    tags: Any = getattr(image, "tag_v2", {})
    kind = tags.get(_KIND_OF_PICTURE, 0)
    if isinstance(kind, int) and kind & _REDUCED and _OTHER_PICTURES in tags:
        raise UnsupportedImageError(
            "its first picture is a preview, as in a camera's raw file: develop it to TIFF or JPEG "
            "first"
        )


def _describe(page: Any) -> str:
    colours = _COLOURS.get(int(page.photometric), f"colours of kind {int(page.photometric)}")
    bits = page.bitspersample if isinstance(page.bitspersample, int) else max(page.bitspersample)
    samples = FORMATS.get(int(page.sampleformat or 1), "untyped")
    kind = f"a TIFF of {colours}, {page.samplesperpixel} {samples} samples of {bits} bits,"
    is_usual = colours in ("RGB", "grey") and samples == "unsigned" and bits in _USUAL_BITS
    if is_usual:
        return (
            f"{kind} with compression {int(page.compression)} and a structure of its own, is not "
            "supported: save it again"
        )
    return f"{kind} is not supported: convert it to RGB or grey of 8 or 16 bits first"
