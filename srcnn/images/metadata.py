"""Metadata: EXIF, ICC and XMP, adapted to the upscaled result.

Works on bytes and tags; reads and writes no files.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
from PIL import Image

from srcnn.images import exif, icc, xmp
from srcnn.images.jpeg_metadata import EXIF_HEADER, LARGEST_BYTES, XMP_HEADER
from srcnn.images.places import move_places
from srcnn.images.turn_and_scale import Change
from srcnn.images.xmp_remove_gain_maps import remove_promises

WITH_METADATA = frozenset({"png", "jpg", "webp", "tiff", "avif", "jxl"})
_EXIF, _XMP, _ICC = (
    int(kind) for kind in (cv2.IMAGE_METADATA_EXIF, cv2.IMAGE_METADATA_XMP, cv2.IMAGE_METADATA_ICCP)
)
_NAMES = {_EXIF: "EXIF", _XMP: "XMP", _ICC: "ICC"}
_PROMISES = "a gain map, motion photo or extended XMP is not kept, and XMP no longer mentions it"
# Their decoders apply the orientation themselves. The one in EXIF does not count in HEIF
# (ISO/IEC 23008-12, section 6.5.10), nor in JPEG XL.
_UPRIGHT = ("TIFF", "HEIF", "JXL")
_BY_CONTAINER = (*_UPRIGHT, "AVIF")  # whose XMP does not say the orientation either
_ORIENTATION = 0x0112  # EXIF 2.32, section 4.6.4: tag Orientation


def read_orientation(image: Image.Image) -> int:
    """Read the EXIF orientation from an image's header; 1 if its pixels are upright.

    Pillow also reads it from XMP, which does not count in AVIF. Only metadata before the pixels is
    read: a PNG may have EXIF after them, and reading it would take the whole file.

    Args:
        image: opened, not loaded.
    """
    if image.format in _UPRIGHT:
        return 1
    try:
        return int(_load_exif(image).get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - Pillow raises any type on a damaged block
        return 1


def _load_exif(image: Image.Image) -> Image.Exif:
    if image.format == "AVIF":  # Pillow puts its rotation and mirror there; XMP does not count
        exif_of_avif = Image.Exif()
        exif_of_avif.load(image.info.get("exif", b""))
        return exif_of_avif
    # The base class's method: PNG's own decodes all pixels to find EXIF after them.
    return Image.Image.getexif(image)


def normalise_metadata(
    metadata: Mapping[int, bytes], orientation: int, form: str | None
) -> dict[int, bytes]:
    """Adapt a file's metadata to pixels that have been turned upright.

    Photoshop's block of a JPEG (APP13, with the old form of IPTC) is not part of it; today IPTC
    is stored in XMP.

    Args:
        metadata: the file's blocks, by OpenCV's metadata type.
        orientation: of the pixels in the file.
        form: the file's format, as Pillow names it.

    Returns:
        The blocks without the headers of their formats, and with the orientation reset. EXIF that
        does not count, far behind the pixels of a PNG, keeps it.
    """
    found = dict(metadata)
    for kind, header, block in ((_EXIF, EXIF_HEADER, exif), (_XMP, XMP_HEADER, xmp)):
        if kind in found:
            found[kind] = found[kind].removeprefix(header)
            if orientation != 1 or form in _BY_CONTAINER:
                found[kind] = block.reset_orientation(found[kind])
    return found


def drop_unreadable(metadata: Mapping[int, bytes]) -> tuple[dict[int, bytes], tuple[str, ...]]:
    """Drop an EXIF block or a profile that no reader takes, and what XMP promises in vain.

    Args:
        metadata: from `normalise_metadata`.

    Returns:
        The other blocks, and a note about each that was dropped or changed.
    """
    readable = {_EXIF: exif.is_readable, _ICC: icc.is_readable}
    dropped = [kind for kind, test in readable.items() if not test(metadata.get(kind) or b"")]
    kept = {kind: block for kind, block in metadata.items() if kind not in dropped}
    if _ICC in kept:
        kept[_ICC] = icc.cut_to_size(kept[_ICC])
    notes = [
        f"a damaged {_NAMES[kind]} block was dropped" for kind in dropped if metadata.get(kind)
    ]
    if _XMP in kept:
        kept[_XMP] = remove_promises(kept[_XMP])
        notes += [_PROMISES] if kept[_XMP] is not metadata[_XMP] else []
    return kept, tuple(notes)


def for_file(
    metadata: Mapping[int, bytes], kind: str, change: Change, *, grey: bool
) -> tuple[dict[int, bytes], tuple[str, ...]]:
    """Adapt metadata to a file that will be written.

    Args:
        metadata: from `normalise_metadata`.
        kind: format of the file; BMP and PNM have no metadata.
        change: from the decoded picture to that of the file.
        grey: whether its pixels are grey.

    Returns:
        The blocks that fit the file, and notes about what was dropped.
    """
    if kind not in WITH_METADATA:
        return {}, ()
    taken = {key: metadata[key] for key in _NAMES if metadata.get(key)}
    if not icc.fits(taken.get(_ICC, b""), grey=grey and kind != "webp"):
        taken.pop(_ICC, None)
    if not exif.is_readable(taken.get(_EXIF, b"")):
        taken.pop(_EXIF, None)
    if _EXIF in taken:
        taken[_EXIF] = exif.adapt_to_result(taken[_EXIF], change.after)
    if _XMP in taken:
        taken[_XMP] = xmp.adapt_to_result(taken[_XMP], change.after)
    taken, lost = move_places(taken, change)
    fitting, large = _drop_large(taken) if kind == "jpg" else (taken, ())
    return fitting, (*lost, *large)


def _drop_large(taken: dict[int, bytes]) -> tuple[dict[int, bytes], tuple[str, ...]]:
    """Drop what a JPEG cannot hold: the plan, which has read headers alone, cannot refuse it."""
    kept = {key: blob for key, blob in taken.items() if len(blob) <= LARGEST_BYTES[key]}
    notes = (
        f"an {_NAMES[key]} block too large for a jpg was dropped" for key in taken.keys() - kept
    )
    return kept, tuple(sorted(notes))
