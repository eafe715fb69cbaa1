"""Say what a JPEG is that libjpeg-turbo cannot decode, by its frame header.

ITU T.81, B.1.1.3 and B.2.2; ITU T.87 (JPEG-LS), annex C.
"""

from __future__ import annotations

from srcnn.errors import UnsupportedImageError
from srcnn.images.decoding.header_read_limit import BoundedFile

_START, _MARK, _SCAN = b"\xff\xd8", 0xFF, 0xDA
# Frames by their marker; of those without a name, libjpeg-turbo decodes the ones of 8 bits.
_FRAMES = {
    **dict.fromkeys((0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA), ""),
    **dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "a hierarchical JPEG"),
    0xCB: "a lossless arithmetic-coded JPEG",
    0xF7: "a JPEG-LS image",
}
_DEEP = range(9, 17)  # bits
_LARGEST_SEGMENTS = 300


def refuse_unsupported_jpeg(file: BoundedFile) -> None:
    """Refuse a JPEG by its kind; returns for other files, and for kinds that are decoded.

    Args:
        file: with any position.

    Raises:
        UnsupportedImageError: its frame is of a kind, or of a depth, that is not decoded.
    """
    kind, depth = _read_frame(file)
    name = _FRAMES.get(kind, "") or ("a JPEG" if kind and depth in _DEEP else "")
    if name:
        raise UnsupportedImageError(
            f"it is {name} of {depth} bits, which is not supported: convert it to PNG first"
        )


def _read_frame(file: BoundedFile) -> tuple[int, int]:
    """Return the kind and the depth of the frame; zeros if there is none before the pixels."""
    file.seek(0)
    at = len(_START) if file.read(len(_START)) == _START else -1
    for _ in range(_LARGEST_SEGMENTS if at > 0 else 0):
        file.seek(at)
        head = file.read(5)
        if len(head) < 5 or head[0] != _MARK or head[1] == _SCAN:  # noqa: PLR2004 - as read
            break
        if head[1] in _FRAMES:
            return head[1], head[4]
        at += 2 + int.from_bytes(head[2:4])
    return 0, 0
