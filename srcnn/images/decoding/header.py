"""Read the header of an image file from its first bytes; no pixel is decoded.

Pillow limits the size of compressed parts of a header (profiles, texts):
https://pillow.readthedocs.io/en/stable/handbook/image-file-formats.html#png
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import IO, Any

from PIL import Image, ImageFile, TiffImagePlugin

from srcnn.errors import DamagedImageError, StorageError, UnsupportedImageError
from srcnn.geometry import Size
from srcnn.images.decoding import (
    bigtiff_to_tiff,
    bmp_masks,
    heif,
    jpeg_damaged_segments,
    jxl,
    png_damaged_chunks,
    pnm,
)
from srcnn.images.decoding.cut_damaged_parts import GappedFile, Part
from srcnn.images.decoding.file_kinds import HEIC, JXL, START_BYTES, find_kind, refuse_other_kind
from srcnn.images.decoding.header_read_limit import BoundedFile
from srcnn.images.decoding.jpeg_kind import refuse_unsupported_jpeg
from srcnn.images.decoding.jpeg_quality import find_quality
from srcnn.images.decoding.orientation import TURNED, find_orientation
from srcnn.images.decoding.tiff_check_tags import check_directories
from srcnn.images.decoding.tiff_kind import refuse_preview, refuse_unsupported
from srcnn.images.decoding.webp_quality import find_webp_quality

# Only these of Pillow's formats: PDF and PostScript, for example, would run other programs.
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "DIB", "PPM", "GIF", "AVIF")
# Bytes for each pixel while a file is decoded, at the most, of all depths and channels; measured by
# tests/srcnn/images/test_decoding_memory.py.
_BYTES_PER_PIXEL = {
    "PNG": 17,
    "JPEG": 22,
    "MPO": 22,
    "WEBP": 13,
    "TIFF": 26,
    "BMP": 14,
    "DIB": 14,
    "PPM": 14,
    "GIF": 19,
    "AVIF": 43,
    "HEIF": 32,
    "JXL": 46,
}
_BYTES_PER_OPAQUE_AVIF_PIXEL = 27
_BYTES_PER_SHALLOW_PIXEL = {"HEIF": 14, "JXL": 26}  # of 8 bits
_OPAQUE_MODES = ("1", "L", "I", "I;16", "I;16B", "RGB", "YCbCr")
_FORMATS_OF_BYTES = ("JPEG", "MPO", "WEBP", "BMP", "DIB", "GIF")
_PNM_START_BYTES = 64 * 1024
_BYTE_BITS = 8
_RGB = 2  # PhotometricInterpretation
_STARTS = {
    "JPEG": re.compile(rb"\xff\xd8"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "WebP": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
    "AVIF": re.compile(rb".{4}ftyp", re.DOTALL),
    "JPEG XL": re.compile(rb"\xff\x0a|\0{3}\x0cJXL "),
    "TIFF": re.compile(rb"II[*+]\0|MM\0[*+]"),
    "GIF": re.compile(rb"GIF8[79]a"),
    "BMP": re.compile(rb"BM"),
    "PNM": re.compile(rb"P[1-6]\s"),
}
_PNM_TEXT_COPIES = 4  # of a file of numbers as text, which takes more than its pixels do
# Bytes of a file for each pixel, and besides: 16 bits of four channels, or of three as text, and
# metadata, previews and layers.
_LARGEST_PIXEL_BYTES, _LARGEST_REST_BYTES = 24, 256 * 2**20


# An EXIF block is parsed, number by number; of a JPEG it has 64 KiB in each segment.
_LARGEST_BLOCK_BYTES = {"exif": 2**20, "xmp": 16 * 2**20, "icc_profile": 16 * 2**20}


@dataclass(frozen=True)
class Header:
    """The header of an image file.

    Attributes:
        size: of the upright picture, with the EXIF orientation applied.
        pixel_bytes: of a decoded pixel, at the most: its colours and alpha, in their depth.
        decoding_bytes: memory that decoding takes at the most, besides the file.
        quality: of a JPEG, or of a JPEG that lost as much as a lossy WebP; 100 for others.
    """

    size: Size
    pixel_bytes: int
    decoding_bytes: int
    quality: float


def read_header(file: IO[bytes]) -> Header:
    """Read the header of an image file, without decoding pixels.

    Args:
        file: open for reading, local or remote: only the bytes that are needed are read.

    Raises:
        DamagedImageError: it is not a readable image.
        UnsupportedImageError: it is animated, or has several pages.
        StorageError: it could not be read.
    """
    with BoundedFile(file) as bounded, open_image(bounded) as image:
        return parse_header(image, bounded)


def open_image(file: BoundedFile) -> ImageFile.ImageFile:
    """Open a file as an image, without decoding pixels.

    Args:
        file: to be released once the header is parsed.

    Raises:
        DamagedImageError: it is not a readable image.
        UnsupportedImageError: the file, or its header, is too large for its format.
        StorageError: it could not be read.
    """
    # The plan checks our own limit on pixels, by the header. Pillow's is a process-wide warning at
    # 89 Mpx and an error at 179 Mpx.
    Image.MAX_IMAGE_PIXELS = None
    _register_deep_tiffs()
    _check_start(file)
    start = file.read(bmp_masks.HEADER_BYTES)
    file.seek(0)
    if layout := bmp_masks.read_layout(start):
        header = bmp_masks.make_usual_header(start, layout)
        return _open_with_pillow(BoundedFile(io.BytesIO(header)), [])
    try:
        if bigtiff_to_tiff.is_big_endian_bigtiff(start):
            return _open_with_pillow(io.BytesIO(bigtiff_to_tiff.make_header(file)), [])
        return _open_with_pillow(file, jpeg_damaged_segments.find_damaged(file))
    except DamagedImageError:
        refuse_unsupported(file)
        file.seek(0)
        damaged = png_damaged_chunks.find_damaged(file)
        if not damaged:
            raise
        return _open_with_pillow(file, damaged)


def _open_with_pillow(
    file: BoundedFile | IO[bytes], left_out: Sequence[Part]
) -> ImageFile.ImageFile:
    """Open a file without some of its parts."""
    file.seek(0)
    stream: Any = GappedFile(file, left_out) if left_out else file
    try:
        return _choose_reader(file)(stream)
    except (StorageError, UnsupportedImageError):  # the file itself may be intact
        raise
    # Pillow's parsers raise many types: OSError, SyntaxError, ValueError, struct.error.
    except Exception as error:
        raise DamagedImageError(f"not a readable image: {_describe_start(file)}") from error


def _choose_reader(
    file: BoundedFile | IO[bytes],
) -> Callable[[Any], ImageFile.ImageFile]:
    """Choose what opens a file: Pillow, or a reader of the same interface."""
    kind = find_kind(file.read(START_BYTES))
    file.seek(0)
    if kind == HEIC:
        return heif.open_file
    return jxl.JxlFile if kind == JXL else partial(Image.open, formats=_FORMATS)


def _check_start(file: BoundedFile) -> None:
    """Refuse other kinds, and what Pillow would read without limit to find the picture's size."""
    start = file.read(START_BYTES)
    refuse_other_kind(start)
    refuse_unsupported_jpeg(file)
    file.seek(len(start))
    if pnm.is_pnm(start):
        start += file.read(_PNM_START_BYTES - len(start))
    file.seek(0)
    if pnm.is_pnm(start) and not pnm.has_header(start):
        raise DamagedImageError(
            f"not a readable image: a PNM whose header does not end within {_PNM_START_BYTES} bytes"
        )
    if start[8:12] == b"WEBP" or start[4:8] == b"ftyp":
        check_file_size(file.size, 0)
    check_directories(file)


def parse_header(image: ImageFile.ImageFile, file: BoundedFile) -> Header:
    """Parse the header of an opened image.

    Args:
        image: from `open_image`.
        file: that the image was opened from.

    Raises:
        DamagedImageError: a later part of the header is damaged.
        UnsupportedImageError: it is animated, or has several pages.
        StorageError: it could not be read.
    """
    try:
        frames = _count_frames(image)
    except (StorageError, UnsupportedImageError):
        raise
    # As above: parsers raise many types.
    except Exception as error:
        raise DamagedImageError("its header is truncated or damaged") from error
    if frames != "1":
        raise UnsupportedImageError(
            f"it has {frames} frames or pages; only single images are upscaled: split it first"
        )
    refuse_preview(image)
    width, height = image.size
    check_file_size(file.size, width * height)
    for name in _LARGEST_BLOCK_BYTES:
        check_block(name, image.info.get(name))
    turned = find_orientation(image, file) in TURNED
    size = Size(width, height) if turned else Size(height, width)
    return Header(
        size,
        _measure_pixel(image),
        _estimate_decoding(image, file.size),
        find_webp_quality(file) if image.format == "WEBP" else find_quality(image),
    )


def check_block(name: str, block: object) -> None:
    """Refuse a block of metadata that is larger than any that is worth parsing.

    Args:
        name: Pillow's, such as `exif`.
        block: its content, if there is any.

    Raises:
        UnsupportedImageError: it is too large.
    """
    limit_bytes = _LARGEST_BLOCK_BYTES[name]
    if isinstance(block, bytes) and len(block) > limit_bytes:
        raise UnsupportedImageError(
            f"its {name} block has {len(block)} bytes, more than the {limit_bytes} that are read: "
            "save it again without metadata"
        )


def check_file_size(file_bytes: int, pixels: float) -> None:
    """Refuse a file that is much larger than its pixels, before it is read into memory.

    Args:
        file_bytes: its size.
        pixels: of its picture, or the most that are allowed.

    Raises:
        UnsupportedImageError: it is too large.
    """
    limit_bytes = _LARGEST_REST_BYTES + _LARGEST_PIXEL_BYTES * pixels
    if file_bytes > limit_bytes:
        raise UnsupportedImageError(
            f"the file has {file_bytes} bytes, more than the {limit_bytes:.0f} that are read of an "
            "image of its kind and size: save it again"
        )


def _measure_pixel(image: ImageFile.ImageFile) -> int:
    """Bytes of a decoded pixel; grey counts as colour, which some encoders make of it."""
    opaque = image.mode in _OPAQUE_MODES and "transparency" not in image.info
    samples = 3 if opaque else 4
    if image.format == "PNG":  # Pillow has only 8 bits for colours; the tile has the file's depth
        return samples * (2 if any("16" in str(tile.args) for tile in image.tile) else 1)
    if image.format in ("HEIF", "JXL"):
        return samples * (2 if image.info["bit_depth"] > _BYTE_BITS else 1)
    return samples * (1 if image.format in _FORMATS_OF_BYTES else 2)


def _estimate_decoding(image: ImageFile.ImageFile, file_bytes: int) -> int:
    width, height = image.size
    text = image.format == "PPM" and image.tile and image.tile[0].codec_name == "ppm_plain"
    each = _BYTES_PER_PIXEL.get(image.format or "", 0)
    if image.format == "PNG":  # twice its pixels, and a row or a mask
        each = min(each, 2 * _measure_pixel(image) + 1)
    if image.format == "AVIF" and image.mode == "RGB":
        each = _BYTES_PER_OPAQUE_AVIF_PIXEL
    if image.format in _BYTES_PER_SHALLOW_PIXEL and image.info["bit_depth"] <= _BYTE_BITS:
        each = _BYTES_PER_SHALLOW_PIXEL[image.format]
    pixels_bytes = width * height * each
    return pixels_bytes + (_PNM_TEXT_COPIES * file_bytes if text else 0)


def _describe_start(file: BoundedFile | IO[bytes]) -> str:
    """Say what is wrong with a file whose header no reader takes."""
    file.seek(0)
    start = file.read(12)
    kind = next((kind for kind, pattern in _STARTS.items() if pattern.match(start)), "")
    if kind:
        return f"its {kind} header is truncated or damaged"
    return "it begins like no known kind of image"


def _count_frames(image: ImageFile.ImageFile) -> str:
    # A JPEG, followed by a phone's previews and gain maps; of a HEIC, the primary image is read.
    if image.format in ("MPO", "HEIF"):
        return "1"
    if image.format in ("GIF", "JXL"):  # counting them would read the whole file
        return "several" if getattr(image, "is_animated", False) else "1"
    return str(getattr(image, "n_frames", 1))


def _register_deep_tiffs() -> None:
    """Make Pillow read the headers of deep TIFFs that it does not know, as those that it knows.

    These are 16-bit grey with alpha, and grey and colours of 10, 12 and 14 bits.
    """
    for order, deep in ((b"II", "I;16"), (b"MM", "I;16B")):
        for bits in (10, 12, 14, 16):
            for white in (0, 1):
                _register(order, white, (bits,), (), (deep, deep))
                for alpha in (1, 2):
                    _register(order, white, (bits, bits), (alpha,), ("RGBA", "LA;16B"))
            _register(order, _RGB, (bits,) * 3, (), ("RGB", "RGB;16B"))
            for extra in (0, 1, 2):
                modes = ("RGBA", "RGBA;16B") if extra else ("RGB", "RGBX;16B")
                _register(order, _RGB, (bits,) * 4, (extra,), modes)


def _register(
    order: bytes,
    photometric: int,
    bits: tuple[int, ...],
    extra: tuple[int, ...],
    modes: tuple[str, str],
) -> None:
    key = (order, photometric, (1,), 1, bits, extra)
    TiffImagePlugin.OPEN_INFO.setdefault(key, modes)
