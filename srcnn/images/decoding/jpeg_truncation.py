"""Detect truncated and damaged JPEGs: decoders fill in missing data, and only warn about it."""

from __future__ import annotations

import io
import re

import numpy as np
from PIL import Image

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images.decoding.jpeg_segments import END, END_MARKER, SCAN, SEGMENT, WARNING

_BITS = b"\xaa" * 512
_RESTARTS = [bytes([0xFF, 0xD0 + count]) for count in range(8)]  # RST0 to RST7
# libjpeg's warnings: jerror.h. Bytes that no block needs are padding, if they are few or zeros;
# otherwise blocks before them were lost, or took more bits than they have.
_EXTRANEOUS = re.compile(r"(\d+) extraneous bytes before marker")
_PADDING_BYTES = 8
_LARGEST_SCANS = 100  # libjpeg's progressive files have 10; 64 coefficients could have one each


def check_scans(data: bytes) -> None:
    """Refuse a JPEG whose scans take longer than its pixels are worth.

    Args:
        data: the file's content; coded data has no such marker.

    Raises:
        UnsupportedImageError: it has more scans than any encoder writes.
    """
    count = data.count(bytes([0xFF, SCAN]))
    if count > _LARGEST_SCANS:
        raise UnsupportedImageError(
            f"it has {count} scans, more than the {_LARGEST_SCANS} that are decoded: save it again"
        )


def refuse_damage(warning: str, data: bytes) -> None:
    """Refuse a file that libjpeg warned about, unless the warning is about a few bytes of padding.

    Args:
        warning: libjpeg's text.
        data: the file's content.

    Raises:
        DamagedImageError: blocks are missing or wrong.
    """
    if WARNING not in warning:
        return
    found = _EXTRANEOUS.search(warning)
    end = _find_coded_data(data)[1]
    zeros = 0 if end is None else end - len(data[:end].rstrip(b"\0"))
    if found is None or int(found[1]) > max(_PADDING_BYTES, zeros):
        raise DamagedImageError(f"the file is damaged: {warning}")


def is_complete(data: bytes, image: Image.Image) -> bool:
    """Whether the coded data is present up to the last block.

    In a truncated image, the end marker is missing (a file that was allocated and never filled),
    or too early (a tool that "repaired" it). Decoders read missing bits as zeros, and then leave
    blocks grey. So this decodes again with other bits before the end marker: they change
    blocks that were filled in, and no others. A progressive image without some of its scans is
    coarse, not truncated, and passes.

    Args:
        data: the file's content.
        image: the same file, loaded by Pillow.
    """
    start, end = _find_coded_data(data)
    if end is None:
        return False
    # The decoder may expect the next restart marker; 0xFF bytes before a marker are padding.
    last = max(_RESTARTS, key=lambda marker: data.rfind(marker, start, end))
    restarted = data.find(last, start, end) >= 0
    expected = _RESTARTS[(_RESTARTS.index(last) + 1) % 8 if restarted else 0]
    coded = data[:end].rstrip(b"\xff")
    without_zeros = coded.rstrip(b"\0")  # a file that was allocated, and filled in part
    coded = without_zeros if len(coded) - len(without_zeros) > _PADDING_BYTES else coded
    changed = coded + _BITS + expected + _BITS + END_MARKER
    try:
        with Image.open(io.BytesIO(changed)) as other:
            return np.array_equal(np.asarray(other), np.asarray(image))
    except (OSError, SyntaxError):  # the bits were decoded as pixels
        return False


def _find_coded_data(data: bytes) -> tuple[int, int | None]:
    """Find the start of the first scan, and the end marker; None if there is no end marker.

    Walks the segments, because thumbnails before the first scan, and comments and tables between
    scans, may contain bytes that look like an end marker.
    """
    first, at = 0, 2
    while found := SEGMENT.search(data, at):
        kind = data[found.start() + 1]
        if kind == END:
            return first, found.start()
        at = found.end() + int.from_bytes(data[found.end() : found.end() + 2])
        first = first or (at if kind == SCAN else 0)
    return first, None
