"""Decode JPEG XL in its own depth by libjxl, through OpenImageIO.

ISO/IEC 18181. libjxl applies the orientation of the coded picture, and puts its layers together.
"""

from __future__ import annotations

import tempfile
from typing import Any

import cv2
import numpy as np
from PIL import ImageFile

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images import exif
from srcnn.images.alpha import divide_by_alpha
from srcnn.images.decoding.jxl_boxes import read_codestream_start, read_metadata
from srcnn.images.decoding.jxl_header import CHANNEL_KINDS, START_BYTES, JxlHeader, parse
from srcnn.images.decoding.opencv import UNDECODABLE
from srcnn.images.jxl_encoding import to_container

_HEADER = "jxl"
_DEEPEST_BITS, _BLACK = 16, 4
_SMALLEST_BYTES = 128
_GREYS = (1, 2)  # channels of grey, and of grey with alpha
_BLOCKS = {int(cv2.IMAGE_METADATA_EXIF): "exif", int(cv2.IMAGE_METADATA_XMP): "xmp"}


class JxlFile(ImageFile.ImageFile):
    """The header of a JPEG XL, as Pillow has those of other formats; pixels are not loaded."""

    format = "JXL"
    format_description = "JPEG XL"

    def _open(self) -> None:
        file: Any = self.fp
        header = parse(read_codestream_start(file, START_BYTES))
        _check(header)
        self._size = header.size.width, header.size.height
        self._mode = "RGBA" if header.has_alpha else "RGB"
        self.is_animated = header.is_animated
        self.info[_HEADER] = header
        self.info["bit_depth"] = header.bits


def find_header(image: ImageFile.ImageFile) -> JxlHeader:
    """Return what the coded picture of a `JxlFile` says of itself."""
    header: JxlHeader = image.info[_HEADER]
    return header


def _check(header: JxlHeader) -> None:
    if header.is_float or header.bits > _DEEPEST_BITS:
        kind = "floating-point samples" if header.is_float else f"samples of {header.bits} bits"
        raise UnsupportedImageError(
            f"a JPEG XL with {kind} is not supported: convert it to 8 or 16 bits first"
        )
    if _BLACK in header.further:
        raise UnsupportedImageError("CMYK is not supported in a JPEG XL: convert it to RGB first")
    # OpenImageIO asks libjxl for all channels at once: it gives four at most, alpha as the last.
    if header.further and (header.has_alpha or len(header.further) > 1):
        kinds = _name_further(header)
        raise UnsupportedImageError(
            f"a JPEG XL with several channels besides its colours ({kinds}) is not supported: "
            "save it again with its colours and alpha alone"
        )


def _name_further(header: JxlHeader) -> str:
    kinds = {CHANNEL_KINDS.get(kind, "of another kind") for kind in header.further}
    return ", ".join(sorted(kinds))


def add_metadata(image: ImageFile.ImageFile, data: bytes) -> None:
    """Add EXIF and XMP to what Pillow knows of a JPEG XL; they may lie behind its pixels.

    The orientation in EXIF does not count, and is reset (ISO/IEC 18181-2, section 9.4).

    Args:
        image: a `JxlFile`.
        data: the file's content.

    Raises:
        UnsupportedImageError: it has too many boxes.
    """
    blocks = {_BLOCKS[kind]: block for kind, block in read_metadata(data).items()}
    if "exif" in blocks:
        blocks["exif"] = exif.reset_orientation(blocks["exif"])
    image.info.update(blocks)


def decode(image: ImageFile.ImageFile, data: bytes) -> tuple[Any, bool, tuple[int, int] | bytes]:
    """Decode the pixels: grey, BGR or BGRA, upright; 9 to 15 bits are scaled to 16.

    Args:
        image: a `JxlFile`.
        data: the file's content.

    Returns:
        The pixels; whether they are grey; and of their colours, primaries and transfer by their
        numbers in ITU-T H.273, or else the ICC profile.

    Raises:
        DamagedImageError: it is truncated or damaged.
    """
    import OpenImageIO as oiio  # noqa: PLC0415, N813 - of an extra; the name in its documentation

    header = find_header(image)
    config = oiio.ImageSpec()
    config.attribute("oiio:UnassociatedAlpha", 1)
    # It reads files by name alone, and holds Python's lock in all that reads from memory.
    with tempfile.TemporaryFile() as file:
        file.write(_lengthen(data))
        file.flush()
        buffer = oiio.ImageBuf(f"/dev/fd/{file.fileno()}", 0, 0, config)
        is_whole = buffer.read(force=True)
    if not is_whole:
        error = buffer.geterror()  # or it would be printed
        raise DamagedImageError(f"the file is truncated or damaged: {UNDECODABLE}") from (
            OSError(error)
        )
    spec = buffer.spec()
    stored: Any = buffer.get_pixels(spec.format)
    is_grey = stored.shape[2] - len(header.further) in _GREYS
    pixels = _to_bgr(stored, header, is_grey=is_grey)
    cicp = spec.getattribute("CICP")
    if cicp is not None:
        return pixels, is_grey, (cicp[0] or 1, cicp[1])  # grey has no primaries
    profile = spec.getattribute("ICCProfile")
    return pixels, is_grey, b"" if profile is None else np.asarray(profile, np.uint8).tobytes()


def _lengthen(data: bytes) -> bytes:
    """Make a file as long as OpenImageIO takes one, by a box that means nothing."""
    if len(data) >= _SMALLEST_BYTES:
        return data
    return to_container(data) + _SMALLEST_BYTES.to_bytes(4) + b"free" + bytes(_SMALLEST_BYTES - 8)


def _to_bgr(pixels: Any, header: JxlHeader, *, is_grey: bool) -> Any:
    """Put channels in OpenCV's order, and leave further ones out."""
    if not header.has_alpha:
        return pixels[:, :, 0].copy() if is_grey else pixels[:, :, 2::-1].copy()
    order = [0, 0, 0, 1] if is_grey else [2, 1, 0, 3]
    result = np.ascontiguousarray(pixels[:, :, order])
    return divide_by_alpha(result) if header.is_premultiplied else result


def list_notes(image: ImageFile.ImageFile) -> tuple[str, ...]:
    """Describe what of a file is not kept.

    Args:
        image: a `JxlFile`.
    """
    header: JxlHeader = image.info[_HEADER]
    return (f"a channel was left out: {_name_further(header)}",) if header.further else ()
