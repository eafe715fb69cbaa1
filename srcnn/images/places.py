"""Coordinates in EXIF and XMP, turned and scaled with the picture."""

from __future__ import annotations

from collections.abc import Mapping

import cv2

from srcnn.images import exif_places, xmp_places
from srcnn.images.turn_and_scale import Change

_MOVES = {
    int(cv2.IMAGE_METADATA_EXIF): exif_places.move_places,
    int(cv2.IMAGE_METADATA_XMP): xmp_places.move_places,
}


def move_places(
    metadata: Mapping[int, bytes], change: Change
) -> tuple[dict[int, bytes], tuple[str, ...]]:
    """Turn and scale the places in metadata.

    Args:
        metadata: without the headers of its format, by OpenCV's metadata type.
        change: of the picture.

    Returns:
        The blocks that are left, and notes about what was dropped.
    """
    moved, notes = dict(metadata), tuple[str, ...]()
    if not change.turns and change.before == change.after:
        return moved, notes
    for kind in _MOVES.keys() & moved.keys():
        moved[kind], dropped = _MOVES[kind](moved[kind], change)
        notes += dropped
    return {kind: block for kind, block in moved.items() if block}, tuple(sorted(notes))
