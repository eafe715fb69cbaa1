"""The resolution of a picture's colours beside its luma, which JPEG and AVIF may halve.

A picture that was saved with colours at full resolution often needs them: text, drawings, screens.
"""

from __future__ import annotations

from typing import Literal

from PIL import ImageFile

Chroma = Literal["4:4:4", "4:2:2", "4:4:0", "4:2:0", "4:1:1"]

FULL_QUALITY = 90  # from which colours are at full resolution, as libvips has it
# How many samples of luma there are for one of chroma, across and down.
_BY_STEPS: dict[tuple[int, int], Chroma] = {
    (1, 1): "4:4:4",
    (2, 1): "4:2:2",
    (1, 2): "4:4:0",
    (2, 2): "4:2:0",
    (4, 1): "4:1:1",
}
_TURNED: dict[Chroma | None, Chroma] = {"4:2:2": "4:4:0", "4:4:0": "4:2:2", "4:1:1": "4:2:0"}
_BY_HEIF: dict[int | None, Chroma] = {420: "4:2:0", 422: "4:2:2", 444: "4:4:4"}
_PHOTOMETRIC, _YCBCR, _SUBSAMPLING = 262, 6, 530  # TIFF 6.0, sections 8 and 21
# AV1 in ISOBMFF, section 2.3.3: bits of the third byte of the configuration.
_AV1, _HALF_ACROSS, _HALF_DOWN = b"av1C", 8, 4


def find_chroma(image: ImageFile.ImageFile, data: bytes) -> Chroma | None:
    """Find the resolution of the colours in a file.

    Args:
        image: opened by Pillow.
        data: the file's content.

    Returns:
        None for greys, and for formats that do not separate colours.
    """
    if image.format in ("JPEG", "MPO"):  # number, samples across and down, and table of each
        layers = getattr(image, "layer", [])
        if len(layers) < len("RGB"):
            return None
        (_, wide, high, _), (_, across, down, _) = layers[:2]
        return _BY_STEPS.get((wide // max(across, 1), high // max(down, 1)), "4:2:0")
    if image.format == "AVIF":
        at = data.find(_AV1) + len(_AV1) + 2
        flags = data[at] if len(_AV1) < at < len(data) else 0
        return _BY_STEPS[1 + bool(flags & _HALF_ACROSS), 1 + bool(flags & _HALF_DOWN)]
    if image.format == "HEIF":
        return _BY_HEIF.get(image.info.get("chroma"))
    if image.format == "TIFF":
        tags = getattr(image, "tag_v2", {})
        steps = tuple(tags.get(_SUBSAMPLING, (2, 2)))
        return _BY_STEPS.get(steps, "4:2:0") if tags.get(_PHOTOMETRIC) == _YCBCR else None
    return None


def turn(chroma: Chroma | None) -> Chroma | None:
    """Return the resolution for a picture that is turned by 90 degrees."""
    return _TURNED.get(chroma, chroma)


def choose_chroma(source: Chroma | None, quality: int) -> Chroma:
    """Choose the resolution of the colours in a file that will be written.

    Args:
        source: of the source's file; None if it has none.
        quality: of the file, 1 to 100.
    """
    return "4:4:4" if quality >= FULL_QUALITY else source or "4:2:0"
