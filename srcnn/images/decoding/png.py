"""Decode PNG: check its chunks, decode with OpenCV, and turn a transparent grey into alpha.

PNG Specification, third edition: https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images import exif
from srcnn.images.decoding import opencv
from srcnn.images.decoding.cut_damaged_parts import Part, list_notes
from srcnn.images.decoding.png_chunks_for_libpng import choose_needed, make_plain
from srcnn.images.decoding.png_damaged_chunks import note_of
from srcnn.images.decoding.png_metadata_texts import is_exif_text
from srcnn.images.decoding.png_profile import read_profile
from srcnn.images.decoding.png_read_chunks import Chunk, read_chunks
from srcnn.images.jpeg_metadata import EXIF_HEADER
from srcnn.images.pixels import GREY

_DEPTH, _COLOUR_TYPE = 24, 25  # offsets in the file: section 11.2.1
_COMPRESSED_TEXTS, _LARGEST_TEXTS = (b"zTXt", b"iTXt"), 32
_LONGEST_NAME = 80  # of a text, with its zero
_COLOURED = 2  # a bit of the colour type


def decode(data: bytes) -> tuple[Any, dict[int, bytes], tuple[str, ...]]:
    """Decode pixels and metadata; gamma and significant bits are not applied.

    OpenCV finds metadata before and after the pixels; Pillow would have to decode them again.

    Returns:
        Grey, BGR or BGRA pixels, the file's metadata blocks by OpenCV's metadata type, and notes
        about damaged chunks that were dropped.

    Raises:
        DamagedImageError: it is truncated or damaged, or has more pixels than its header says.
        UnsupportedImageError: it has too many compressed texts.
    """
    damaged: list[Part] = []
    chunks = list(read_chunks(data, damaged))
    kinds = [chunk.kind for chunk in chunks]
    if kinds.count(b"IHDR") > 1:  # section 5.6
        raise DamagedImageError("the file is damaged: it has two headers")
    texts = sum(kind in _COMPRESSED_TEXTS for kind in kinds)
    if texts > _LARGEST_TEXTS:  # each may expand to megabytes, for its checksum
        raise UnsupportedImageError(
            f"it has {texts} compressed texts, more than the {_LARGEST_TEXTS} that are read: "
            "save it without texts"
        )
    pixels, metadata = opencv.decode_with_metadata(make_plain(data, chunks, damaged))
    needed = choose_needed(chunks)
    used = {chunk.kind: chunk.body for chunk in needed}
    damaged += _list_lost_exif(chunks, needed)
    if cv2.IMAGE_METADATA_EXIF in metadata and b"eXIf" not in used:
        # Of a text. In the result it is a chunk, by which every viewer turns the pixels.
        block = metadata[cv2.IMAGE_METADATA_EXIF].removeprefix(EXIF_HEADER)
        metadata[cv2.IMAGE_METADATA_EXIF] = exif.reset_orientation(block)
    if pixels.ndim == GREY and b"tRNS" in used:
        pixels = _add_alpha(pixels, int.from_bytes(used[b"tRNS"]), data[_DEPTH])
    profiles = [chunk.body for chunk in chunks if chunk.kind == b"iCCP"]
    if profiles:
        if profile := read_profile(bytes(profiles[0]), is_grey=is_grey(data)):
            metadata[cv2.IMAGE_METADATA_ICCP] = profile
        else:
            damaged.append(Part(0, 0, note_of(b"iCCP")))
    if cv2.IMAGE_METADATA_XMP in metadata:  # OpenCV adds a zero to texts
        metadata[cv2.IMAGE_METADATA_XMP] = metadata[cv2.IMAGE_METADATA_XMP].rstrip(b"\0")
    return pixels, metadata, list_notes(damaged)


def is_grey(data: bytes) -> bool:
    """Whether a PNG declares itself grey."""
    return not data[_COLOUR_TYPE] & _COLOURED


def _list_lost_exif(chunks: list[Chunk], needed: list[Chunk]) -> list[Part]:
    """List a note about EXIF that libpng is not given, because it would refuse the file."""
    kept = {chunk.start for chunk in needed}
    lost = [chunk for chunk in chunks if chunk.start not in kept and _holds_exif(chunk)]
    return [Part(0, 0, "a damaged EXIF block was dropped")] if lost else []


def _holds_exif(chunk: Chunk) -> bool:
    return chunk.kind == b"eXIf" or is_exif_text(chunk.kind, bytes(chunk.body[:_LONGEST_NAME]))


def _add_alpha(grey: Any, key: int, depth: int) -> Any:
    """Convert grey with one transparent level to BGRA with equal planes."""
    top = np.iinfo(grey.dtype).max
    key &= 2**depth - 1  # section 11.3.1.1: the other bits are not used
    level = key * (top // (2**depth - 1)) if depth < 8 else key  # noqa: PLR2004 - scaled to a byte
    alpha = np.where(grey == level, 0, top).astype(grey.dtype)
    return np.dstack([grey, grey, grey, alpha])
