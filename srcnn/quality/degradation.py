"""Pictures made small as the field's benchmarks make them: MATLAB's `imresize`, bicubic.

Along one axis, pixel x of the result sits at (x + 1/2) * pixels_in / pixels_out - 1/2 of the
picture, and takes its pixels by the cubic of Keys with a = -0.5, widened by that ratio so that
nothing is aliased; weights sum to 1, and the border is repeated. Rows go first, and the values
of either pass are rounded to 8 bits, halves up. So made, the files of Set5 and Set14 that the
field compares with come out to the last bit. (MATLAB of today mirrors the border instead, which
changes no pixel but the outermost.)
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from srcnn.geometry import Size
from srcnn.inference.engine.bicubic import Float64, cubic, positions

CUBIC_A = -0.5
_SUPPORT = 2  # pixels of the result that the kernel reaches to each side
_TIE = 1e-9  # sums that are exactly half a level come out this near to it


def shrink_taps(pixels_in: int, pixels_out: int) -> Float64:
    """The matrix that shrinks one axis.

    Args:
        pixels_in: length of the axis before.
        pixels_out: length of the axis after, no larger.

    Returns:
        (pixels_out, pixels_in) float64; every row sums to 1.

    Raises:
        ValueError: the axis would grow, or be empty.
    """
    if not 0 < pixels_out <= pixels_in:
        raise ValueError(f"cannot shrink {pixels_in} pixels to {pixels_out}")
    outputs = np.arange(pixels_out)
    ratio = pixels_in / pixels_out
    position = positions(pixels_in, pixels_out, outputs)
    reach = int(np.ceil(_SUPPORT * ratio))
    sources = np.floor(position).astype(np.int64)[:, None] + np.arange(-reach, reach + 2)
    weights = cubic((position[:, None] - sources) / ratio, CUBIC_A)
    weights /= weights.sum(axis=1, keepdims=True)
    matrix = np.zeros((pixels_out, pixels_in))
    np.add.at(matrix, (outputs[:, None], np.clip(sources, 0, pixels_in - 1)), weights)
    return matrix


def shrink(image: npt.NDArray[np.uint8], size: Size) -> npt.NDArray[np.uint8]:
    """Shrink a picture.

    Args:
        image: (H, W) or (H, W, 3) uint8, of any order of channels.
        size: of the result, no larger than the picture.

    Returns:
        The same kind of array, of `size`.

    Raises:
        ValueError: the picture would grow, or be empty.
    """
    for axis, pixels in enumerate(size):
        taps = shrink_taps(image.shape[axis], pixels)
        values = np.tensordot(taps, image.astype(np.float64), axes=(1, axis))
        image = _rounded(np.moveaxis(values, 0, axis))
    return image


def _rounded(values: Float64) -> npt.NDArray[np.uint8]:
    return np.floor(values + (0.5 + _TIE)).clip(0, 255).astype(np.uint8)
