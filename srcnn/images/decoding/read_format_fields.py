"""Read what a file says of its picture in fields of its format."""

from __future__ import annotations

from PIL import ImageFile

from srcnn.images.chroma import find_chroma, turn
from srcnn.images.decoding.orientation import TURNED
from srcnn.images.decoding.read_texts_and_comments import read_texts
from srcnn.images.picture import Traits
from srcnn.images.resolution import read_resolution


def read_traits(image: ImageFile.ImageFile, data: bytes, orientation: int) -> Traits:
    """Read the traits of a picture that will be turned upright.

    Args:
        image: opened by Pillow, not loaded.
        data: the file's content.
        orientation: of the stored picture.
    """
    colours, resolution = find_chroma(image, data), read_resolution(image)
    if orientation in TURNED:
        colours, resolution = turn(colours), resolution and resolution.turn()
    return Traits(colours, resolution, read_texts(image, data))
