"""Prove, on a small picture, that tiles equal the whole run, and say how closely."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from srcnn.geometry import Factor, Size, compute_output_size
from srcnn.graphs.accepted_sizes import AcceptedSizes
from srcnn.images.pixels import COLOURS
from srcnn.inference.any_graph.assemble import Assembly, Planes
from srcnn.inference.any_graph.cut_errors import Run, make_picture
from srcnn.inference.any_graph.picture import Piece
from srcnn.inference.any_graph.tiling_rule import TilingRule
from srcnn.inference.any_graph.windows import Cutting

# The size is not a multiple of the step, as pictures are not.
_LESS = Size(3, 5)
_SMALLEST_PX = 128


@dataclass(frozen=True)
class Proof:
    """How tiles differ from the whole.

    Attributes:
        largest: difference in levels of 0..255.
        mean: difference in levels.
        side_px: of the picture that was compared.
    """

    largest: float
    mean: float
    side_px: int


def compare_with_whole(run: Run, rule: TilingRule, sizes: AcceptedSizes, factor: Factor) -> Proof:
    """Run a picture whole and in four tiles, and compare.

    Args:
        run: runs the graph.
        rule: how it is cut.
        sizes: that the graph takes, not one alone.
        factor: of the graph.
    """
    side = max(_SMALLEST_PX, 2 * rule.context_px + rule.step_px, 4 * rule.step_px)
    size = sizes.round_up(Size(side, side))
    size = Size(*(length + less * sizes.multiple for length, less in zip(size, _LESS, strict=True)))
    picture = make_picture(*size)
    whole = run(picture)
    cutting = Cutting(side, rule.context_px, rule.step_px)
    rows, columns = (cutting.split(length, length // 2) for length in size)
    result: Planes = np.zeros((*compute_output_size(size, factor), COLOURS), np.float32)

    def write(down: slice, right: slice, piece: Piece) -> None:
        result[down, right] = piece.crop(down, right)

    assembly = Assembly(lambda down, right: picture[down, right], run, write, _run_in_turn, factor)
    if rule.is_blended:
        assembly.blend(rows, columns, Size(*result.shape[:2]))
    else:
        assembly.join(rows, columns)
    difference = np.abs(result - whole)
    return Proof(float(difference.max()), float(difference.mean()), min(size))


def _run_in_turn(calls: Iterable[Callable[[], None]]) -> None:
    for call in calls:
        call()
