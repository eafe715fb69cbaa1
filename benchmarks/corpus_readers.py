"""Readers that share no code with ours: Pillow, libvips, OpenCV and tifffile.

Each returns a picture upright as `Samples`, or raises: whatever it raises is "not read". libvips is
the command `vips`, if it is installed.
"""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from PIL import Image, ImageCms, ImageOps

# Numpy types of libvips' band formats, and its codes of colour spaces: vips.h, VipsInterpretation.
_VIPS_TYPES = ("u1", "i1", "<u2", "<i2", "<u4", "<i4", "<f4", "", "<f8")
_VIPS_HEADER = struct.Struct("<4x3I4xI4xI")  # width, height, bands, band format, space
_VIPS_HEADER_BYTES = 64
_VIPS_SPACES = (0, 1, 17, 22, 25, 26)  # multiband, grey, RGB, sRGB, RGB and grey of 16 bits
_VIPS_CMYK = 15
_UPRIGHT: dict[int, Callable[[Any], Any]] = {
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: lambda pixels: np.swapaxes(pixels, 0, 1),
    6: lambda pixels: np.rot90(pixels, 3),
    7: lambda pixels: np.rot90(np.swapaxes(pixels, 0, 1), 2),
    8: lambda pixels: np.rot90(pixels, 1),
}


@dataclass(frozen=True)
class Samples:
    """A picture as a reader gives it.

    Attributes:
        rgba: (H, W, 4) float32 in 0..1, straight alpha; greys have equal colours.
        white: the largest value of the reader's integers, 255 or 65535.
    """

    rgba: Any
    white: int


def to_samples(pixels: Any, white: int | None = None) -> Samples:
    """Make samples of grey, grey and alpha, RGB, or RGBA.

    Args:
        pixels: (H, W) or (H, W, 1 to 4), integers.
        white: their largest value; by default that of their type.
    """
    if pixels.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"samples of {pixels.dtype}")
    top = np.iinfo(pixels.dtype).max
    scaled = np.minimum(np.atleast_3d(pixels) / np.float32(white or top), 1, dtype=np.float32)
    channels = scaled.shape[2]
    rgba = np.ones((*scaled.shape[:2], 4), np.float32)
    rgba[:, :, :3] = scaled[:, :, : 3 if channels > 2 else 1]
    if channels in (2, 4):
        rgba[:, :, 3] = scaled[:, :, -1]
    return Samples(rgba, int(top))


def read_by_pillow(path: Path) -> Samples:
    with Image.open(path) as opened:
        opened.load()
        image = ImageOps.exif_transpose(opened)
        profile = opened.info.get("icc_profile")
        is_deep = image.mode.startswith("I;16") or (image.mode == "I" and opened.format == "PPM")
    if is_deep:
        return to_samples(np.asarray(image).astype(np.uint16))
    return to_samples(np.asarray(_to_rgba(image, profile)))


def _to_rgba(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode in ("I", "F"):
        raise ValueError(f"samples of {image.mode}")
    if image.mode == "LAB" or (image.mode == "CMYK" and profile):
        srgb = ImageCms.createProfile("sRGB")
        is_lab = image.mode == "LAB"
        own: Any = ImageCms.createProfile("LAB") if is_lab else io.BytesIO(profile or b"")
        return ImageCms.profileToProfile(image, own, srgb, outputMode="RGB") or image
    straight = image.convert("LA") if image.mode == "La" else image
    return straight.convert("RGBA" if straight.has_transparency_data else "RGB")


def read_by_opencv(path: Path) -> Samples:
    content = np.fromfile(path, dtype=np.uint8)
    pixels = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError("OpenCV cannot read it")
    if pixels.ndim < 3 or pixels.shape[2] < 4:  # otherwise it applies no orientation
        pixels = cv2.imdecode(content, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR)
    if pixels.ndim == 3:
        order = cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
        pixels = cv2.cvtColor(pixels, order)
    is_deep_avif = pixels.dtype == np.uint16 and content[4:8].tobytes() == b"ftyp"
    return to_samples(pixels, _find_white_of_avif(content.tobytes()) if is_deep_avif else None)


def _find_white_of_avif(content: bytes) -> int:
    flags = content[content.index(b"av1C") + 6]  # AV1-ISOBMFF, section 2.3.3
    return 4095 if flags & 0x20 else 1023


def read_by_tifffile(path: Path) -> Samples:
    with tifffile.TiffFile(path) as file:
        page: Any = file.pages.first
        pixels, white = page.asarray(), 2**page.bitspersample - 1
        pixels = pixels.astype(np.uint8) if pixels.dtype == bool else pixels
        if page.photometric == tifffile.PHOTOMETRIC.PALETTE:
            pixels, white = np.moveaxis(page.colormap, 0, -1)[pixels], 65535
        elif page.photometric not in (0, 1, 2):
            raise ValueError(f"colours of {page.photometric!r}")
        if page.planarconfig == 2 and pixels.ndim == 3:
            pixels = np.moveaxis(pixels, 0, -1)
        if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
            pixels = np.atleast_3d(pixels)
            pixels = np.dstack([white - pixels[:, :, :1], pixels[:, :, 1:]])
        if 1 in page.extrasamples:
            raise ValueError("colours multiplied by alpha")
        tag = page.tags.get(274)
    return to_samples(_UPRIGHT.get(tag.value if tag else 1, lambda each: each)(pixels), white)


def read_by_vips(path: Path) -> Samples:
    with tempfile.TemporaryDirectory() as place:
        # A name without brackets: libvips reads options from them.
        (Path(place) / "source").symlink_to(path.resolve())
        _run_vips(place, "autorot", "source[fail_on=error]", "upright.v")
        pixels, space = _read_vips_file(Path(place) / "upright.v")
        if space == _VIPS_CMYK:
            _run_vips(place, "icc_transform", "upright.v", "rgb.v", "srgb", "--embedded")
        elif space not in _VIPS_SPACES:
            _run_vips(place, "colourspace", "upright.v", "rgb.v", "srgb")
        else:
            return to_samples(pixels)
        return to_samples(_read_vips_file(Path(place) / "rgb.v")[0])


def _run_vips(place: str, *arguments: str) -> None:
    command = ["vips", *arguments]
    subprocess.run(command, cwd=place, check=True, capture_output=True, timeout=60)


def _read_vips_file(path: Path) -> tuple[Any, int]:
    """Return the pixels and the colour space of a file in libvips' own format."""
    with path.open("rb") as file:
        header = file.read(_VIPS_HEADER_BYTES)
        width, height, bands, kind, space = _VIPS_HEADER.unpack_from(header)
        content = file.read(width * height * bands * np.dtype(_VIPS_TYPES[kind]).itemsize)
    pixels = np.frombuffer(content, _VIPS_TYPES[kind]).reshape(height, width, bands)
    return pixels, space


READERS: dict[str, Callable[[Path], Samples]] = {
    "Pillow": read_by_pillow,
    "OpenCV": read_by_opencv,
    "tifffile": read_by_tifffile,
} | ({"libvips": read_by_vips} if shutil.which("vips") else {})
