"""Choose the side of tiles, and how they run, so that they use the machine within a budget."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from srcnn.errors import ImageTooLargeError
from srcnn.geometry import Size
from srcnn.graphs.accepted_sizes import AcceptedSizes
from srcnn.inference.any_graph.memory_model import MemoryModel
from srcnn.inference.any_graph.tiling_rule import TilingRule
from srcnn.inference.any_graph.windows import Cutting

_CONTEXTS_PER_TILE = 6  # then the context is half as much work again, at the most
_BLENDED_PX = 512  # the larger a tile, the more of the whole it sees
# Tiles side by side use the cores better than the threads of one run do.
_ADVANTAGE = 1.3
_MEGA = 1_000_000


@dataclass(frozen=True)
class TilePlan:
    """How pictures are cut, and how tiles run.

    Attributes:
        rows: how the vertical axis is cut.
        columns: how the horizontal axis is cut.
        is_parallel: whether each core computes a tile; otherwise all cores compute one.
    """

    rows: Cutting
    columns: Cutting
    is_parallel: bool


@dataclass(frozen=True)
class Machine:
    """What tiles may use.

    Attributes:
        budget_bytes: for all tiles that are computed at a time.
        threads: that compute.
        tile_px: the side of tiles without context.
    """

    budget_bytes: int
    threads: int
    tile_px: int


def plan_tiles(
    rule: TilingRule, sizes: AcceptedSizes, memory: MemoryModel, machine: Machine
) -> TilePlan:
    """Choose the tiles of a graph.

    Args:
        rule: how it can be cut.
        sizes: that it takes.
        memory: that it takes.
        machine: what tiles may use.

    Raises:
        ImageTooLargeError: the smallest tile takes more than the budget.
    """
    if rule.is_blended:  # a strip of floats takes the rest
        machine = replace(machine, budget_bytes=machine.budget_bytes * 3 // 4)
    if sizes.only:
        return _plan_fixed(rule, sizes.only, memory, machine)
    core = max(
        _BLENDED_PX if rule.is_blended else machine.tile_px, _CONTEXTS_PER_TILE * rule.context_px
    )
    wanted = core + 2 * rule.context_px
    alone, together = (
        min(wanted, math.isqrt(memory.find_largest(machine.budget_bytes // count)))
        // rule.step_px
        * rule.step_px
        for count in (1, machine.threads)
    )
    smallest = 2 * rule.context_px + rule.step_px
    if alone < max(smallest, sizes.smallest_px):
        _refuse(Size(smallest, smallest), memory, machine)
    is_parallel = together >= max(smallest, sizes.smallest_px) and (
        _measure_waste(together, rule) <= _ADVANTAGE * _measure_waste(alone, rule)
    )
    cutting = Cutting(together if is_parallel else alone, rule.context_px, rule.step_px)
    return TilePlan(cutting, cutting, is_parallel)


def _plan_fixed(rule: TilingRule, only: Size, memory: MemoryModel, machine: Machine) -> TilePlan:
    needed_bytes = memory.predict(only.pixels)
    if needed_bytes > machine.budget_bytes:
        _refuse(only, memory, machine)
    rows, columns = (Cutting(side, rule.context_px, rule.step_px, is_fixed=True) for side in only)
    return TilePlan(rows, columns, needed_bytes * machine.threads <= machine.budget_bytes)


def _measure_waste(side: int, rule: TilingRule) -> float:
    """Return the pixels that are computed for each that is kept."""
    return (side / (side - 2 * rule.context_px)) ** 2


def _refuse(size: Size, memory: MemoryModel, machine: Machine) -> None:
    raise ImageTooLargeError(
        f"a tile of {size} px takes {memory.predict(size.pixels) // _MEGA} MB of memory, more than "
        f"the {machine.budget_bytes // _MEGA} MB that tiles may take: give the process more "
        "memory, or set SRCNN_TILES_MEGABYTES"
    )
