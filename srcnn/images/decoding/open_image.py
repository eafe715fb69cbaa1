"""Open an image file without decoding its pixels: a reader for its kind, damaged parts left out.

Pillow limits the size of compressed parts of a header (profiles, texts):
https://pillow.readthedocs.io/en/stable/handbook/image-file-formats.html#png
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import IO, Any

from PIL import Image, ImageFile

from srcnn.errors import DamagedImageError, StorageError, UnsupportedImageError
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
from srcnn.images.decoding.file_size_limits import check_file_size
from srcnn.images.decoding.header_read_limit import BoundedFile
from srcnn.images.decoding.jpeg_kind import refuse_unsupported_jpeg
from srcnn.images.decoding.register_deep_tiffs import register_deep_tiffs
from srcnn.images.decoding.tiff_check_tags import check_directories
from srcnn.images.decoding.tiff_kind import refuse_unsupported

# Only these of Pillow's formats: PDF and PostScript, for example, would run other programs.
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "DIB", "PPM", "GIF", "AVIF")
_PNM_START_BYTES = 64 * 1024
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
    register_deep_tiffs()
    _check_start(file)
    start = file.read(bmp_masks.HEADER_BYTES)
    file.seek(0)
    if layout := bmp_masks.read_layout(start):
        header = bmp_masks.make_usual_header(start, layout)
        return _open(BoundedFile(io.BytesIO(header)), [])
    try:
        if bigtiff_to_tiff.is_big_endian_bigtiff(start):
            return _open(io.BytesIO(bigtiff_to_tiff.make_header(file)), [])
        return _open(file, jpeg_damaged_segments.find_damaged(file))
    except DamagedImageError:
        refuse_unsupported(file)
        file.seek(0)
        damaged = png_damaged_chunks.find_damaged(file)
        if not damaged:
            raise
        return _open(file, damaged)


def _open(file: BoundedFile | IO[bytes], left_out: Sequence[Part]) -> ImageFile.ImageFile:
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


def _describe_start(file: BoundedFile | IO[bytes]) -> str:
    """Say what is wrong with a file whose header no reader takes."""
    file.seek(0)
    start = file.read(12)
    kind = next((kind for kind, pattern in _STARTS.items() if pattern.match(start)), "")
    if kind:
        return f"its {kind} header is truncated or damaged"
    return "it begins like no known kind of image"
