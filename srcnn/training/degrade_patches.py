"""Degrade sharp luma as sources are: shrink it, save it as a JPEG, and upsample it again.

Nobody knows how a JPEG was made small, so the kernels of common tools are mixed. The benchmarks
of the field shrink by bicubic interpolation, and so do sources without loss here; towards them,
from quality 80 on, the share of the other kernels falls to 0. It also falls from factor 2 on: the
larger the factor, the more the kernels differ, and the more it costs to serve all of them.

The luma of a JPEG with colours is compressed as a grey JPEG of the same quality is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from srcnn.graphs.graph_format import CLEAN
from srcnn.inference.engine.bicubic import Float64, compute_taps, interpolation
from srcnn.quality.conditions import Condition
from srcnn.quality.degradation import BICUBIC, BILINEAR, BOX, LANCZOS, shrink_taps
from srcnn.quality.jpeg import compress

Shrink: TypeAlias = Callable[[int, int], Float64]

# The luma of three colours, each rounded to 8 bits, has a smaller rounding error than rounded luma:
# smaller by the factor sqrt(0.299^2 + 0.587^2 + 0.114^2).
_LEVELS = 255 / 0.67
_MIXED_TO_QUALITY = 80  # the kernels are fully mixed up to this quality
_MIXED_TO_FACTOR, _BICUBIC_FROM_FACTOR = 2, 8  # and up to this factor; not at all from the second
_BLOCK_PX = 8  # of a JPEG
_SHIFTED = 0.5  # share of the patches whose blocks begin elsewhere: pictures that were cropped


def make_aliasing_taps(pixels_in: int, pixels_out: int) -> Float64:
    """Make the matrix of OpenCV's INTER_CUBIC, which aliases."""
    sources, weights = compute_taps(pixels_in, pixels_out, np.arange(pixels_out))
    matrix = np.zeros((pixels_out, pixels_in))
    np.add.at(matrix, (np.arange(pixels_out)[:, None], sources), weights)
    return matrix


_SHRINKS: tuple[Shrink, ...] = (
    *(partial(shrink_taps, kernel=kernel) for kernel in (BICUBIC, BOX, LANCZOS, BILINEAR)),
    make_aliasing_taps,
)
_SHARES = np.array([4, 2, 2, 1, 3]) / 12


@dataclass(frozen=True)
class Degradation:
    """How patches are degraded.

    Attributes:
        quality: of the JPEG, a whole number; `CLEAN` for none.
        kernel: index of the kernel that shrinks.
        offset: rows and columns of the first block of the JPEG that were cut off, 0 to 7.
    """

    quality: float = CLEAN
    kernel: int = 0
    offset: tuple[int, int] = (0, 0)


def draw_degradation(condition: Condition, rng: np.random.Generator) -> Degradation:
    """Draw how to degrade patches under a condition."""
    if condition.is_clean:
        return Degradation()
    is_mixed = rng.random() < _compute_mixed_share(condition)
    kernel = rng.choice(len(_SHRINKS), p=_SHARES) if is_mixed else 0
    rows, columns = rng.integers(_BLOCK_PX, size=2) if rng.random() < _SHIFTED else (0, 0)
    return Degradation(condition.quality, int(kernel), (int(rows), int(columns)))


def _compute_mixed_share(condition: Condition) -> float:
    by_quality = (CLEAN - condition.quality) / (CLEAN - _MIXED_TO_QUALITY)
    to_bicubic = _BICUBIC_FROM_FACTOR - condition.factor
    by_factor = to_bicubic / (_BICUBIC_FROM_FACTOR - _MIXED_TO_FACTOR)
    return min(by_quality, 1.0) * min(max(by_factor, 0.0), 1.0)


def degrade(
    sharp: torch.Tensor, shrunk: tuple[int, int], degradation: Degradation = Degradation()
) -> torch.Tensor:
    """Shrink, round to 8 bits or compress, and upsample as the graph does.

    Args:
        sharp: (N, H, W) float32 luma in [0, 1].
        shrunk: height and width to shrink to.
        degradation: how.

    Returns:
        (N, H, W) float32 luma in [0, 1].
    """
    (down, up), (down_across, up_across) = (
        _build_matrices(length, small, degradation.kernel)
        for length, small in zip(sharp.shape[1:], shrunk, strict=True)
    )
    small = (down @ sharp @ down_across.mT).clamp_(0, 1)
    if degradation.quality < CLEAN:
        small = torch.stack([_compress(plane, degradation) for plane in small])
    else:
        small = small.mul_(_LEVELS).round_().div_(_LEVELS)
    return up @ small @ up_across.mT


def _compress(plane: torch.Tensor, degradation: Degradation) -> torch.Tensor:
    """Save (H, W) luma in [0, 1] as a JPEG, and read it."""
    top, left = degradation.offset
    pixels: npt.NDArray[np.uint8] = plane.mul(255).round_().byte().numpy()
    wider = np.pad(pixels, ((top, 0), (left, 0)), mode="symmetric") if top or left else pixels
    decoded = compress(wider, degradation.quality)
    return torch.from_numpy(decoded[top:, left:].astype(np.float32) / 255)


@lru_cache(maxsize=4096)
def _build_matrices(length: int, shrunk: int, kernel: int) -> tuple[torch.Tensor, torch.Tensor]:
    down = _SHRINKS[kernel](length, shrunk).astype(np.float32)
    _, up = interpolation(shrunk, length, 0, length)
    return torch.from_numpy(down), torch.from_numpy(up)
