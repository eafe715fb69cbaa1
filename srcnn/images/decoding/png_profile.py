"""Read the profile of a PNG; what libpng would refuse to write is left out.

ICC.1, section 7; libpng's png_icc_check_header and png_icc_check_tag_table.
"""

from __future__ import annotations

import struct
import zlib

_HEADER = struct.Struct(">I8x4s4s4s12x4s24xI60xI")  # section 7.2, and the count of tags
_TAG = struct.Struct(">4xII")  # section 7.3
_CLASSES_OF_OTHERS = (b"abst", b"link")
_SPACES_OF_CONNECTION = (b"XYZ ", b"Lab ")
_LARGEST_PROFILE_BYTES = 16 * 2**20


def read_profile(body: bytes, *, is_grey: bool) -> bytes:
    """Return the profile of an iCCP chunk; empty if libpng would refuse to write it.

    Args:
        body: content of the chunk, which can be decompressed.
        is_grey: whether the PNG is grey.
    """
    coded = body[body.index(b"\0") + 2 :]
    profile = zlib.decompressobj().decompress(coded, _LARGEST_PROFILE_BYTES + 1)
    if len(profile) < _HEADER.size:
        return b""
    length, kind, space, connection, mark, intent, tags = _HEADER.unpack_from(profile)
    is_sound = (
        length <= len(profile)
        and _HEADER.size + 12 * tags <= length
        and not (profile[8] > 3 and length % 4)  # noqa: PLR2004 - major version
        and mark == b"acsp"
        and intent < 2**16 - 1
        and space == (b"GRAY" if is_grey else b"RGB ")
        and kind not in _CLASSES_OF_OTHERS
        and connection in _SPACES_OF_CONNECTION
        and _has_tags(profile[:length], tags)
    )
    return profile[:length] if is_sound else b""


def _has_tags(profile: bytes, tags: int) -> bool:
    table = memoryview(profile)[_HEADER.size : _HEADER.size + 12 * tags]
    return all(start + length <= len(profile) for start, length in _TAG.iter_unpack(table))
