"""Read texts of PNGs, and comments of JPEGs and GIFs.

PNG Specification, third edition, section 11.3.3. ITU T.81, section B.2.4.5.
"""

from __future__ import annotations

from collections.abc import Iterator

from PIL import ImageFile

from srcnn.images.decoding.jpeg_segments import SCAN, list_segments
from srcnn.images.png_chunks import list_chunks
from srcnn.images.texts_and_comments import NO_TEXTS, Texts

_KINDS = (b"tEXt", b"zTXt", b"iTXt")
_COMMENT = 0xFE  # ITU T.81, table B.1
# Blocks of metadata, which are kept by themselves, and what describes a thumbnail of the source.
_OTHERS = (
    b"XML:com.adobe.xmp",
    *(b"Raw profile type " + name for name in (b"exif", b"APP1", b"xmp", b"icc", b"icm")),
    b"Thumb::",
)


def read_texts(image: ImageFile.ImageFile, data: bytes) -> Texts:
    """Read the texts of a file.

    Args:
        image: opened by Pillow.
        data: the file's content.
    """
    if image.format == "PNG":
        found = list_chunks(data, _KINDS)
        return Texts(chunks=tuple(each for each in found if not each[1].startswith(_OTHERS)))
    if image.format in ("JPEG", "MPO"):
        return Texts(comments=tuple(_list_comments(data)))
    comment = image.info.get("comment") if image.format == "GIF" else None
    return Texts(comments=(comment,)) if isinstance(comment, bytes) and comment else NO_TEXTS


def _list_comments(data: bytes) -> Iterator[bytes]:
    for kind, body in list_segments(data):
        if kind == SCAN:
            return
        if kind == _COMMENT and body:
            yield body
