"""Decode image files: complete, upright and in their own depth, or an error.

Pillow reads the headers. Each format is then decoded once, by the fastest library that rejects
incomplete files: `docs/formats.md` lists which, and why.
"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np

from srcnn.errors import DamagedImageError, SourceChangedError
from srcnn.geometry import Size
from srcnn.images.decoding import bigtiff_to_tiff, jpeg_damaged_segments, jpeg_end, jxl
from srcnn.images.decoding.coded_colours import read_coded_colours, to_profile
from srcnn.images.decoding.cut_damaged_parts import cut, list_notes
from srcnn.images.decoding.decode_file import decode_file
from srcnn.images.decoding.header import Header, parse_header, read_header
from srcnn.images.decoding.header_read_limit import BoundedFile
from srcnn.images.decoding.open_image import open_image
from srcnn.images.decoding.orientation import TURNED, apply_orientation, find_orientation
from srcnn.images.decoding.read_format_fields import read_traits
from srcnn.images.decoding.silence_libraries import silence_libraries
from srcnn.images.decoding.stored_orientation import find_stored_orientation
from srcnn.images.metadata import drop_unreadable, normalise_metadata
from srcnn.images.picture import Picture
from srcnn.images.pixels import GREY, check_picture
from srcnn.images.places import move_places
from srcnn.images.turn_and_scale import Change

__all__ = ["Header", "decode", "read_header"]

silence_libraries()


def decode(data: bytes, expected: Size | None = None) -> Picture:
    """Decode a file.

    Args:
        data: the file's content.
        expected: the size when the run was planned; another size is rejected before memory
            for the pixels is allocated.

    Raises:
        DamagedImageError: it is truncated or damaged; a partial picture is never returned.
        UnsupportedImageError: its kind of pixels is not supported.
        SourceChangedError: its size is not the expected one.
    """
    left_out = jpeg_damaged_segments.find_damaged(io.BytesIO(data))
    stored = cut(data, left_out)
    given = bigtiff_to_tiff.to_tiff(stored)
    data = jpeg_end.add_end(given)
    with BoundedFile(io.BytesIO(data)) as file, open_image(file) as image:
        size = parse_header(image, file).size
        if expected is not None and size != expected:
            raise SourceChangedError(
                f"it had {expected} px when the run was planned, now {size}: run again"
            )
        if data is not given:
            jpeg_end.check_is_whole(data)
        orientation = find_orientation(image, file)
        stored_orientation = find_stored_orientation(image, orientation)
        file.release()
        if image.format == "JXL":
            jxl.add_metadata(image, data)
        coded = read_coded_colours(image, data)
        traits = read_traits(image, data, stored_orientation)
        decoded = decode_file(image, data, len(stored))
        coded = decoded.colours or coded
    check_picture(decoded.pixels)
    pixels = apply_orientation(decoded.pixels, orientation)
    if pixels.shape[:2] != size:
        raise DamagedImageError(
            f"its header says {size} px, but it has {Size(*pixels.shape[:2])} px"
        )
    found = normalise_metadata(decoded.metadata, orientation, image.format)
    metadata, notes = drop_unreadable(found)
    metadata, lost = move_places(metadata, _turn(stored_orientation, size))
    return Picture(
        pixels,
        to_profile(coded, metadata, grey=pixels.ndim == GREY),
        notes=(*list_notes(left_out), *decoded.notes, *notes, *lost, *filter(None, [coded.note])),
        is_grey=pixels.ndim == GREY or (decoded.is_grey and _has_equal_planes(decoded.pixels)),
        traits=replace(traits, hdr=coded.hdr),
    )


def _turn(orientation: int, upright: Size) -> Change:
    before = Size(upright.width, upright.height) if orientation in TURNED else upright
    return Change(orientation, before, upright)


def _has_equal_planes(pixels: Any) -> bool:
    """Whether the three planes of a grey file are equal; a decoder may tint greys."""
    blue, green, red = (pixels[:, :, plane] for plane in range(3))
    return np.array_equal(blue, green) and np.array_equal(green, red)
