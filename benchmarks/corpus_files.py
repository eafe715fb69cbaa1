"""Small files of every format, kind of pixels and depth that Pillow, OpenCV and tifffile write."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from PIL import Image

HEIGHT_PX, WIDTH_PX = 22, 34  # of no multiple of 8 or 16, as blocks of JPEG are
Write = Callable[[Path], object]
_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "LAB", "YCbCr", "I;16")
# Extensions, and the options of each.
_PILLOW: dict[str, tuple[dict[str, Any], ...]] = {
    "png": ({}, {"bits": 4}, {"optimize": True}),
    "jpg": ({}, {"progressive": True}, {"subsampling": 0}, {"subsampling": 1}, {"quality": 20}),
    "webp": ({}, {"lossless": True}),
    "tiff": tuple(
        {"compression": name}
        for name in (
            *("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "zstd", "lzma"),
            *("group3", "group4", "tiff_ccitt"),
        )
    ),
    "bmp": ({},),
    "ppm": ({},),
    "gif": ({}, {"interlace": False}),
    "avif": ({}, {"subsampling": "4:4:4"}),
}
_TIFFFILE: tuple[dict[str, Any], ...] = (
    {},
    {"tile": (16, 16)},
    {"compression": "zlib"},
    {"compression": "packbits"},
    {"planarconfig": "separate"},
    {"bigtiff": True},
    {"byteorder": ">"},
    {"rowsperstrip": 5},
    {"bigtiff": True, "byteorder": ">"},
)


def draw(channels: int, levels: int = 256) -> Any:
    """Draw a picture, (HEIGHT_PX, WIDTH_PX, channels): gradients and an edge."""
    y, x = np.mgrid[:HEIGHT_PX, :WIDTH_PX]
    planes = [
        (x * (5 + plane) + y * (9 - 2 * plane)) % 131 * 1.9 * ((x - y < 9) * 0.6 + 0.4)
        for plane in range(channels)
    ]
    picture = np.stack(planes, axis=2) * ((levels - 1) / 255)
    return picture.astype(np.uint8 if levels == 256 else np.uint16)


def list_files() -> Iterator[tuple[str, Write]]:
    """Yield names, and functions that write each file, or raise where the library has no such."""
    for extension, options in _PILLOW.items():
        for mode, each, turned in itertools.product(_MODES, options, (False, True)):
            name = "-".join([mode, *map(str, each.values()), *(["turned"] if turned else [])])
            yield (
                f"pillow-{name}.{extension}".replace(":", ""),
                _by_pillow(mode, each, turned=turned),
            )
    for extension, channels, levels in itertools.product(
        ("png", "tiff", "ppm", "pgm", "bmp", "webp", "jpg", "avif"), (1, 3, 4), (256, 65536)
    ):
        name = f"opencv-{channels}x{levels.bit_length() - 1}.{extension}"
        yield name, _by_opencv(draw(channels, levels))
    for options, channels, levels, white in itertools.product(
        _TIFFFILE, (1, 2, 3, 4), (256, 65536), ("minisblack", "miniswhite", "rgb")
    ):
        settings = "-".join(map(str, options.values())).replace(">", "big")
        name = f"tifffile-{white}-{channels}x{levels.bit_length() - 1}-{settings}.tif"
        yield name, _by_tifffile(draw(channels, levels), white, options)


def write_files(folder: Path, step: int) -> None:
    """Write every `step`-th file."""
    for name, write in itertools.islice(list_files(), 0, None, step):
        try:
            write(folder / name)
        except Exception:  # noqa: BLE001 - the library does not write this kind
            (folder / name).unlink(missing_ok=True)


def _by_pillow(mode: str, options: dict[str, Any], *, turned: bool) -> Write:
    def write(path: Path) -> None:
        image = _make_image(mode)
        exif = image.getexif()
        exif.update({0x0112: 6, 0x010F: "maker"} if turned else {})
        image.save(path, exif=exif, **options) if turned else image.save(path, **options)
        with Image.open(path) as found:
            if found.mode not in (mode, "RGB", "L", "I;16", "I") or found.size != image.size:
                raise ValueError(f"Pillow wrote {found.mode}")

    return write


def _make_image(mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(draw(1, 65536)[:, :, 0])
    if mode in ("LA", "RGBA"):
        return Image.fromarray(draw(4)).convert(mode)
    if mode == "LAB":
        return Image.frombytes("LAB", (WIDTH_PX, HEIGHT_PX), draw(3).tobytes())
    return Image.fromarray(draw(3)).convert(mode)


def _by_opencv(pixels: Any) -> Write:
    def write(path: Path) -> None:
        is_written, content = cv2.imencode(path.suffix, pixels)
        if not is_written:
            raise ValueError("OpenCV does not write this kind")
        path.write_bytes(content.tobytes())

    return write


def _by_tifffile(pixels: Any, photometric: str, options: dict[str, Any]) -> Write:
    colours = 3 if photometric == "rgb" else 1
    extra = {"extrasamples": ["unassalpha"]} if pixels.shape[2] == colours + 1 else {}
    big = pixels.dtype.newbyteorder(">") if options.get("byteorder") == ">" else pixels.dtype
    planes = np.squeeze(pixels).astype(big)
    if "planarconfig" in options and planes.ndim == 3:
        planes = np.ascontiguousarray(np.moveaxis(planes, -1, 0))

    def write(path: Path) -> None:
        if pixels.shape[2] not in (colours, colours + 1):
            raise ValueError("no such TIFF")
        settings: dict[str, Any] = {"photometric": photometric, **extra, **options}
        planar = settings.pop("planarconfig", "contig") if planes.ndim == 3 else None
        byteorder, bigtiff = settings.pop("byteorder", "<"), settings.pop("bigtiff", False)
        with tifffile.TiffWriter(path, bigtiff=bigtiff, byteorder=byteorder) as file:
            file.write(planes, planarconfig=planar, metadata=None, **settings)

    return write
