"""The specification of a training: anchors, length, seed and device. Imports no torch."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal, TypeAlias

from srcnn.errors import UsageError
from srcnn.geometry import MAX_FACTOR
from srcnn.graphs.graph_format import STEPS_PER_FACTOR

Device: TypeAlias = Literal["auto", "cpu", "cuda"]

DEFAULT_FACTORS = (1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)


@dataclass(frozen=True)
class TrainingSpec:
    """The specification of a training.

    Attributes:
        anchors: factors with their own weights, ascending; the first is 1.
        steps: after which it ends, over all starts; None for no limit.
        hours: of training after which it ends, over all starts; None for no limit.
        seed: of all random numbers.
        device: where to compute; `auto` is CUDA if available.
        threads: for computation on the CPU.
    """

    anchors: tuple[float, ...]
    steps: int | None
    hours: float | None
    seed: int
    device: Device = "auto"
    threads: int = 1

    @classmethod
    def of(  # noqa: PLR0913 - independent options, all by keyword
        cls,
        *,
        factors: tuple[float, ...] = DEFAULT_FACTORS,
        steps: int | None = None,
        hours: float | None = None,
        seed: int = 0,
        device: Device = "auto",
        threads: int = 1,
    ) -> TrainingSpec:
        """Check the options of a user.

        Args:
            factors: the anchors above 1, ascending.
            steps: see the attribute; `steps` or `hours` is required.
            hours: see the attribute.
            seed: see the attribute.
            device: see the attribute.
            threads: see the attribute.

        Raises:
            UsageError: a factor is out of range or out of order, or no length is given.
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


def list_measured_factors(anchors: tuple[float, ...]) -> list[float]:
    """List the factors to measure at: the anchors above 1, and the midpoint before each.

    A midpoint is left out if the grid rounds it to the lower anchor, which is measured anyway.
    """
    measured = []
    for low, high in itertools.pairwise(anchors):
        middle = (low + high) / 2
        nearest = round(middle * STEPS_PER_FACTOR) / STEPS_PER_FACTOR
        measured += [middle, high] if nearest > low else [high]
    return measured
