"""Sound pictures of every kind that the product reads, small, to be mutated."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image, ImageCms, PngImagePlugin

from srcnn.images.formats import detect_format
from tests.support.paths import REFERENCE

Array = npt.NDArray[Any]

_REFERENCE_FOLDERS = (REFERENCE / "odd", REFERENCE.parent / "cases" / "images")
_LARGEST_FILE_BYTES = 50_000
_TIFF_OF_PILLOW = ("raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "jpeg")
_FAX = ("tiff_ccitt", "group3", "group4")
_TIFF_OF_TIFFFILE: dict[str, dict[str, Any]] = {
    "deflate_predictor": {"compression": "zlib", "predictor": 2},
    "tiles": {"tile": (16, 16), "compression": "zlib"},
    "planes": {"planarconfig": "separate", "compression": "zlib"},
    "big": {"bigtiff": True, "compression": "zlib"},
    "big_endian": {"byteorder": ">"},
    "strips": {"rowsperstrip": 5, "compression": "zlib"},
}


def collect_seeds() -> dict[str, bytes]:
    """Return file names and contents: made here, and of the reference data, when present."""
    seeds = dict(_make_seeds())
    for folder in _REFERENCE_FOLDERS:
        seeds |= {f"ref_{path.name}": path.read_bytes() for path in _list_small_files(folder)}
    return seeds


def make_colours(height: int = 30, width: int = 44) -> Array:
    """Return gradients with noise on them, (height, width, 3) uint8."""
    rows, columns = np.mgrid[0:height, 0:width]
    planes = np.stack([columns * 5, rows * 7, (rows + columns) * 3], axis=2) % 256
    noise = np.random.default_rng(0).integers(0, 24, planes.shape)
    return np.minimum(planes + noise, 255).astype(np.uint8)


def _list_small_files(folder: Path) -> list[Path]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [
        path
        for path in files
        if 0 < path.stat().st_size <= _LARGEST_FILE_BYTES and detect_format(path.name)
    ]


def _make_seeds() -> Iterator[tuple[str, bytes]]:
    colours = make_colours()
    alpha = np.dstack([colours, colours[:, :, 0]])
    depths = {"rgb": colours, "rgba": alpha, "grey": colours[:, :, 0]}
    for name, pixels in depths.items():
        for extension in ("png", "tiff", "webp", "avif"):
            yield f"{name}.{extension}", _encode_by_opencv(extension, pixels)
        for extension in ("png", "tiff"):
            yield f"{name}16.{extension}", _encode_by_opencv(extension, pixels * np.uint16(257))
        deep = pixels * np.uint16(4)
        yield f"{name}10.avif", _encode_by_opencv("avif", deep, cv2.IMWRITE_AVIF_DEPTH, 10)
    for extension in ("bmp", "ppm", "jpg"):
        yield f"rgb.{extension}", _encode_by_opencv(extension, colours)
    yield "rgb16.ppm", _encode_by_opencv("ppm", colours * np.uint16(257))
    yield from _make_by_pillow(Image.fromarray(colours))
    for name, options in _TIFF_OF_TIFFFILE.items():
        yield f"{name}.tif", _encode_by_tifffile(colours, options)
        yield f"{name}16.tif", _encode_by_tifffile(colours * np.uint16(257), options)


def _make_by_pillow(image: Image.Image) -> Iterator[tuple[str, bytes]]:
    bilevel, palette, grey = image.convert("1"), image.convert("P"), image.convert("L")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112] = 6  # turned
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", "a text " * 40, zip=True)
    yield "texts.png", _save(image, "PNG", pnginfo=texts, icc_profile=profile, exif=exif)
    for name, picture in {"bilevel": bilevel, "palette": palette}.items():
        for kind in ("PNG", "GIF", "BMP", "TIFF"):
            yield f"{name}.{kind.lower()}", _save(picture, kind)
    yield "transparent.gif", _save(palette, "GIF", transparency=3, interlace=1)
    yield "transparent.png", _save(palette, "PNG", transparency=3)
    yield "bilevel.pnm", _save(bilevel, "PPM")
    yield "plain.pgm", b"P2 4 3 9\n" + b" ".join(b"%d" % (n % 10) for n in range(12)) + b"\n"
    for name, options in {
        "progressive": {"progressive": True, "exif": exif, "icc_profile": profile},
        "full_chroma": {"subsampling": 0, "restart_marker_blocks": 2},
        "optimized": {"optimize": True, "quality": 60},
    }.items():
        yield f"{name}.jpg", _save(image, "JPEG", **options)
    yield "grey.jpg", _save(grey, "JPEG")
    yield "cmyk.jpg", _save(image.convert("CMYK"), "JPEG")
    yield "lossy.webp", _save(image, "WEBP", quality=70, exif=exif, icc_profile=profile)
    for compression in _TIFF_OF_PILLOW:
        yield f"{compression}.tif", _save(image, "TIFF", compression=compression)
    for compression in _FAX:
        yield f"{compression}.tif", _save(bilevel, "TIFF", compression=compression)
    yield "cmyk.tif", _save(image.convert("CMYK"), "TIFF", compression="tiff_lzw")


def _save(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _encode_by_opencv(extension: str, pixels: Array, *parameters: int) -> bytes:
    done, content = cv2.imencode(f".{extension}", pixels, parameters)
    if not done:
        raise ValueError(extension)
    return content.tobytes()


def _encode_by_tifffile(pixels: Array, options: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    if options.get("planarconfig") == "separate":
        pixels = np.moveaxis(pixels, 2, 0)
    tifffile.imwrite(file, pixels, photometric="rgb", **options)
    return file.getvalue()
