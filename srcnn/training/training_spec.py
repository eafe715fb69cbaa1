"""What to train: anchors, how long, from which seed, on what. Imports no torch."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal, TypeAlias

from srcnn.errors import UsageError
from srcnn.geometry import MAX_FACTOR
from srcnn.graphs.contract import STEPS_PER_FACTOR

Device: TypeAlias = Literal["auto", "cpu", "cuda"]

DEFAULT_FACTORS = (1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)


@dataclass(frozen=True)
class TrainingSpec:
    """A training to do.

    Attributes:
        anchors: factors that have weights of their own, ascending; the first is 1.
        steps: after which it ends, over all starts; None for no bound.
        hours: of training after which it ends, over all starts; None for no bound.
        seed: of everything random.
        device: where to compute; `auto` is CUDA where there is one.
        threads: that compute on the processor.
    """

    anchors: tuple[float, ...]
    steps: int | None
    hours: float | None
    seed: int
    device: Device = "auto"
    threads: int = 1

    @classmethod
    def of(  # noqa: PLR0913 - independent choices, all by keyword
        cls,
        *,
        factors: tuple[float, ...] = DEFAULT_FACTORS,
        steps: int | None = None,
        hours: float | None = None,
        seed: int = 0,
        device: Device = "auto",
        threads: int = 1,
    ) -> TrainingSpec:
        """Check what a user asked for.

        Args:
            factors: the anchors above 1, ascending.
            steps: see the attribute; one of `steps` and `hours` is needed.
            hours: likewise.
            seed: likewise.
            device: likewise.
            threads: likewise.

        Raises:
            UsageError: a factor is out of bounds or out of order, or no end is set.
        """
        if steps is None and hours is None:
            raise UsageError("a training needs an end: give --steps or --hours")
        anchors = (1.0, *factors)
        shown = ",".join(f"{factor:g}" for factor in factors)
        if not factors or any(after <= before for before, after in itertools.pairwise(anchors)):
            raise UsageError(f"factors {shown}: expected ascending factors above 1, such as 2,3,4")
        if anchors[-1] > MAX_FACTOR or any(anchor * STEPS_PER_FACTOR % 1 for anchor in anchors):
            raise UsageError(
                f"factors {shown}: expected up to {MAX_FACTOR}, each a multiple of "
                f"1/{STEPS_PER_FACTOR}"
            )
        return cls(anchors, steps, hours, seed, device, threads)


def between(anchors: tuple[float, ...]) -> list[float]:
    """The anchors above 1 and the factors midway before each, ascending: what to measure at.

    Not midway where the grid gives the lower anchor's weights: these are measured there already.
    """
    measured = []
    for low, high in itertools.pairwise(anchors):
        middle = (low + high) / 2
        nearest = round(middle * STEPS_PER_FACTOR) / STEPS_PER_FACTOR
        measured += [middle, high] if nearest > low else [high]
    return measured
