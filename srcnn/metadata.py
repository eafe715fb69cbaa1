"""What travels with the pixels: EXIF, ICC and XMP, made true of the result.

Knows bytes and tags; reads and writes no files.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping
from typing import Any

import cv2
from PIL import Image

from srcnn.errors import UnsupportedImageError

_ORIENTATION = 0x0112  # EXIF 2.32, section 4.6.4: tag Orientation
_EXIF_HEADER = b"Exif\x00\x00"
_SHORT = 3  # TIFF 6.0, section 2: a field of 16 bits
_BYTE_ORDERS = {b"II": "<", b"MM": ">"}
_XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\x00"  # in JPEG only, XMP part 3, section 1.1.3
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:\s*=\s*[\"']|>)\s*)[0-9]+")
_ICC_SPACE = slice(16, 20)  # ICC.1, section 7.2.6
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

    Args:
        kinds: OpenCV's metadata types.
        blobs: arrays of bytes, one for each.
        orientation: that the pixels had.
    """
    found = {int(kind): blob.tobytes() for kind, blob in zip(kinds, blobs, strict=True)}
    exif, xmp = cv2.IMAGE_METADATA_EXIF, cv2.IMAGE_METADATA_XMP
    if exif in found:
        found[exif] = found[exif].removeprefix(_EXIF_HEADER)
    if xmp in found:
        found[xmp] = found[xmp].removeprefix(_XMP_HEADER)
    if orientation != 1:
        found |= {exif: _reset_orientation(found[exif])} if exif in found else {}
        found |= {xmp: _XMP_ORIENTATION.sub(rb"\g<1>1", found[xmp])} if xmp in found else {}
    return found


def for_file(metadata: Mapping[int, bytes], kind: str, *, grey: bool) -> dict[int, bytes]:
    """What a file of a format takes of the metadata, as OpenCV wants it.

    Args:
        metadata: as `metadata_of` gives it.
        kind: format of the file.
        grey: whether its pixels are grey.

    Raises:
        UnsupportedImageError: a part is larger than the format can hold.
    """
    if kind not in ("png", "jpg", "webp"):
        return {}
    names = {
        cv2.IMAGE_METADATA_EXIF: "EXIF",
        cv2.IMAGE_METADATA_XMP: "XMP",
        cv2.IMAGE_METADATA_ICCP: "ICC",
    }
    taken = {key: blob for key, blob in metadata.items() if key in names}
    # A profile of CMYK or grey says nothing true of pixels that became RGB.
    space = b"GRAY" if grey and kind != "webp" else b"RGB "
    if taken.get(cv2.IMAGE_METADATA_ICCP, b"")[_ICC_SPACE] != space:
        taken.pop(cv2.IMAGE_METADATA_ICCP, None)
    if kind == "jpg":
        for key, blob in taken.items():
            if len(blob) > _JPEG_SEGMENT:
                raise UnsupportedImageError(
                    f"its {names[key]} block of {len(blob)} bytes is more than a jpg can hold: "
                    "use --metadata strip, or --format png or webp"
                )
        if cv2.IMAGE_METADATA_XMP in taken:
            taken[cv2.IMAGE_METADATA_XMP] = _XMP_HEADER + taken[cv2.IMAGE_METADATA_XMP]
    return taken


def _reset_orientation(exif: bytes) -> bytes:
    """Set the orientation to 1 in place: nothing else moves, makers' notes stay readable."""
    order = _BYTE_ORDERS.get(exif[:2])
    if order is None:
        return exif
    result = bytearray(exif)
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for at in range(start + 2, start + 2 + 12 * count, 12):
            (tag,) = struct.unpack_from(f"{order}H", exif, at)
            if tag == _ORIENTATION:
                struct.pack_into(f"{order}HHIHH", result, at, tag, _SHORT, 1, 1, 0)
    except struct.error:  # a block that ends early; what was found has been set
        pass
    return bytes(result)
