"""Make a picture and its ICC profile fit each other, and the file that will be written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from srcnn.images.icc import fits, to_srgb
from srcnn.images.metadata import WITH_METADATA
from srcnn.images.picture import Picture
from srcnn.images.pixels import GREY, Pixels

_ICC = int(cv2.IMAGE_METADATA_ICCP)


def fit_profile(picture: Picture, kind: str) -> Picture:
    """Convert greys whose profile is for colours, or that are written as colours, to sRGB.

    Args:
        picture: as decoded.
        kind: format of the file that will be written.

    Returns:
        The picture without a profile that does not fit; a note says so where colours may change.
    """
    profile, pixels = picture.metadata.get(_ICC, b""), picture.pixels
    stays_grey = pixels.ndim == GREY and kind != "webp"
    if not profile or fits(profile, grey=stays_grey):
        return picture
    if not picture.is_grey and pixels.ndim > GREY:
        return _drop(picture, "an ICC profile that does not fit the pixels was dropped")
    plane: Any = pixels if pixels.ndim == GREY else np.ascontiguousarray(pixels[:, :, 1])
    converted = _convert_greys(plane, profile)
    if converted is None:
        kinds = "greys" if fits(profile, grey=True) else "colours"
        return _drop(picture, f"a profile of {kinds} was dropped: 16 bits are not converted")
    if pixels.ndim > GREY:
        in_colours: Any = np.dstack([converted] * 3 + [pixels[:, :, 3:]])
        converted = in_colours
    return replace(_drop(picture), pixels=converted)


def _convert_greys(plane: Pixels, profile: bytes) -> Pixels | None:
    if not fits(profile, grey=False):
        return to_srgb(plane, profile)
    colours: Any = np.dstack([plane] * 3)
    converted = to_srgb(colours, profile)
    return None if converted is None else converted[:, :, 1].copy()


def _drop(picture: Picture, *notes: str) -> Picture:
    metadata = {kind: block for kind, block in picture.metadata.items() if kind != _ICC}
    return replace(picture, metadata=metadata, notes=(*picture.notes, *notes))


def convert_to_srgb(picture: Picture, kind: str) -> Picture:
    """Drop the metadata, and convert to sRGB, which pixels without a profile are taken for.

    A 16-bit picture keeps its profile if it is not sRGB: Pillow converts 8 bits only, and
    stripping metadata must not change colours. PQ and HLG keep their numbers, unless a profile
    says what they look like.

    Args:
        picture: with a profile that fits, or without one.
        kind: format of the file that will be written.
    """
    profile = picture.metadata.get(_ICC, b"")
    pixels = to_srgb(picture.pixels, profile)
    if pixels is not None:
        traits = picture.traits
        hdr = traits.hdr if pixels is picture.pixels else None
        return replace(picture, pixels=pixels, metadata={}, traits=replace(traits, hdr=hdr))
    if kind in WITH_METADATA:
        return replace(picture, metadata={_ICC: profile})
    note = f"a profile was dropped, which {kind} cannot hold: 16 bits are not converted"
    return replace(picture, metadata={}, notes=(*picture.notes, note))
