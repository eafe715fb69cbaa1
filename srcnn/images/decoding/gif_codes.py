"""Whether the coded pixels of a GIF end with their end code; its decoders do not ask for it.

Variable-length LZW: GIF89a, appendix F.
"""

from __future__ import annotations

from collections.abc import Iterator

_LARGEST_BITS = 12


def ends_with_its_code(blocks: bytes, bits: int, pixels: int) -> bool:
    """Whether the end code follows the last pixel.

    Args:
        blocks: of coded data, each with its length, complete.
        bits: of a colour's index, 1 to 8.
        pixels: of the picture.
    """
    data, at = bytearray(), 0
    while at < len(blocks):
        data += blocks[at + 1 : at + 1 + blocks[at]]
        at += 1 + blocks[at]
    return sum(_measure_codes(bytes(data), bits, pixels)) == pixels


def _measure_codes(data: bytes, bits: int, pixels: int) -> Iterator[int]:
    """Yield the pixels of each code up to the end code; one too many if that is missing."""
    clear = 1 << bits
    colours = [1] * (clear + 2)
    lengths, width, before = colours.copy(), bits + 1, 0
    value, held, left = 0, 0, pixels
    for byte in data:
        value, held = value | byte << held, held + 8
        while held >= width:
            code, value, held = value & (1 << width) - 1, value >> width, held - width
            if code == clear:
                lengths, width, before = colours.copy(), bits + 1, 0
                continue
            if code == clear + 1:
                return
            if before and len(lengths) < 1 << _LARGEST_BITS:
                lengths.append(before + 1)
            if code >= len(lengths) or left < 0:
                yield pixels + 1
                return
            before = lengths[code]
            left -= before
            yield before
            if len(lengths) == 1 << width and width < _LARGEST_BITS:
                width += 1
    yield pixels + 1
