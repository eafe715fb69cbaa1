"""Read what a file says of its picture in fields of its format."""

from __future__ import annotations

from PIL import ImageFile

from srcnn.images import chroma
from srcnn.images.decoding.orientation import TURNED
from srcnn.images.picture import Traits


def read_traits(image: ImageFile.ImageFile, data: bytes, orientation: int) -> Traits:
    """Read the traits of a picture that will be turned upright.

    Args:
        image: opened by Pillow, not loaded.
        data: the file's content.
        orientation: of the pixels in the file.
    """
    found = chroma.find_chroma(image, data)
    return Traits(chroma.turn(found) if orientation in TURNED else found)
