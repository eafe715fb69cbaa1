"""Compare an image with its original: PSNR and SSIM, and the luma that they are computed on.

The field compares Y of BT.601 and ignores a border of as many pixels as the factor, following
Yang et al. (2010) and Dong et al. (2016).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from srcnn.inference.engine.bicubic import Float64

# ITU-R BT.601 in studio swing, as in MATLAB's rgb2ycbcr: weights of B, G and R in 0..255.
_LUMA_BGR = np.array([24.966, 128.553, 65.481]) / 255
_LUMA_OF_BLACK = 16.0
_PEAK = 255


def luma(image: npt.NDArray[Any]) -> Float64:
    """Compute Y of BT.601, not rounded.

    Args:
        image: (H, W, 3) BGR, 0..255.

    Returns:
        (H, W) float64, 16 (black) to 235 (white).
    """
    plane: Float64 = image @ _LUMA_BGR + _LUMA_OF_BLACK
    return plane


def psnr_db(found: npt.NDArray[Any], original: npt.NDArray[Any], border_px: int = 0) -> float:
    """Compute the peak signal-to-noise ratio in decibels, for a peak of 255.

    It is infinite for identical images.

    Args:
        found: (H, W) or (H, W, 3), 0..255.
        original: of the same shape.
        border_px: width of the border to ignore, in pixels.

    Raises:
        ValueError: the shapes differ, or nothing is left inside the border.
    """
    found, original = _crop_border(found, original, border_px)
    error = float(np.square(found.astype(np.float64) - original).mean())
    return 10 * math.log10(_PEAK**2 / error) if error else math.inf


def ssim(found: npt.NDArray[Any], original: npt.NDArray[Any], border_px: int = 0) -> float:
    """Compute the structural similarity with the Gaussian window of Wang et al. (2004).

    It is 1 for identical images. Needs scikit-image.

    Args:
        found: (H, W), 0..255.
        original: of the same shape.
        border_px: width of the border to ignore, in pixels; at least 11x11 pixels must be left.

    Raises:
        ValueError: the shapes differ, or fewer pixels are left.
    """
    from skimage.metrics import structural_similarity  # noqa: PLC0415 - optional dependency

    found, original = _crop_border(found, original, border_px)
    similarity = structural_similarity(
        found.astype(np.float64),
        original.astype(np.float64),
        data_range=_PEAK,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    return float(similarity)


def _crop_border(
    found: npt.NDArray[Any], original: npt.NDArray[Any], border_px: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Both images without the border."""
    height, width = original.shape[:2]
    if found.shape != original.shape or min(height, width) <= 2 * border_px:
        raise ValueError(
            f"expected two images of one shape, larger than a border of {border_px} px; "
            f"got {found.shape} and {original.shape}"
        )
    inner = (slice(border_px, height - border_px), slice(border_px, width - border_px))
    return found[inner], original[inner]
