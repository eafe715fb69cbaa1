"""Degrade images, enlarge them again, and compare them with the originals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import fmean
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from srcnn.geometry import Size
from srcnn.inference.engine.bicubic import interpolation
from srcnn.quality.conditions import Condition
from srcnn.quality.degradation import Picture, Shrink, choose_sizes, degrade, shrink
from srcnn.quality.jpeg import compress
from srcnn.quality.measures import luma, psnr_db, ssim

Enlarge: TypeAlias = Callable[[Picture, Size], npt.NDArray[Any]]

_WINDOW_PX = 11  # of SSIM
# Even one wrong level in one pixel of 640 x 480 gives more decibels. For identical images they
# would be infinite, and so would be every mean that includes such an image.
_MOST_DB = 100.0


@dataclass(frozen=True)
class Figures:
    """How close enlarged images are to their originals; each figure is a mean over images.

    Attributes:
        psnr_db: on Y of BT.601; at most 100 for each image.
        ssim: on Y of BT.601.
        rgb_psnr_db: on the three colours; at most 100 for each image.
    """

    psnr_db: float
    ssim: float
    rgb_psnr_db: float

    @classmethod
    def mean(cls, figures: Iterable[Figures]) -> Figures:
        """Compute the mean of each figure.

        Raises:
            ValueError: `figures` is empty.
        """
        each = list(figures)
        if not each:
            raise ValueError("no image to compare")
        return cls(
            psnr_db=fmean(one.psnr_db for one in each),
            ssim=fmean(one.ssim for one in each),
            rgb_psnr_db=fmean(one.rgb_psnr_db for one in each),
        )


def compute_border_px(factor: float) -> int:
    """Compute the border to ignore: near it an upscaler has fewer pixels to work with."""
    return math.ceil(factor)


def is_large_enough(image: Picture, factor: float) -> bool:
    """Whether an image can be compared at a factor: a window of SSIM must fit inside its border."""
    sharp = choose_sizes(image, factor)[0]
    return min(sharp) >= 2 * compute_border_px(factor) + _WINDOW_PX


def bicubic(low: Picture, size: Size) -> Picture:
    """Enlarge as the exported graph does before its network: cubic, a = -0.75, border repeated.

    MATLAB's `imresize`, which the papers of the field use for upsampling, has a = -0.5; its
    result is about 0.3 dB worse at x2.

    Args:
        low: (H, W, 3) or (H, W) uint8.
        size: of the result, not smaller than the image.
    """
    values = low.astype(np.float32)
    for axis, pixels_out in enumerate(size):
        _, taps = interpolation(low.shape[axis], pixels_out, 0, pixels_out)
        values = np.moveaxis(np.tensordot(taps, values, axes=(1, axis)), 0, axis)
    return np.rint(values).clip(0, 255).astype(np.uint8)


def compute_figures(found: npt.NDArray[Any], original: Picture, factor: float) -> Figures:
    """Compare an enlarged image with its original, ignoring a border of `factor` pixels.

    Args:
        found: (H, W, 3) uint8 BGR.
        original: of the same shape.
        factor: by which `found` was enlarged.

    Raises:
        ValueError: the shapes differ, or the image is too small.
    """
    border = compute_border_px(factor)
    both = luma(found), luma(original)
    return Figures(
        psnr_db=min(psnr_db(*both, border), _MOST_DB),
        ssim=ssim(*both, border),
        rgb_psnr_db=min(psnr_db(found, original, border), _MOST_DB),
    )


def measure(enlarge: Enlarge, images: Sequence[Picture], condition: Condition) -> Figures:
    """Degrade images, enlarge them again, and compare them with the originals.

    Args:
        enlarge: takes an image (h, w, 3) uint8 BGR and the size of the result, for example
            `Upscaler.to_size` or `bicubic`.
        images: (H, W, 3) uint8 BGR; for each of them `is_large_enough` holds.
        condition: how to degrade them.

    Returns:
        The means over the images.

    Raises:
        ValueError: there are no images, or one is too small.
    """
    return measure_each([enlarge], images, condition)[0]


def measure_each(
    enlargers: Sequence[Enlarge],
    images: Sequence[Picture],
    condition: Condition,
    threads: int = 1,
) -> list[Figures]:
    """Measure several ways to enlarge on the same images; see `measure`.

    Args:
        enlargers: see `measure`; called from several threads.
        images: see `measure`.
        condition: see `measure`.
        threads: how many images are compared at a time.

    Returns:
        The means over the images, of each way to enlarge.

    Raises:
        ValueError: there are no images, or one is too small.
    """
    with ThreadPoolExecutor(threads) as pool:
        by_image = list(pool.map(lambda image: _compare(enlargers, image, condition), images))
    return [Figures.mean(row[index] for row in by_image) for index in range(len(enlargers))]


def _compare(enlargers: Sequence[Enlarge], image: Picture, condition: Condition) -> list[Figures]:
    if not is_large_enough(image, condition.factor):
        raise ValueError(
            f"an image of {Size(*image.shape[:2])} px is too small for {condition.text}"
        )
    sharp, low = degrade_as_source(image, condition)
    size = Size(*sharp.shape[:2])
    return [compute_figures(enlarge(low, size), sharp, condition.factor) for enlarge in enlargers]


def degrade_as_source(
    image: Picture, condition: Condition, shrink_by: Shrink = shrink
) -> tuple[Picture, Picture]:
    """Crop an image to a size that the factor can produce, and make a source of it.

    An image that is not shrunk is halved first, so that it carries no JPEG of its own.

    Args:
        image: (H, W, 3) uint8 BGR, or (H, W).
        condition: how the source was made.
        shrink_by: shrinks the image.

    Returns:
        The sharp image, and the source.
    """
    if condition.factor == 1:
        image = degrade(image, 2)[1]
    sharp, low = degrade(image, condition.factor, shrink_by)
    return sharp, low if condition.is_clean else compress(low, condition.quality)
