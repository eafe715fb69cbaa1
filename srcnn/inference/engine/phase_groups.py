"""The phases of an integer factor: sets of output pixels that have the same weights.

At an integer factor f, each axis has f phases. All output pixels of a phase are at the same
position relative to the input pixels, here called cells, so that the cubic has the same four
weights for them. The cubic and the first convolution are both linear, so together they are one
convolution of the cells (polyphase decomposition: Vaidyanathan, Multirate Systems and Filter
Banks, 1993, section 4.3). All functions handle one axis.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from srcnn.inference.engine.bicubic import Float64, compute_positions, cubic

# By rounding errors, weights that are zero become 1e-17.
_ZERO = 1e-12


class PhaseGroup(NamedTuple):
    """Phases of one axis that need the same cells.

    Attributes:
        phases: of the group.
        low: first cell that the cubic and the first convolution use, relative to their own cell.
        high: last cell that they use.
        later_low: first cell that the last convolution uses, relative to its own cell.
        later_high: last cell that it uses.
    """

    phases: tuple[int, ...]
    low: int
    high: int
    later_low: int
    later_high: int

    @property
    def cells(self) -> tuple[int, int]:
        """First and last cell of the input that a cell of the result needs for this group."""
        return self.low + self.later_low, self.high + self.later_high


def compose_weights(factor: int, phase: int, reach: int) -> tuple[int, Float64]:
    """Compute the weight of each cell in each upsampled pixel that the first convolution uses.

    Args:
        factor: an integer.
        phase: of the pixel in the middle.
        reach: of the convolution, in pixels to each side.

    Returns:
        The first cell, relative to the cell of the pixel, and (2 * reach + 1, cells) weights.
    """
    outputs = np.arange(phase - reach, phase + reach + 1)
    cells = np.arange(-reach - 3, reach + 4)
    weights = cubic(compute_positions(1, factor, outputs)[:, None] - cells)
    used = np.flatnonzero((abs(weights) > _ZERO).any(axis=0))
    return int(cells[used[0]]), weights[:, used[0] : used[-1] + 1]


def group_phases(factor: int, reach: int, later_reach: int) -> list[PhaseGroup]:
    """Group the phases of one axis that need the same cells.

    Args:
        factor: an integer.
        reach: of the first convolution.
        later_reach: of the last convolution.
    """
    found: dict[tuple[int, ...], list[int]] = {}
    for phase in range(factor):
        low, weights = compose_weights(factor, phase, reach)
        later = (-((later_reach + phase) // factor), (factor - 1 + later_reach - phase) // factor)
        found.setdefault((low, low + weights.shape[1] - 1, *later), []).append(phase)
    return [PhaseGroup(tuple(phases), *needs) for needs, phases in found.items()]


def list_later_weights(
    group: PhaseGroup, factor: int, reach: int
) -> list[tuple[int, int, int, int]]:
    """List which weight of the last convolution connects which pixels.

    Args:
        group: phases of the pixels that the convolution reads.
        factor: an integer.
        reach: of the last convolution.

    Returns:
        For each weight that is used: phase of the output pixel, index of the phase in the
        group, index of the cell, and index of the weight.
    """
    return [
        (output, index, cell - group.later_low, phase + cell * factor - output + reach)
        for output in range(factor)
        for index, phase in enumerate(group.phases)
        for cell in range(group.later_low, group.later_high + 1)
        if abs(phase + cell * factor - output) <= reach
    ]
