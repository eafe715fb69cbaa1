"""Metadata of JPEG files: segments of 64 KiB at most, put before those of the pixels.

OpenCV refuses to encode a profile that needs more than one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import cv2

EXIF_HEADER = b"Exif\0\0"  # EXIF 2.32, section 4.7.2
XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"  # XMP part 3, section 1.1.3
_ICC_HEADER = b"ICC_PROFILE\0"  # ICC.1, annex B.4
_APP1, _APP2, _COMMENT = b"\xff\xe1", b"\xff\xe2", b"\xff\xfe"
_LARGEST_SEGMENT = 65_533  # bytes, without its marker and length: ITU T.81, section B.1.1.4
_LARGEST_PART = _LARGEST_SEGMENT - len(_ICC_HEADER) - 2  # a number, and the count of parts
_LARGEST_COUNT = 255
# Bytes that a JPEG holds of each block, by OpenCV's metadata type.
LARGEST_BYTES = {
    int(cv2.IMAGE_METADATA_EXIF): _LARGEST_SEGMENT - len(EXIF_HEADER),
    int(cv2.IMAGE_METADATA_XMP): _LARGEST_SEGMENT - len(XMP_HEADER),
    int(cv2.IMAGE_METADATA_ICCP): _LARGEST_PART * _LARGEST_COUNT,
}


def with_segments(
    content: bytes, metadata: Mapping[int, bytes], comments: Sequence[bytes] = ()
) -> bytes:
    """Add metadata to a JPEG.

    Args:
        content: of the file: its start, and then the segment of JFIF.
        metadata: by OpenCV's metadata type; none larger than `LARGEST_BYTES`.
        comments: of 65,533 bytes at most.

    Returns:
        The content of the new file.
    """
    at = 4 + int.from_bytes(content[4:6])
    said = (_make_segment(_COMMENT, comment) for comment in comments)
    return b"".join((content[:at], *_list_segments(metadata), *said, memoryview(content)[at:]))


def _list_segments(metadata: Mapping[int, bytes]) -> Iterator[bytes]:
    if exif := metadata.get(cv2.IMAGE_METADATA_EXIF):
        yield _make_segment(_APP1, EXIF_HEADER + exif)
    if xmp := metadata.get(cv2.IMAGE_METADATA_XMP):
        yield _make_segment(_APP1, XMP_HEADER + xmp)
    profile = metadata.get(cv2.IMAGE_METADATA_ICCP, b"")
    starts = range(0, len(profile), _LARGEST_PART)
    for number, start in enumerate(starts, 1):
        part = profile[start : start + _LARGEST_PART]
        yield _make_segment(_APP2, _ICC_HEADER + bytes([number, len(starts)]) + part)


def _make_segment(marker: bytes, body: bytes) -> bytes:
    return marker + (2 + len(body)).to_bytes(2) + body
