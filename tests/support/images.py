"""Pictures as files, the way an image of a run is encoded."""

from __future__ import annotations

from srcnn.geometry import Size
from srcnn.images.colour import parse_colour
from srcnn.images.encode import encode
from srcnn.images.picture import Picture
from srcnn.images.prepare import prepare


def to_file(
    picture: Picture,
    extension: str,
    quality: int | None,
    *,
    keep_metadata: bool,
    flatten: str | None = None,
) -> bytes:
    """Prepare a picture for its own size, and encode it."""
    colour = parse_colour(flatten) if flatten else None
    size = Size(*picture.pixels.shape[:2])
    prepared = prepare(picture, size, extension, keep_metadata=keep_metadata, flatten=colour)
    return encode(prepared, quality)
