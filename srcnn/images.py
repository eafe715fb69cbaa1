"""Image files: read whole or refused, written in the format asked for.

Two libraries read each file: Pillow says whether it is complete, and what its
header holds; OpenCV decodes the pixels in their own depth.
"""

from __future__ import annotations

import io
import posixpath
import warnings
from dataclasses import dataclass, field
from typing import IO, Any, Literal

import cv2
import numpy as np
from PIL import Image, ImageFile

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.geometry import Size
from srcnn.jpeg import is_whole
from srcnn.metadata import for_file, metadata_of, orientation_of
from srcnn.pixels import GREY, Pixels, check_picture

Format = Literal["keep", "png", "jpg", "webp", "tiff"]

EXTENSIONS: dict[str, tuple[str, ...]] = {
    "png": (".png",),
    "jpg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "webp": (".webp",),
    "tiff": (".tiff", ".tif"),
    "bmp": (".bmp", ".dib"),
    "pnm": (".ppm", ".pgm", ".pnm"),
}
_FORMAT_OF = {extension: name for name, all_ in EXTENSIONS.items() for extension in all_}
_DEEP = frozenset({"png", "tiff", "pnm"})  # these keep 16 bits
_WITH_ALPHA = frozenset({"png", "webp", "tiff"})
# Pillow's remarks on metadata (corrupt EXIF) name no file; a picture that suffers is refused.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
# What puts the pixels of an EXIF orientation upright: quarter turns, then a flip.
_UPRIGHT = {
    2: (0, True),
    3: (2, False),
    4: (2, True),
    5: (3, True),
    6: (3, False),
    7: (1, True),
    8: (1, False),
}
_DEFAULT_QUALITY = 95
_LOSSLESS_WEBP = 101


@dataclass(frozen=True)
class Header:
    """What a file says of itself before it is decoded.

    Attributes:
        size: as the picture is seen, EXIF orientation applied.
    """

    size: Size


@dataclass(frozen=True)
class Picture:
    """A decoded file.

    Attributes:
        pixels: upright, BGR(A) or grey.
        metadata: OpenCV's metadata type to bytes: EXIF (orientation reset), ICC, XMP.
    """

    pixels: Pixels
    metadata: dict[int, bytes] = field(default_factory=dict)


def format_of(key: str) -> str | None:
    """The format that a file's extension stands for; None where it is no image of ours."""
    return _FORMAT_OF.get(posixpath.splitext(key)[1].lower())


def read_header(file: IO[bytes]) -> Header:
    """Read size and kind off the first bytes, without decoding pixels.

    Args:
        file: open for reading, anywhere in the world: only what is needed is read.

    Raises:
        DamagedImageError: it is no image.
        UnsupportedImageError: it is animated, or has several pages.
    """
    with _opened(file) as image:
        try:
            frames = getattr(image, "n_frames", 1)
        # As below: parsers raise many kinds.
        except Exception as error:
            raise DamagedImageError(f"its header is damaged: {_reason(error)}") from error
        # Phones put previews and gain maps behind a JPEG, which is then called MPO.
        if frames > 1 and image.format != "MPO":
            raise UnsupportedImageError(
                f"it has {frames} frames or pages; only single pictures are upscaled: "
                "split it first"
            )
        turned = orientation_of(image) in (5, 6, 7, 8)
        width, height = image.size
    return Header(Size(width, height) if turned else Size(height, width))


def decode(data: bytes) -> Picture:
    """Decode a whole file.

    Args:
        data: the file's content.

    Raises:
        DamagedImageError: it is truncated or damaged; a partial picture is never returned.
        UnsupportedImageError: its pixels are of a kind that is not handled.
    """
    size = read_header(io.BytesIO(data)).size
    with _opened(io.BytesIO(data)) as image:
        orientation = orientation_of(image)
        _verify(image, data)
        pixels, kinds, blobs = _opencv(data)
        pixels = _true_colours(image, pixels)
    pixels = _upright(pixels, orientation)
    if pixels.shape[:2] != size:
        raise DamagedImageError(f"its header says {size}, its pixels are {pixels.shape[:2]}")
    return Picture(pixels, metadata_of(kinds, blobs, orientation))


def encode(picture: Picture, extension: str, quality: int | None, *, keep_metadata: bool) -> bytes:
    """Encode a picture.

    Args:
        picture: what to write; 16 bits become 8 where the format has only 8.
        extension: of the file, with its dot.
        quality: 1 to 100 for JPEG and WebP; None for 95 and lossless.
        keep_metadata: write EXIF, ICC and XMP, where the format takes them (not TIFF, BMP, PNM).

    Raises:
        UnsupportedImageError: the format cannot hold the picture.
    """
    kind = _FORMAT_OF[extension.lower()]
    pixels = _fit(picture.pixels, kind)
    settings = _settings(kind, quality)
    metadata = picture.metadata if keep_metadata else {}
    wanted = for_file(metadata, kind, grey=pixels.ndim == GREY)
    blobs = [np.frombuffer(blob, dtype=np.uint8) for blob in wanted.values()]
    # OpenCV writes grey as .pgm only, and colour as .ppm only; .pnm is either.
    name = ".pnm" if kind == "pnm" else EXTENSIONS[kind][0]
    try:
        done, content = cv2.imencodeWithMetadata(name, pixels, list(wanted), blobs, settings)
    except cv2.error as error:
        raise UnsupportedImageError(f"OpenCV cannot encode it as {kind}: {error.err}") from error
    if not done:
        raise UnsupportedImageError(f"OpenCV cannot encode it as {kind}")
    return bytes(content.tobytes())


def _settings(kind: str, quality: int | None) -> list[int]:
    if kind == "jpg":
        return [cv2.IMWRITE_JPEG_QUALITY, quality or _DEFAULT_QUALITY]
    if kind == "webp":
        return [cv2.IMWRITE_WEBP_QUALITY, quality or _LOSSLESS_WEBP]
    return []  # PNG's default strategy is six times as fast as any level that one could name


def _fit(pixels: Pixels, kind: str) -> Pixels:
    """What the format can hold of a picture, or an error; nothing is dropped silently."""
    if pixels.ndim > GREY and pixels.shape[2] > 3 and kind not in _WITH_ALPHA:  # noqa: PLR2004 - BGR
        raise UnsupportedImageError(
            f"it has an alpha channel, which {kind} cannot hold: use --format png, webp or tiff"
        )
    if pixels.dtype == np.uint16 and kind not in _DEEP:
        return np.rint(pixels / np.float32(257)).astype(np.uint8)
    return pixels


def _opened(file: IO[bytes]) -> ImageFile.ImageFile:
    # Our own limit on pixels is checked on the header (see `plan`); Pillow's is a process-wide
    # warning at 89 Mpx and an error at 179 Mpx.
    Image.MAX_IMAGE_PIXELS = None
    try:
        return Image.open(file)
    # Pillow's parsers raise what they meet: OSError, SyntaxError, ValueError, struct.error.
    except Exception as error:
        raise DamagedImageError(f"it is no image that can be read: {_reason(error)}") from error


def _verify(image: ImageFile.ImageFile, data: bytes) -> None:
    """Decode every pixel once; Pillow refuses a file that ends early."""
    try:
        image.load()
    # As above: decoders raise many kinds.
    except Exception as error:
        raise DamagedImageError(f"the file is truncated or damaged: {_reason(error)}") from error
    if image.format in ("JPEG", "MPO") and not is_whole(data, image):
        raise DamagedImageError("the file is truncated: a part of the JPEG's picture is missing")


def _opencv(data: bytes) -> tuple[Any, Any, Any]:
    """Pixels in the file's own depth, and kinds and bytes of metadata."""
    buffer = np.frombuffer(data, dtype=np.uint8)
    try:
        pixels, kinds, blobs = cv2.imdecodeWithMetadata(buffer, flags=cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise DamagedImageError(f"OpenCV cannot decode it: {error.err}") from error
    if pixels is None:
        raise DamagedImageError("OpenCV cannot decode it: the file is damaged, or of a rare kind")
    pixels = _two_or_three_axes(pixels)
    check_picture(pixels)
    return pixels, kinds, blobs


def _true_colours(image: Image.Image, pixels: Any) -> Any:
    """OpenCV's pixels, or Pillow's where OpenCV loses or bends something.

    OpenCV reads the black of a CMYK TIFF as alpha, multiplies the colours of a TIFF with its
    alpha, and drops the alpha of some greys.
    """
    if image.mode == "LAB":
        raise UnsupportedImageError("its colours are Lab: convert it to RGB first")
    alpha = image.has_transparency_data
    same = alpha == (pixels.ndim > GREY and pixels.shape[2] > 3)  # noqa: PLR2004 - BGR
    if pixels.dtype == np.uint8 and (image.format == "TIFF" or not same):
        mode = "RGBA" if alpha else "L" if image.mode in ("1", "L") else "RGB"
        found = np.asarray(image.convert(mode))
        return found[:, :, [2, 1, 0, 3][: found.shape[2]]] if found.ndim > GREY else found
    if same:
        return pixels
    level = image.info.get("transparency")
    if pixels.ndim == GREY and isinstance(level, int):
        return np.dstack([pixels] * 3 + [np.where(pixels == level, 0, 65_535).astype(np.uint16)])
    raise UnsupportedImageError(f"16 bits of the kind {image.mode} are not read: convert it first")


def _reason(error: BaseException) -> str:
    text = str(error).partition(" <_io")[0]
    return text or type(error).__name__


def _two_or_three_axes(pixels: Any) -> Any:
    return pixels[:, :, 0] if pixels.ndim > GREY and pixels.shape[2] == 1 else pixels


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    turns, flipped = _UPRIGHT.get(orientation, (0, False))
    turned = np.rot90(pixels, turns)
    flat: Any = np.ascontiguousarray(np.fliplr(turned) if flipped else turned)
    upright: Pixels = flat
    return upright
