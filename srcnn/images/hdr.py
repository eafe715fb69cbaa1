"""PQ and HLG, the curves of HDR: said by numbers, which no ICC profile replaces.

PNG Specification, third edition, section 11.3.2.6. ITU-T H.273, section 8.2.
"""

from __future__ import annotations

import struct

from srcnn.images.png_chunks import make_chunk

TRANSFERS = {16: "PQ", 18: "HLG"}


def hdr_chunks(hdr: tuple[int, int] | None) -> list[bytes]:
    """Return the chunk of a PNG that says PQ or HLG."""
    return [make_chunk(b"cICP", bytes([*hdr, 0, 1]))] if hdr else []


def with_hdr(content: bytes, hdr: tuple[int, int] | None) -> bytes:
    """Write PQ or HLG over the numbers that an encoder put into an AVIF."""
    at = content.find(b"colrnclx") + 8
    if hdr is None or at < 8:  # noqa: PLR2004 - not found
        return content
    return b"".join((content[:at], struct.pack(">HH", *hdr), memoryview(content)[at + 4 :]))


def describe_loss(hdr: tuple[int, int] | None, kind: str) -> tuple[str, ...]:
    """Describe what a format cannot say of PQ and HLG."""
    if hdr is None or kind in ("png", "avif", "jxl"):
        return ()
    return (f"its colours are {TRANSFERS[hdr[1]]} (HDR), which {kind} cannot say: they look pale",)
