"""Texts of a PNG that hold blocks of metadata: XMP, and EXIF as ImageMagick writes it.

PNG Specification, third edition: https://www.w3.org/TR/png-3/. libpng and OpenCV refuse the whole
file for a damaged one.
"""

from __future__ import annotations

import re
import zlib

_XMP, _RAW = b"XML:com.adobe.xmp", b"Raw profile type "
# Name, length in bytes, and the block as hexadecimal digits, in lines:
# https://exiftool.org/TagNames/PNG.html#TextualData
_PROFILE = re.compile(rb"\s*+[^\n]*+\n\s*+(\d{1,9}+)\s++([0-9a-fA-F\s]*+)\0*+")
_SHORTEST_EXIF = 8  # of a TIFF's header: libpng refuses to write less
_LARGEST_TEXT = 2**24


def is_exif_text(kind: bytes, body: bytes) -> bool:
    """Whether a chunk is a text that is meant to hold EXIF.

    Args:
        kind: of the chunk.
        body: its content.
    """
    names = _RAW + b"exif\0", _RAW + b"APP1\0"
    return kind in (b"tEXt", b"zTXt") and body.startswith(names)


def is_sound_block(kind: bytes, body: bytes) -> bool:
    """Whether a text has XMP or EXIF, and can be read (section 11.3.3).

    Args:
        kind: of the chunk.
        body: its content.
    """
    name, zero, rest = body.partition(b"\0")
    if not zero or not (name == _XMP or name.startswith(_RAW)):
        return False
    text = _read_text(kind, rest)
    return text is not None and (name == _XMP or _is_sound_profile(text))


def _read_text(kind: bytes, rest: bytes) -> bytes | None:
    """Return what is behind a text's name; None if it cannot be read."""
    match kind:
        case b"zTXt":
            return _decompress(rest[1:]) if rest[:1] == b"\0" else None
        case b"iTXt":  # whether it is compressed, how, language, translation, text
            _, *translated = rest[2:].split(b"\0", 2)
            if rest[:2] not in (b"\0\0", b"\1\0") or len(translated) < 2:  # noqa: PLR2004 - both
                return None
            return _decompress(translated[1]) if rest[:1] == b"\1" else translated[1]
        case _:
            return rest


def _decompress(coded: bytes) -> bytes | None:
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(coded, _LARGEST_TEXT)
    except zlib.error:
        return None
    return text if stream.eof and not stream.unused_data else None


def _is_sound_profile(text: bytes) -> bool:
    found = _PROFILE.fullmatch(text)
    if found is None:
        return False
    digits = len(found[2].translate(None, b" \t\n\r\v\f"))
    return _SHORTEST_EXIF <= int(found[1]) <= digits // 2
