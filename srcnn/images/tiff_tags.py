"""Metadata of TIFF files, where it is not a block beside the pixels but tags among theirs.

OpenCV reads none and writes none, nor does it say that a fourth channel is alpha. Its pixels
are kept as they are, and Pillow's directory is put before them.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import cv2
from PIL import Image, TiffTags
from PIL.TiffImagePlugin import ImageFileDirectory_v2

_EXIF_HEADER = b"Exif\x00\x00"
_STRIP_OFFSETS, _STRIP_BYTES = 273, 279  # TIFF 6.0, section 8
_EXTRA_SAMPLES, _STRAIGHT_ALPHA = 338, 2  # TIFF 6.0, section 18
_XMP, _ICC = 700, 34675  # XMP part 3, section 3.3; ICC.1, annex B.4
_EXIF, _GPS, _INTEROPERABILITY = 0x8769, 0x8825, 0xA005
# What the first directory says of the picture and not of its pixels (EXIF 2.32, table 4):
# names, makers, resolution, software, dates, artists, ratings, copyright, Windows' own texts.
_DESCRIPTIVE = frozenset(
    {269, 270, 271, 272, 282, 283, 296, 305, 306, 315, 316, 18246, 18249, 33432}
    | set(range(40091, 40096))
)


def tiff_metadata(image: Image.Image) -> dict[int, bytes]:
    """EXIF, ICC and XMP of a TIFF.

    Args:
        image: opened by Pillow; loaded or not.

    Returns:
        OpenCV's metadata type to bytes, as of other formats. EXIF is a block of its own, without
        the tags of the pixels; makers' notes keep their bytes, but not their place in the file.
        What is damaged is left out.
    """
    found = {
        cv2.IMAGE_METADATA_ICCP: image.info.get("icc_profile"),
        cv2.IMAGE_METADATA_XMP: image.info.get("xmp"),
        cv2.IMAGE_METADATA_EXIF: _exif(image),
    }
    return {int(kind): blob for kind, blob in found.items() if isinstance(blob, bytes) and blob}


def _exif(image: Image.Image) -> bytes:
    try:
        tags = image.getexif()
        kept = Image.Exif()
        kept.endian = tags.endian
        for tag, value in tags.items():
            if tag in _DESCRIPTIVE:
                kept[tag] = value
        for pointer in (_EXIF, _GPS):
            if directory := _directory(tags, pointer):
                kept.get_ifd(pointer).update(directory)
                kept[pointer] = 0  # its place, which is set on writing
        return kept.tobytes().removeprefix(_EXIF_HEADER) if len(kept) else b""
    except Exception:  # noqa: BLE001 - Pillow raises what its parser meets in a damaged block
        return b""


def _directory(exif: Image.Exif, pointer: int) -> dict[int, Any]:
    """A directory below the first, without the place of the one that is below it in turn."""
    entries = exif.get_ifd(pointer).items()
    return {tag: value for tag, value in entries if tag != _INTEROPERABILITY}


def with_tags(content: bytes, metadata: Mapping[int, bytes], *, alpha: bool) -> bytes:
    """A TIFF of OpenCV's with metadata, and with its fourth channel named as alpha.

    Args:
        content: the file; one picture in strips.
        metadata: as `tiff_metadata` gives it.
        alpha: whether its last channel is straight alpha.
    """
    if not metadata and not alpha:
        return content
    directory = ImageFileDirectory_v2(content[:8])
    file = io.BytesIO(content)
    file.seek(directory.next)
    directory.load(file)
    for tag in list(directory):
        directory[tag] = directory[tag]  # they are parsed on demand, and only those are written
    starts, lengths = directory[_STRIP_OFFSETS], directory[_STRIP_BYTES]
    first, end = min(starts), max(map(sum, zip(starts, lengths, strict=True)))
    # Pillow counts them from the directory's end.
    directory[_STRIP_OFFSETS] = tuple(start - first for start in starts)
    if alpha:
        directory[_EXTRA_SAMPLES] = _STRAIGHT_ALPHA
    _set_blob(directory, _ICC, metadata.get(cv2.IMAGE_METADATA_ICCP), TiffTags.UNDEFINED)
    _set_blob(directory, _XMP, metadata.get(cv2.IMAGE_METADATA_XMP), TiffTags.BYTE)
    _set_exif(directory, metadata.get(cv2.IMAGE_METADATA_EXIF, b""))
    return b"".join(
        (
            content[:4],
            (8).to_bytes(4, "little"),
            directory.tobytes(8),
            memoryview(content)[first:end],
        )
    )


def _set_blob(directory: ImageFileDirectory_v2, tag: int, blob: bytes | None, kind: int) -> None:
    if blob:
        directory.tagtype[tag] = kind
        directory[tag] = blob


def _set_exif(directory: ImageFileDirectory_v2, block: bytes) -> None:
    exif = Image.Exif()
    try:
        exif.load(block)
        tags = {tag: value for tag, value in exif.items() if tag in _DESCRIPTIVE}
        tags |= {pointer: _directory(exif, pointer) for pointer in (_EXIF, _GPS)}
    except Exception:  # noqa: BLE001 - Pillow raises what its parser meets in a damaged block
        return
    for tag, value in tags.items():
        if value:
            directory[tag] = value
