"""The chunks of a PNG that libpng is given: it writes to standard error about many others.

PNG Specification, third edition: https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images.decoding.cut_damaged_parts import Part, cut
from srcnn.images.decoding.png_metadata_texts import is_sound_block
from srcnn.images.decoding.png_read_chunks import Chunk
from srcnn.images.decoding.png_stream import check_stream, trim

_LARGEST_SIDE_PX = 1_000_000  # of libpng
_PALETTE_ENTRIES, _IN_COLOUR = 256, 3
_TRANSPARENT = {0: (2,), 2: (6,)}  # bytes of tRNS, by the colour type: section 11.3.1.1
_EXIF_STARTS = (b"II*\0", b"MM\0*")
_SHORTEST_EXIF, _CICP_BYTES = 8, 4
_REPEATED = frozenset({b"IDAT", b"tEXt", b"zTXt", b"iTXt"})
_KNOWN = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})


def make_plain(data: bytes, chunks: Sequence[Chunk], damaged: Sequence[Part]) -> bytes:
    """Make a PNG of the same pixels, EXIF, XMP and cICP, about which libpng has nothing to say.

    Args:
        data: the file's content.
        chunks: all that are sound.
        damaged: the others.

    Raises:
        DamagedImageError: pixels or colours are missing or damaged.
        UnsupportedImageError: a chunk is needed that no specification has.
    """
    needed = choose_needed(chunks)
    header = needed[0].body
    if max(int.from_bytes(header[:4]), int.from_bytes(header[4:8])) > _LARGEST_SIDE_PX:
        raise UnsupportedImageError(
            f"it has more than {_LARGEST_SIDE_PX:,} px in a side, which cannot be decoded from a "
            "PNG: split it first"
        )
    pixels = [chunk for chunk in needed if chunk.kind == b"IDAT"]
    is_surplus = check_stream(header, [chunk.body for chunk in pixels])
    if header[9] == _IN_COLOUR and not any(chunk.kind == b"PLTE" for chunk in needed):
        raise DamagedImageError("the file is damaged: its palette is missing")
    is_masked = any(
        each.body != data[each.start + 8 : each.end - 4] for each in needed if each.kind == b"tRNS"
    )
    if not (is_surplus or is_masked or needed[-1].body):
        kept = {chunk.start for chunk in needed}
        left_out = [Part(each.start, each.end) for each in chunks if each.start not in kept]
        return cut(data, sorted((*left_out, *damaged)))
    coded = trim(header, [chunk.body for chunk in pixels])
    before = [_frame(*each[2:]) for each in needed if each.start < pixels[0].start]
    after = [_frame(*each[2:]) for each in needed[:-1] if each.start > pixels[-1].start]
    return b"".join((data[:8], *before, _frame(b"IDAT", coded), *after, _frame(b"IEND", b"")))


def choose_needed(chunks: Sequence[Chunk]) -> list[Chunk]:
    """Choose the chunks that decide pixels, EXIF, XMP and cICP, each in its place.

    Args:
        chunks: of a file, the first of which is its header.

    Raises:
        DamagedImageError: there is no header at the start.
        UnsupportedImageError: a chunk is needed that no specification has.
    """
    if not chunks or chunks[0].kind != b"IHDR" or len(chunks[0].body) < 13:  # noqa: PLR2004 - section 11.2.1
        raise DamagedImageError("the file is damaged: its header is not at its start")
    depth, colours = chunks[0].body[8:10]
    last = max((chunk.start for chunk in chunks if chunk.kind == b"IDAT"), default=0)
    found: dict[bytes, Chunk] = {}
    needed = []
    for chunk in chunks:
        kind = chunk.kind
        if kind[:1].isupper() and kind not in _KNOWN:
            raise UnsupportedImageError(
                f"its pixels need a chunk {kind.decode('latin-1')}, which no specification of PNG "
                "has: save it again"
            )
        repeats = kind in found and kind not in _REPEATED
        is_between = kind != b"IDAT" and b"IDAT" in found and chunk.start < last  # section 5.6
        if not (repeats or is_between) and _is_needed(chunk, colours, found):
            found[kind] = chunk
            masked = kind == b"tRNS" and colours != _IN_COLOUR
            needed.append(_mask(chunk, depth) if masked else chunk)
    return needed


def _mask(chunk: Chunk, depth: int) -> Chunk:
    """Clear the bits of transparent samples that are not used (section 11.3.1.1)."""
    body = bytes(chunk.body)
    samples = [int.from_bytes(body[at : at + 2]) & 2**depth - 1 for at in range(0, len(body), 2)]
    return chunk._replace(body=memoryview(b"".join(each.to_bytes(2) for each in samples)))


def _is_needed(chunk: Chunk, colours: int, found: dict[bytes, Chunk]) -> bool:
    body = chunk.body
    match chunk.kind:
        case b"PLTE":
            count, rest = divmod(len(body), 3)
            is_palette = not rest and 0 < count <= _PALETTE_ENTRIES
            return colours == _IN_COLOUR and b"IDAT" not in found and is_palette
        case b"tRNS":
            entries = len(found[b"PLTE"].body) // 3 if b"PLTE" in found else 0
            lengths = range(1, entries + 1) if colours == _IN_COLOUR else ()
            return b"IDAT" not in found and len(body) in _TRANSPARENT.get(colours, lengths)
        case b"cICP":  # section 11.3.2.6: before the palette and the pixels
            is_valid = len(body) == _CICP_BYTES and body[2] == 0  # of RGB
            return is_valid and not {b"PLTE", b"IDAT"} & found.keys()
        case b"eXIf":
            return len(body) >= _SHORTEST_EXIF and bytes(body[:4]) in _EXIF_STARTS
        case b"tEXt" | b"zTXt" | b"iTXt":
            return is_sound_block(chunk.kind, bytes(body))
        case kind:
            return kind in _KNOWN


def _frame(kind: bytes, body: bytes | memoryview) -> bytes:
    body = bytes(body)
    return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)
