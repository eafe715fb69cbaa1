"""Mutate a file, from a seed: the same seed makes the same file."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 63)
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_BYTES = 128


@dataclass(frozen=True)
class Mutant:
    """A mutated file.

    Attributes:
        content: of the file.
        kinds: what was done to it, in order; `truncate` alone means that only the end is missing.
    """

    content: bytes
    kinds: tuple[str, ...]


def mutate(data: bytes, other: bytes, generator: random.Random) -> Mutant:
    """Change a file in one to four ways.

    Args:
        data: a sound file, of at least 1 byte.
        other: another one, to take parts of.
        generator: decides everything.
    """
    kinds = generator.choices(list(_MUTATIONS), k=generator.choice((1, 1, 1, 2, 4)))
    for kind in kinds:
        data = _MUTATIONS[kind](data or b"\0", other, generator)
    return Mutant(data, tuple(kinds))


def _flip_bits(data: bytes, _: bytes, generator: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(generator.choice((1, 1, 2, 8, 64))):
        changed[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
    return bytes(changed)


def _truncate(data: bytes, _: bytes, generator: random.Random) -> bytes:
    return data[: generator.randrange(len(data))]


def _zero_block(data: bytes, _: bytes, generator: random.Random) -> bytes:
    start, end = _pick_block(data, generator)
    return data[:start] + bytes(end - start) + data[end:]


def _randomize_block(data: bytes, _: bytes, generator: random.Random) -> bytes:
    start, end = _pick_block(data, generator)
    return data[:start] + generator.randbytes(end - start) + data[end:]


def _delete_block(data: bytes, _: bytes, generator: random.Random) -> bytes:
    start, end = _pick_block(data, generator)
    return data[:start] + data[end:]


def _repeat_block(data: bytes, _: bytes, generator: random.Random) -> bytes:
    start, end = _pick_block(data, generator)
    return data[:end] + data[start:end] * generator.choice((1, 2, 50)) + data[end:]


def _splice(data: bytes, other: bytes, generator: random.Random) -> bytes:
    return data[: generator.randrange(len(data))] + other[generator.randrange(len(other)) :]


def _append(data: bytes, other: bytes, generator: random.Random) -> bytes:
    return data + generator.choice((bytes(generator.randrange(9_000)), other, b"\n", data))


def _set_number(data: bytes, _: bytes, generator: random.Random) -> bytes:
    """Write a number of 1 to 8 bytes, of an extreme value, most often into the header."""
    width = generator.choice((1, 2, 4, 8))
    value = generator.choice((*_EDGES, generator.getrandbits(64)))
    number = (value % (1 << 8 * width)).to_bytes(width, generator.choice(("little", "big")))
    within = min(len(data), generator.choice((_HEADER_BYTES, len(data))))
    start = generator.randrange(within)
    return data[:start] + number + data[start + width :]


def _change_png_chunk(data: bytes, other: bytes, generator: random.Random) -> bytes:
    """Mutate a chunk of a PNG and make its checksum right; a TIFF's or JPEG's number otherwise."""
    chunks = _find_png_chunks(data)
    if not chunks:
        return _set_number(data, other, generator)
    start, length = generator.choice(chunks)
    body = generator.choice((_flip_bits, _set_number, _delete_block, _zero_block))(
        data[start + 8 : start + 8 + length] or b"\0", other, generator
    )
    kind = data[start + 4 : start + 8]
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return data[:start] + chunk + data[start + 12 + length :]


def _find_png_chunks(data: bytes) -> Sequence[tuple[int, int]]:
    """Return where chunks start, and how long their content is."""
    chunks, start = [], len(_PNG_SIGNATURE)
    if not data.startswith(_PNG_SIGNATURE):
        return []
    while start + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, start)
        if start + 12 + length > len(data):
            break
        chunks.append((start, length))
        start += 12 + length
    return chunks


def _pick_block(data: bytes, generator: random.Random) -> tuple[int, int]:
    start = generator.randrange(len(data))
    return start, min(len(data), start + generator.choice((1, 2, 4, 16, 64, 512, len(data) // 2)))


_MUTATIONS: dict[str, Callable[[bytes, bytes, random.Random], bytes]] = {
    "flip bits": _flip_bits,
    "truncate": _truncate,
    "zero": _zero_block,
    "randomize": _randomize_block,
    "delete": _delete_block,
    "repeat": _repeat_block,
    "splice": _splice,
    "append": _append,
    "set number": _set_number,
    "change chunk": _change_png_chunk,
}
