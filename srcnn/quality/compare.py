"""Pictures made small and enlarged again, against their originals, factor by factor."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import fmean
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from srcnn.geometry import Size
from srcnn.inference.engine.bicubic import interpolation
from srcnn.quality.degradation import shrink
from srcnn.quality.measures import luma, psnr_db, ssim

Picture: TypeAlias = npt.NDArray[np.uint8]
Enlarge: TypeAlias = Callable[[Picture, Size], npt.NDArray[Any]]

_WINDOW_PX = 11  # of SSIM
# An error of one level in one pixel of 640 x 480 comes out above. Where nothing differs, the
# decibels are infinite, and so would be every mean that one such picture goes into.
_MOST_DB = 100.0


@dataclass(frozen=True)
class Figures:
    """How near enlarged pictures come to their originals; each a mean over pictures.

    Attributes:
        psnr_db: on Y of BT.601; 100 at most for each picture.
        ssim: on Y of BT.601.
        rgb_psnr_db: on the three colours; likewise.
    """

    psnr_db: float
    ssim: float
    rgb_psnr_db: float

    @classmethod
    def mean(cls, figures: Iterable[Figures]) -> Figures:
        """The mean of each figure.

        Raises:
            ValueError: there are none.
        """
        each = list(figures)
        if not each:
            raise ValueError("no picture to compare")
        return cls(
            psnr_db=fmean(one.psnr_db for one in each),
            ssim=fmean(one.ssim for one in each),
            rgb_psnr_db=fmean(one.rgb_psnr_db for one in each),
        )


@dataclass(frozen=True)
class Row:
    """What was found at one factor.

    Attributes:
        factor: pictures were made small by it, and enlarged again.
        figures: means over the pictures.
    """

    factor: float
    figures: Figures


def border_px(factor: float) -> int:
    """Pixels at each side that do not count: there less is known than elsewhere."""
    return math.ceil(factor)


def is_large_enough(image: Picture, factor: float) -> bool:
    """Whether a picture can be compared at a factor: inside its border, one window of SSIM fits."""
    sharp = _comparable_size(image, factor)[0]
    return min(sharp) >= 2 * border_px(factor) + _WINDOW_PX


def degraded(image: Picture, factor: float) -> tuple[Picture, Picture]:
    """A picture cut to a size that the factor reaches, and the same made small.

    Args:
        image: (H, W, 3) uint8 BGR, or (H, W).
        factor: at least 1.

    Returns:
        round(h * factor) x round(w * factor) pixels of the picture from its upper left, and
        these shrunk to h x w, where h is floor(H / factor), and w likewise.
    """
    sharp, low = _comparable_size(image, factor)
    cut = image[: sharp.height, : sharp.width]
    return cut, shrink(cut, low)


def bicubic(low: Picture, size: Size) -> Picture:
    """Enlarge as the exported graph does before its network: cubic, a = -0.75, border repeated.

    MATLAB's `imresize`, which the field's papers upsample with, takes a = -0.5 and comes out
    about 0.3 dB lower at x2.

    Args:
        low: (H, W, 3) or (H, W) uint8.
        size: of the result, no smaller.
    """
    values = low.astype(np.float32)
    for axis, pixels_out in enumerate(size):
        _, taps = interpolation(low.shape[axis], pixels_out, 0, pixels_out)
        values = np.moveaxis(np.tensordot(taps, values, axes=(1, axis)), 0, axis)
    return np.rint(values).clip(0, 255).astype(np.uint8)


def figures_of(found: npt.NDArray[Any], original: Picture, factor: float) -> Figures:
    """Compare an enlarged picture with its original, a border of the factor's pixels cropped.

    Args:
        found: (H, W, 3) uint8 BGR.
        original: of the same shape.
        factor: by which it was enlarged.

    Raises:
        ValueError: the shapes differ, or the picture is not large enough.
    """
    border = border_px(factor)
    both = luma(found), luma(original)
    return Figures(
        psnr_db=min(psnr_db(*both, border), _MOST_DB),
        ssim=ssim(*both, border),
        rgb_psnr_db=min(psnr_db(found, original, border), _MOST_DB),
    )


def measure(enlarge: Enlarge, images: Sequence[Picture], factors: Iterable[float]) -> list[Row]:
    """Make pictures small and enlarge them again, and compare: a row for each factor.

    Args:
        enlarge: a picture (h, w, 3) uint8 BGR and the size it is to have: `Upscaler.to_size`,
            or `bicubic`.
        images: (H, W, 3) uint8 BGR, each `is_large_enough`.
        factors: at least 1 each.

    Raises:
        ValueError: there are no pictures, or one is not large enough.
    """
    return [
        Row(factor, Figures.mean(_compared(enlarge, image, factor) for image in images))
        for factor in factors
    ]


def _compared(enlarge: Enlarge, image: Picture, factor: float) -> Figures:
    if not is_large_enough(image, factor):
        raise ValueError(f"a picture of {Size(*image.shape[:2])} is too small for x{factor:g}")
    sharp, low = degraded(image, factor)
    return figures_of(enlarge(low, Size(*sharp.shape[:2])), sharp, factor)


def _comparable_size(image: Picture, factor: float) -> tuple[Size, Size]:
    """The size that a picture is cut to, and the size that it is shrunk to."""
    exact = Fraction(str(factor))  # as it is written: 33 / 1.1 is 30
    low = Size(*(int(length / exact) for length in image.shape[:2]))
    return Size(*(round(length * exact) for length in low)), low
