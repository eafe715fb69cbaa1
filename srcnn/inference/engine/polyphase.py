"""The phases of a whole factor: output pixels that have the same weights.

At a whole factor f the upsampled pixels fall into f phases per axis. All pixels of a phase
lie at the same place between pixels of the picture, here called cells, so that the cubic
has the same four weights for them, and the cubic and the first convolution, both linear,
are one convolution of the cells (polyphase decomposition: Vaidyanathan, Multirate Systems
and Filter Banks, 1993, section 4.3). One axis at a time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from srcnn.inference.engine.bicubic import Float64, compute_positions, cubic

# Rounding makes 1e-17 of weights that are zero.
_ZERO = 1e-12


class Group(NamedTuple):
    """Phases of one axis that see the same neighbours.

    Attributes:
        phases: of the group.
        low: first cell that the cubic and the first convolution see, relative to their own.
        high: the last.
        later_low: first cell whose values the last convolution takes, relative to its own.
        later_high: the last.
    """

    phases: tuple[int, ...]
    low: int
    high: int
    later_low: int
    later_high: int

    @property
    def cells(self) -> tuple[int, int]:
        """First and last cell of the picture that a cell of the result needs of this group."""
        return self.low + self.later_low, self.high + self.later_high


def compose_weights(factor: int, phase: int, reach: int) -> tuple[int, Float64]:
    """What each cell weighs in each pixel that the first convolution sees, along one axis.

    Args:
        factor: whole.
        phase: of the pixel in the middle.
        reach: pixels that the convolution sees on each side.

    Returns:
        The first cell, relative to the pixel's own, and (2 * reach + 1, cells) weights.
    """
    outputs = np.arange(phase - reach, phase + reach + 1)
    cells = np.arange(-reach - 3, reach + 4)
    weights = cubic(compute_positions(1, factor, outputs)[:, None] - cells)
    used = np.flatnonzero((abs(weights) > _ZERO).any(axis=0))
    return int(cells[used[0]]), weights[:, used[0] : used[-1] + 1]


def group_phases(factor: int, reach: int, later_reach: int) -> list[Group]:
    """The phases of one axis, those with the same needs together.

    Args:
        factor: whole.
        reach: of the first convolution.
        later_reach: of the last.
    """
    found: dict[tuple[int, ...], list[int]] = {}
    for phase in range(factor):
        low, weights = compose_weights(factor, phase, reach)
        later = (-((later_reach + phase) // factor), (factor - 1 + later_reach - phase) // factor)
        found.setdefault((low, low + weights.shape[1] - 1, *later), []).append(phase)
    return [Group(tuple(phases), *needs) for needs, phases in found.items()]


def list_later_weights(group: Group, factor: int, reach: int) -> list[tuple[int, int, int, int]]:
    """Which weight of the last convolution joins which pixels.

    Args:
        group: whose values are taken.
        factor: whole.
        reach: of the last convolution.

    Returns:
        Phase of the output pixel, index of the group's phase, index of the cell, index of the
        weight.
    """
    return [
        (output, index, cell - group.later_low, phase + cell * factor - output + reach)
        for output in range(factor)
        for index, phase in enumerate(group.phases)
        for cell in range(group.later_low, group.later_high + 1)
        if abs(phase + cell * factor - output) <= reach
    ]
