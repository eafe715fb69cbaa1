"""Metadata of TIFF files, which is not a separate block but tags among those of the pixels.

OpenCV neither reads nor writes it, and does not mark a fourth channel as alpha. So the pixel data
of its files is kept, and a directory written by Pillow is put before it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import cv2
from PIL import Image, TiffTags
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from srcnn.images.resolution import Resolution, to_tags

_EXIF_HEADER = b"Exif\x00\x00"
_STRIP_OFFSETS, _STRIP_BYTES = 273, 279  # TIFF 6.0, section 8
_EXTRA_SAMPLES, _STRAIGHT_ALPHA = 338, 2  # TIFF 6.0, section 18
_XMP, _ICC = 700, 34675  # XMP part 3, section 3.3; ICC.1, annex B.4
_EXIF, _GPS, _INTEROPERABILITY = 0x8769, 0x8825, 0xA005
# Tags of the first directory that describe the image, not its pixels (EXIF 2.32, table 4):
# names, makers, resolution, software, dates, artists, ratings, copyright, Windows' own fields.
_DESCRIPTIVE = frozenset(
    {269, 270, 271, 272, 282, 283, 296, 305, 306, 315, 316, 18246, 18249, 33432}
    | set(range(40091, 40096))
)


def read_tiff_metadata(image: Image.Image) -> dict[int, bytes]:
    """Read EXIF, ICC and XMP of a TIFF.

    Args:
        image: opened by Pillow; loaded or not.

    Returns:
        The blocks by OpenCV's metadata type, as for other formats. EXIF is a new block without
        the tags of the pixels; maker notes keep their bytes, but not their offset. Damaged parts
        are left out.
    """
    found = {
        cv2.IMAGE_METADATA_ICCP: image.info.get("icc_profile"),
        cv2.IMAGE_METADATA_XMP: image.info.get("xmp"),
        cv2.IMAGE_METADATA_EXIF: _build_exif(image),
    }
    return {int(kind): blob for kind, blob in found.items() if isinstance(blob, bytes) and blob}


def _build_exif(image: Image.Image) -> bytes:
    try:
        tags = image.getexif()
        kept = Image.Exif()
        kept.endian = tags.endian
        for tag, value in tags.items():
            if tag in _DESCRIPTIVE:
                kept[tag] = value
        for pointer in (_EXIF, _GPS):
            if directory := _read_directory(tags, pointer):
                kept.get_ifd(pointer).update(directory)
                kept[pointer] = 0  # its offset, which is set on writing
        return kept.tobytes().removeprefix(_EXIF_HEADER) if len(kept) else b""
    except Exception:  # noqa: BLE001 - Pillow raises any type on a damaged block
        return b""


def _read_directory(exif: Image.Exif, pointer: int) -> dict[int, Any]:
    """Read a directory that the first one points to, without the pointer to one below it."""
    entries = exif.get_ifd(pointer).items()
    return {tag: value for tag, value in entries if tag != _INTEROPERABILITY}


def with_tags(
    content: bytes,
    metadata: Mapping[int, bytes],
    *,
    alpha: bool,
    resolution: Resolution | None = None,
) -> bytes:
    """Add metadata to a TIFF written by OpenCV, and mark its last channel as alpha.

    Args:
        content: of the file; one picture in strips.
        metadata: as from `read_tiff_metadata`.
        alpha: whether the last channel is straight alpha.
        resolution: of the picture, unless EXIF says one.

    Returns:
        The content of the new file.
    """
    if not metadata and not alpha and resolution is None:
        return content
    directory = ImageFileDirectory_v2(content[:8])
    file = io.BytesIO(content)
    file.seek(directory.next)
    directory.load(file)
    for tag in list(directory):
        directory[tag] = directory[
            tag
        ]  # tags are parsed on access, and only parsed ones are written
    starts, lengths = directory[_STRIP_OFFSETS], directory[_STRIP_BYTES]
    first, end = min(starts), max(map(sum, zip(starts, lengths, strict=True)))
    # Pillow takes them relative to the end of the directory.
    directory[_STRIP_OFFSETS] = tuple(start - first for start in starts)
    if alpha:
        directory[_EXTRA_SAMPLES] = _STRAIGHT_ALPHA
    _set_blob(directory, _ICC, metadata.get(cv2.IMAGE_METADATA_ICCP), TiffTags.UNDEFINED)
    _set_blob(directory, _XMP, metadata.get(cv2.IMAGE_METADATA_XMP), TiffTags.BYTE)
    if resolution is not None:
        directory.update(to_tags(resolution))
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
        tags |= {pointer: _read_directory(exif, pointer) for pointer in (_EXIF, _GPS)}
    except Exception:  # noqa: BLE001 - Pillow raises any type on a damaged block
        return
    for tag, value in tags.items():
        if value:
            directory[tag] = value
