"""Compares the speed of engines: 256x256 to x4, in interleaved rounds.

    python benchmarks/engine.py [--rounds 9] [--quick]

Other factors and other kinds of pictures follow. Before anything is timed, the result of every
engine is compared with that of the exported graph.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
from contestants import (
    GRAPH,
    LOOP,
    MAKERS,
    OURS,
    PRODUCT_SIDE,
    PRODUCTS,
    PUBLISHED_LOOP,
)
from folded import fold_weights
from options import make_part_parser
from results import Part
from rounds import Case, Child, find_difference, interleave, start_children

FACTORS = (2, 2.5, 3)  # besides 4
KINDS = ("grey", "alpha", "deep")  # besides colour
MAX_SECONDS = 150  # of rounds
# Other providers than the CPU, as ONNX Runtime names them.
PROVIDERS = {
    "ours, cuda": "CUDAExecutionProvider",
    "ours, tensorrt": "TensorrtExecutionProvider",
    "ours, openvino": "OpenVINOExecutionProvider",
}


def operations_per_pixel() -> int:
    """Count multiplications and additions per output pixel: two per weight."""
    weights = fold_weights(GRAPH, 4).graph.initializer
    return sum(2 * onnx.numpy_helper.to_array(w).size for w in weights if len(w.dims) == 4)


def list_contestants() -> list[str]:
    """List all contestants whose provider this ONNX Runtime offers."""
    offered = onnxruntime.get_available_providers()
    return [name for name in MAKERS if PROVIDERS.get(name, offered[0]) in offered]


def compare(ready: dict[str, Child], case: Case) -> dict[str, Any]:
    """Compare the result of every engine with that of the exported graph."""
    with tempfile.TemporaryDirectory() as folder:
        return {
            name: find_difference(child, ready[LOOP], case, Path(folder))
            for name, child in ready.items()
            if name not in (*PRODUCTS, LOOP, PUBLISHED_LOOP)
        }


def list_turns(ready: dict[str, Child], side: int) -> list[tuple[str, str, Child, Case]]:
    """List the turns of one round: table, row, contestant and case."""
    main = Case((side, side), 4)
    turns = [("engines", name, child, main) for name, child in ready.items()]
    for factor in FACTORS:
        case = Case((side, side), factor)
        pair = [(name, ready[name]) for name in (PUBLISHED_LOOP, LOOP, OURS)]
        turns += [(f"x{factor}", name, child, case) for name, child in pair]
    kinds = [(kind, Case((side, side), 4, kind)) for kind in KINDS]
    return turns + [("kinds", kind, ready[OURS], case) for kind, case in kinds]


def measure(threads: int, side: int, rounds: int) -> dict[str, Any]:
    """Return all figures of this part."""
    with start_children(list_contestants(), threads) as (ready, skipped):
        differences = compare(ready, Case((side, side), 4))
        turns = list_turns(ready, side)
        seconds = interleave(
            [(c, case) for *_, c, case in turns], rounds, at_most_seconds=MAX_SECONDS
        )
    return {
        "side": side,
        "rounds": len(seconds[0]),
        "operations_per_pixel": operations_per_pixel(),
        "product_operations": 2 * PRODUCT_SIDE**3,
        "skipped": skipped,
        "differences": differences,
        "seconds": _group_by_table(turns, seconds),
    }


def _group_by_table(turns: Sequence[Any], seconds: list[list[float]]) -> dict[str, Any]:
    tables: dict[str, Any] = {}
    for (table, row, *_), each in zip(turns, seconds, strict=True):
        tables.setdefault(table, {})[row] = each
    return tables


def main() -> None:
    parser = make_part_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    part = Part("engine", options)
    side, rounds = (32, 1) if options.quick else (256, options.rounds)
    part.write(measure(part.threads, side, rounds))


if __name__ == "__main__":
    main()
