"""Study a graph: its memory, how it is cut into tiles, and how closely these equal the whole."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from srcnn.errors import ImageTooLargeError
from srcnn.geometry import Size
from srcnn.graphs.graph_interface import GraphInterface
from srcnn.inference.any_graph.compare_tiles_with_whole import Proof, compare_with_whole
from srcnn.inference.any_graph.graph_runner import GraphRunner, Planes
from srcnn.inference.any_graph.memory_model import MemoryModel, fit_memory
from srcnn.inference.any_graph.peak_memory import measure_peaks
from srcnn.inference.any_graph.tile_plan import Machine, TilePlan, plan_tiles
from srcnn.inference.any_graph.tiling_rule import TilingRule, TilingStudy

_log = logging.getLogger(__name__)

_MEASURED_PX = (64, 128, 256, 512)
# Of a pixel as it is read, and of one as it is rounded and written.
_INPUT_BYTES = 16
_OUTPUT_BYTES = 40
_DIFFERS = "its output depends on the whole picture, so that tiles would differ from it"
# In levels of 0..255. Where tiles differ more on average, blending them would show.
_MOST_BLENDED = 2.0
# Where proof fails by more than rounding, tiles are blended.
_MOST_JOINED = 1.5


@dataclass(frozen=True)
class Study:
    """What is known of a graph with one factor.

    Attributes:
        memory: that a run takes, with what Python holds for it.
        rule: how it can be cut.
        proof: how closely tiles equal the whole; None for a graph of one size, which has no whole.
        plan: of its tiles; None if it cannot be cut.
        refusal: why it cannot be cut; empty if it can.
    """

    memory: MemoryModel
    rule: TilingRule
    proof: Proof | None
    plan: TilePlan | None
    refusal: str = ""


def study_graph(
    content: bytes,
    info: GraphInterface,
    runner: GraphRunner,
    machine: Machine,
    raise_if_cancelled: Callable[[], None],
) -> Study:
    """Run a graph on small pictures, a few seconds in all.

    Args:
        content: of the ONNX file.
        info: how to run it, with a fixed factor.
        runner: of the graph.
        machine: what tiles may use.
        raise_if_cancelled: called several times a second; raises to stop.

    Raises:
        InferenceFailedError: the graph fails.
    """
    factor = info.default_scale
    memory = _measure_memory(content, info, machine)

    def run(planes: Planes) -> Planes:
        return runner.run(planes, raise_if_cancelled)

    largest = memory.find_largest(machine.budget_bytes)
    rule = TilingStudy(run, info, largest).find()
    proof = None if info.sizes.only else compare_with_whole(run, rule, info.sizes, factor)
    if proof and not rule.is_blended and proof.largest > _MOST_JOINED:
        rule = replace(rule, is_blended=True)
        proof = compare_with_whole(run, rule, info.sizes, factor)
    is_cut = not (proof and rule.is_blended and proof.mean > _MOST_BLENDED)
    plan, refusal = None, _DIFFERS
    if is_cut:
        try:
            plan, refusal = plan_tiles(rule, info.sizes, memory, machine), ""
        except ImageTooLargeError as error:
            refusal = str(error)
    study = Study(memory, rule, proof, plan, refusal)
    _report(study)
    return study


def _measure_memory(content: bytes, info: GraphInterface, machine: Machine) -> MemoryModel:
    factor = info.default_scale
    unit = math.lcm(info.sizes.multiple, factor.height.denominator, factor.width.denominator)
    sides = sorted({unit * math.ceil(side / unit) for side in _MEASURED_PX})
    sizes = [info.sizes.only] if info.sizes.only else [Size(side, side) for side in sides]
    peaks = measure_peaks(content, info, sizes, machine.threads, machine.budget_bytes)
    per_pixel = _INPUT_BYTES + _OUTPUT_BYTES * float(factor.height * factor.width)
    return fit_memory([size.pixels for size in sizes], peaks, per_pixel)


def _report(study: Study) -> None:
    rule, proof, plan = study.rule, study.proof, study.plan
    if plan is None:
        _log.warning(
            "the model is run on whole pictures, within the memory that it may take: %s",
            study.refusal,
        )
        return
    closely = (
        f"they differ from the whole by up to {proof.largest:.2g} levels of 255 on a picture of "
        f"{proof.side_px} px"
        if proof
        else "it takes pictures of one size alone"
    )
    side = Size(plan.rows.side_px, plan.columns.side_px)
    how = f"tiles of {side} px, with {rule.context_px} px of context, in steps of {rule.step_px} px"
    if rule.is_blended:
        _log.warning("the model is run in %s, and blended where they overlap: %s", how, closely)
    else:
        _log.info("the model is run in %s: %s", how, closely)
