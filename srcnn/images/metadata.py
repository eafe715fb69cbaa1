"""What travels with the pixels: EXIF, ICC and XMP, made true of the result.

Knows bytes and tags; reads and writes no files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import cv2
from PIL import Image

from srcnn.errors import UnsupportedImageError
from srcnn.geometry import Size
from srcnn.images import exif, icc, xmp

WITH_METADATA = frozenset({"png", "jpg", "webp", "tiff", "avif"})
_EXIF, _XMP, _ICC = (
    int(kind) for kind in (cv2.IMAGE_METADATA_EXIF, cv2.IMAGE_METADATA_XMP, cv2.IMAGE_METADATA_ICCP)
)
_NAMES = {_EXIF: "EXIF", _XMP: "XMP", _ICC: "ICC"}
_ORIENTATION = 0x0112  # EXIF 2.32, section 4.6.4: tag Orientation
_EXIF_HEADER = b"Exif\x00\x00"
_XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\x00"  # in JPEG only, XMP part 3, section 1.1.3
_JPEG_SEGMENT = 65_533 - len(_XMP_HEADER)  # bytes; the longest header of the three


def orientation_of(image: Image.Image) -> int:
    """The turn that its pixels need, as an EXIF orientation; 1 for none.

    Pillow also looks for it in XMP. It has to come before the pixels: a PNG may carry EXIF at
    its end, and a header would cost the whole file.

    Args:
        image: opened, not loaded.
    """
    if image.format == "TIFF":  # both libraries turn a TIFF themselves
        return 1
    try:
        # The base class's: PNG's own decodes all pixels to find EXIF behind them.
        return int(Image.Image.getexif(image).get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - Pillow raises what its parser meets in a damaged block
        return 1


def metadata_of(kinds: Iterable[int], blobs: Iterable[Any], orientation: int) -> dict[int, bytes]:
    """The metadata that OpenCV found, made true of pixels that have been put upright.

    Photoshop's own block of a JPEG (APP13, with IPTC's old form) is not among it; what IPTC has
    today is XMP.

    Args:
        kinds: OpenCV's metadata types.
        blobs: arrays of bytes, one for each.
        orientation: that the pixels had.
    """
    found = {int(kind): blob.tobytes() for kind, blob in zip(kinds, blobs, strict=True)}
    for kind, header, block in ((_EXIF, _EXIF_HEADER, exif), (_XMP, _XMP_HEADER, xmp)):
        if kind in found:
            found[kind] = found[kind].removeprefix(header)
            if orientation != 1:
                found[kind] = block.with_orientation_reset(found[kind])
    return found


def for_file(
    metadata: Mapping[int, bytes], kind: str, size: Size, *, grey: bool
) -> dict[int, bytes]:
    """What a file takes of the metadata, made true of its picture.

    Args:
        metadata: as `metadata_of` gives it.
        kind: format of the file; BMP and PNM take nothing.
        size: of its picture.
        grey: whether its pixels are grey.

    Raises:
        UnsupportedImageError: a part is larger than the format can hold.
    """
    if kind not in WITH_METADATA:
        return {}
    taken = {key: metadata[key] for key in _NAMES if metadata.get(key)}
    if not icc.fits(taken.get(_ICC, b""), grey=grey and kind != "webp"):
        taken.pop(_ICC, None)
    if not exif.is_readable(taken.get(_EXIF, b"")):
        taken.pop(_EXIF, None)
    if _EXIF in taken:
        taken[_EXIF] = exif.for_result(taken[_EXIF], size)
    if _XMP in taken:
        taken[_XMP] = xmp.for_result(taken[_XMP], size)
    return _in_segments(taken) if kind == "jpg" else taken


def _in_segments(taken: dict[int, bytes]) -> dict[int, bytes]:
    for key, blob in taken.items():
        if len(blob) > _JPEG_SEGMENT:
            raise UnsupportedImageError(
                f"its {_NAMES[key]} block of {len(blob)} bytes is more than a jpg can hold: "
                "use --metadata strip, or --format png or webp"
            )
    if _XMP in taken:
        taken[_XMP] = _XMP_HEADER + taken[_XMP]
    return taken
