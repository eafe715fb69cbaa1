"""Say what a JPEG is that libjpeg-turbo cannot decode, by its frame header.

ITU T.81, B.1.1.3 and B.2.2; ITU T.87 (JPEG-LS), annex C.
"""

from __future__ import annotations

from srcnn.errors import UnsupportedImageError
from srcnn.images.decoding.bounded_file import BoundedFile

_START, _MARK, _SCAN = b"\xff\xd8", 0xFF, 0xDA
_EIGHT_BITS = 8
_FRAMES = {0xC0: "", 0xC1: "", 0xC2: "", 0xC3: "lossless ", 0xC5: "hierarchical "}
_FRAMES |= {0xC6: "hierarchical ", 0xC7: "hierarchical lossless ", 0xC9: "arithmetic-coded "}
_FRAMES |= {0xCA: "arithmetic-coded ", 0xCB: "lossless arithmetic-coded "}
_FRAMES |= {0xCD: "hierarchical ", 0xCE: "hierarchical ", 0xCF: "hierarchical lossless "}
_LOSSLESS_STANDARD = 0xF7  # JPEG-LS
_LARGEST_SEGMENTS = 300


def refuse_unsupported_jpeg(file: BoundedFile) -> None:
    """Refuse a JPEG by its kind; returns for other files, and for usual kinds.

    Args:
        file: that Pillow cannot open.

    Raises:
        UnsupportedImageError: its frame is of a kind, or of a depth, that is not decoded.
    """
    kind, depth = _read_frame(file)
    name = "JPEG-LS image" if kind == _LOSSLESS_STANDARD else f"{_FRAMES.get(kind, '')}JPEG"
    if kind == _LOSSLESS_STANDARD or _FRAMES.get(kind) or (kind and depth != _EIGHT_BITS):
        article = "an" if name.startswith("a") else "a"
        raise UnsupportedImageError(
            f"it is {article} {name} of {depth} bits, which is not supported: convert it to PNG "
            "first"
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
        if head[1] in _FRAMES or head[1] == _LOSSLESS_STANDARD:
            return head[1], head[4]
        at += 2 + int.from_bytes(head[2:4])
    return 0, 0
