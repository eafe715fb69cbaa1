"""Which engine is how fast: 256x256 to x4, against others, in interleaved rounds.

    python benchmarks/engine.py [--rounds 9] [--quick]

Then other factors, and other kinds of pictures. Before anything is timed, every engine's result is
compared with the exported graph's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
from contestants import GRAPH, LOOP, MAKERS, OURS, PRODUCT_SIDE, PRODUCTS
from folded import folded
from results import Part, parser
from rounds import Case, Child, children, difference, interleave

FACTORS = (2, 2.5, 3)  # besides 4
KINDS = ("grey", "alpha", "deep")  # besides colour
MOST = 150  # seconds of rounds
# Providers besides the CPU's, in ONNX Runtime's words; others are no rows of the table.
PROVIDERS = {
    "ours, cuda": "CUDAExecutionProvider",
    "ours, tensorrt": "TensorrtExecutionProvider",
    "ours, openvino": "OpenVINOExecutionProvider",
}


def operations_per_pixel() -> int:
    """Multiplications and additions for one output pixel, as the layers say: two per weight."""
    weights = folded(GRAPH, 4).graph.initializer
    return sum(2 * onnx.numpy_helper.to_array(w).size for w in weights if len(w.dims) == 4)


def names() -> list[str]:
    """All contestants but those of providers that this ONNX Runtime does not offer."""
    offered = onnxruntime.get_available_providers()
    return [name for name in MAKERS if PROVIDERS.get(name, offered[0]) in offered]


def compare(ready: dict[str, Child], case: Case) -> dict[str, Any]:
    """Every engine's result against the exported graph's."""
    with tempfile.TemporaryDirectory() as folder:
        return {
            name: difference(child, ready[LOOP], case, Path(folder))
            for name, child in ready.items()
            if name not in PRODUCTS and name != LOOP
        }


def turns(ready: dict[str, Child], side: int) -> list[tuple[str, str, Child, Case]]:
    """Table, row, who, and what: all that one round holds."""
    main = Case((side, side), 4)
    made = [("engines", name, child, main) for name, child in ready.items()]
    for factor in FACTORS:
        case = Case((side, side), factor)
        pair = [(name, ready[name]) for name in (LOOP, OURS)]
        made += [(f"x{factor}", name, child, case) for name, child in pair]
    kinds = [(kind, Case((side, side), 4, kind)) for kind in KINDS]
    return made + [("kinds", kind, ready[OURS], case) for kind, case in kinds]


def measure(threads: int, side: int, rounds: int) -> dict[str, Any]:
    """All figures of this part."""
    with children(names(), threads) as (ready, skipped):
        differences = compare(ready, Case((side, side), 4))
        planned = turns(ready, side)
        seconds = interleave([(c, case) for *_, c, case in planned], rounds, at_most_seconds=MOST)
    return {
        "side": side,
        "rounds": len(seconds[0]),
        "operations_per_pixel": operations_per_pixel(),
        "product_operations": 2 * PRODUCT_SIDE**3,
        "skipped": skipped,
        "differences": differences,
        "seconds": _by_table(planned, seconds),
    }


def _by_table(planned: Sequence[Any], seconds: list[list[float]]) -> dict[str, Any]:
    tables: dict[str, Any] = {}
    for (table, row, *_), each in zip(planned, seconds, strict=True):
        tables.setdefault(table, {})[row] = each
    return tables


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--rounds", type=int, default=9)
    options = arguments.parse_args()
    part = Part("engine", options)
    side, rounds = (32, 1) if options.quick else (256, options.rounds)
    part.write(measure(part.threads, side, rounds))


if __name__ == "__main__":
    main()
