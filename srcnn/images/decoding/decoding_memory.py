"""Estimate the memory of an image by its header: while it is decoded, and of its pixels."""

from __future__ import annotations

from PIL import ImageFile

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
_BYTE_BITS = 8
_PNM_TEXT_COPIES = 4  # of a file of numbers as text, which takes more than its pixels do


def measure_pixel_bytes(image: ImageFile.ImageFile) -> int:
    """Return the bytes of a decoded pixel; grey counts as colour, which some encoders make of it.

    Args:
        image: opened, not decoded.
    """
    opaque = image.mode in _OPAQUE_MODES and "transparency" not in image.info
    samples = 3 if opaque else 4
    if image.format == "PNG":  # Pillow has only 8 bits for colours; the tile has the file's depth
        return samples * (2 if any("16" in str(tile.args) for tile in image.tile) else 1)
    if image.format in ("HEIF", "JXL"):
        return samples * (2 if image.info["bit_depth"] > _BYTE_BITS else 1)
    return samples * (1 if image.format in _FORMATS_OF_BYTES else 2)


def estimate_decoding_bytes(image: ImageFile.ImageFile, file_bytes: int) -> int:
    """Return the memory that decoding takes at the most, besides the file.

    Args:
        image: opened, not decoded.
        file_bytes: size of its file.
    """
    width, height = image.size
    text = image.format == "PPM" and image.tile and image.tile[0].codec_name == "ppm_plain"
    each = _BYTES_PER_PIXEL.get(image.format or "", 0)
    if image.format == "PNG":  # twice its pixels, and a row or a mask
        each = min(each, 2 * measure_pixel_bytes(image) + 1)
    if image.format == "AVIF" and image.mode == "RGB":
        each = _BYTES_PER_OPAQUE_AVIF_PIXEL
    if image.format in _BYTES_PER_SHALLOW_PIXEL and image.info["bit_depth"] <= _BYTE_BITS:
        each = _BYTES_PER_SHALLOW_PIXEL[image.format]
    pixels_bytes = width * height * each
    return pixels_bytes + (_PNM_TEXT_COPIES * file_bytes if text else 0)
