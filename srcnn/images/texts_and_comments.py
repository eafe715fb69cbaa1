"""Texts of PNGs, and comments of JPEGs and GIFs; prompts of generated pictures are there.

PNG Specification, third edition, section 11.3.3. ITU T.81, section B.2.4.5.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

from srcnn.images.png_chunks import make_chunk

_LARGEST_COMMENT = 65_533  # bytes: ITU T.81, section B.1.1.4


class Texts(NamedTuple):
    """What a file says in words.

    Attributes:
        chunks: name and content of a PNG's.
        comments: of a JPEG or GIF, in an encoding that only their writer knows.
    """

    chunks: tuple[tuple[bytes, bytes], ...] = ()
    comments: tuple[bytes, ...] = ()


NO_TEXTS = Texts()


def to_chunks(texts: Texts) -> list[bytes]:
    """Return the chunks of a PNG that say the texts."""
    chunks = [make_chunk(*chunk) for chunk in texts.chunks]
    for comment in texts.comments:
        text = comment.replace(b"\0", b"")
        if text.isascii() or not _is_utf8(text):  # Latin-1
            chunks.append(make_chunk(b"tEXt", b"Comment\0" + text))
        else:
            chunks.append(make_chunk(b"iTXt", b"Comment\0\0\0\0\0" + text))
    return chunks


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def to_comments(texts: Texts) -> tuple[list[bytes], bool]:
    """Return comments of a JPEG that say the texts, and whether all of them do.

    A text of a PNG becomes `name: text`, in UTF-8.
    """
    decoded = [_decode(*chunk) for chunk in texts.chunks]
    comments = [*texts.comments, *(each for each in decoded if each)]
    kept = [comment for comment in comments if len(comment) <= _LARGEST_COMMENT]
    return kept, len(kept) == len(texts.comments) + len(texts.chunks)


def describe_lost_texts(texts: Texts, kind: str) -> tuple[str, ...]:
    """Describe that texts or comments are left out, where a format cannot say all of them.

    Args:
        texts: of the source.
        kind: the output's format.
    """
    if not any(texts) or kind == "png" or (kind == "jpg" and to_comments(texts)[1]):
        return ()
    return (f"texts or comments were left out: {kind} has no place for them",)


def _decode(kind: bytes, body: bytes) -> bytes:
    """Return name and text in UTF-8; empty if it is damaged, or too large for a comment."""
    name, _, rest = body.partition(b"\0")
    is_compressed = kind == b"zTXt" or (kind == b"iTXt" and rest[:1] == b"\1")
    if kind == b"zTXt":
        rest = rest[1:]
    elif kind == b"iTXt":  # two bytes, a language, and the name in that language
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    if is_compressed:
        stream = zlib.decompressobj()
        try:
            rest = stream.decompress(rest, _LARGEST_COMMENT)
        except zlib.error:
            return b""
        if not stream.eof:
            return b""
    text = rest if kind == b"iTXt" else rest.decode("latin-1").encode()
    return name.decode("latin-1").encode() + b": " + text
