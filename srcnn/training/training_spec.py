"""The specification of a training: anchors, length, seed and device. Imports no torch."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from srcnn.errors import UsageError
from srcnn.geometry import MAX_FACTOR
from srcnn.graphs.graph_format import CLEAN, QUALITY_STEP, STEPS_PER_FACTOR
from srcnn.quality.conditions import Condition, name_qualities

Device: TypeAlias = Literal["auto", "cpu", "cuda"]

DEFAULT_FACTORS = (1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
DEFAULT_QUALITIES = (30.0, 60.0, 75.0, 90.0, 95.0, CLEAN)
_MAX_NETWORKS = 256


@dataclass(frozen=True)
class TrainingSpec:
    """The specification of a training.

    Attributes:
        anchors: factors with their own weights, ascending; the first is 1.
        qualities: JPEG qualities with their own weights, ascending; the last is `CLEAN`.
        keeps_clean: whether the weights for sources without loss stay as they are.
        steps: after which it ends, over all starts; None for no limit.
        hours: of training after which it ends, over all starts; None for no limit.
        seed: of all random numbers.
        device: where to compute; `auto` is CUDA if available.
        threads: for computation on the CPU.
    """

    anchors: tuple[float, ...]
    qualities: tuple[float, ...]
    keeps_clean: bool
    steps: int | None
    hours: float | None
    seed: int
    device: Device = "auto"
    threads: int = 1

    @property
    def networks(self) -> int:
        """Number of networks: one for each factor and quality."""
        return len(self.anchors) * len(self.qualities)

    @property
    def trained_qualities(self) -> tuple[float, ...]:
        """The anchors whose weights change."""
        return self.qualities[: len(self.qualities) - self.keeps_clean]

    @classmethod
    def of(  # noqa: PLR0913 - independent options, all by keyword
        cls,
        *,
        factors: tuple[float, ...] = DEFAULT_FACTORS,
        qualities: tuple[float, ...] = DEFAULT_QUALITIES,
        steps: int | None = None,
        hours: float | None = None,
        seed: int = 0,
        device: Device = "auto",
        threads: int = 1,
    ) -> TrainingSpec:
        """Check the options of a user.

        Args:
            factors: the anchors above 1, ascending.
            qualities: to train, ascending; without `CLEAN`, its weights are kept.
            steps: see the attribute; `steps` or `hours` is required.
            hours: see the attribute.
            seed: see the attribute.
            device: see the attribute.
            threads: see the attribute.

        Raises:
            UsageError: a factor or quality is out of range or out of order, or no length is
                given.
        """
        if steps is None and hours is None:
            raise UsageError("a training needs an end: give --steps or --hours")
        if not qualities:
            raise UsageError("a training needs a quality: give clean, or numbers such as 60,75,90")
        anchors = (1.0, *factors)
        _check_factors(factors)
        keeps_clean = qualities[-1] != CLEAN
        axis = (*qualities, CLEAN) if keeps_clean else qualities
        _check_qualities(axis, name_qualities(qualities))
        if len(anchors) * len(axis) > _MAX_NETWORKS:
            raise UsageError(
                f"{len(anchors)} factors and {len(axis)} qualities are {len(anchors) * len(axis)} "
                f"networks, expected up to {_MAX_NETWORKS}: give fewer"
            )
        return cls(anchors, axis, keeps_clean, steps, hours, seed, device, threads)


def _check_factors(factors: tuple[float, ...]) -> None:
    shown = ",".join(f"{factor:g}" for factor in factors)
    if not factors or not _ascend((1.0, *factors)):
        raise UsageError(f"factors {shown}: expected ascending factors above 1, such as 2,3,4")
    if factors[-1] > MAX_FACTOR or any(factor * STEPS_PER_FACTOR % 1 for factor in factors):
        raise UsageError(
            f"factors {shown}: expected up to {MAX_FACTOR}, each a multiple of 1/{STEPS_PER_FACTOR}"
        )


def _check_qualities(qualities: tuple[float, ...], shown: str) -> None:
    is_whole = all(quality % (2 * QUALITY_STEP) == 0 for quality in qualities)
    if not (_ascend(qualities) and qualities[0] > 0 and qualities[-1] == CLEAN and is_whole):
        raise UsageError(
            f"qualities {shown}: expected different multiples of 5 from 5 to 95, such as "
            "30,60,75,90, or clean"
        )


def _ascend(values: Sequence[float]) -> bool:
    return all(before < after for before, after in itertools.pairwise(values))


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


def list_measured_qualities(qualities: tuple[float, ...]) -> list[float]:
    """List the qualities to measure at: the anchors, and the whole number midway between two."""
    between = [float((low + high) // 2) for low, high in itertools.pairwise(qualities)]
    return sorted({*qualities, *between})


def list_conditions(spec: TrainingSpec) -> list[Condition]:
    """List what a trained model must be better at: every anchor, and midway between anchors.

    Sources whose weights are kept are not among them; see `list_kept_conditions`.
    """
    return sorted(_list_conditions(spec))


def list_kept_conditions(spec: TrainingSpec) -> list[Condition]:
    """List where a trained model must be no worse: sources without loss, if it keeps their weights.

    The current model may have more factors, or others by then.
    """
    factors = list_measured_factors(spec.anchors) if spec.keeps_clean else []
    return [Condition(factor) for factor in factors]


def _list_conditions(spec: TrainingSpec) -> Iterator[Condition]:
    factors = list_measured_factors(spec.anchors)
    if not spec.keeps_clean:
        yield from (Condition(factor) for factor in factors)
    for quality in list_measured_qualities(spec.qualities)[:-1]:
        # At an anchor of one axis the anchors of the other, between two what is between two.
        is_anchor = quality in spec.qualities
        at = [factor for factor in factors if (factor in spec.anchors) == is_anchor]
        yield from (Condition(factor, quality) for factor in ([1.0] * is_anchor + at))
