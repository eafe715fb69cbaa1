"""Measures the cost of a megapixel of output, for outputs of 0.1 to 100 megapixels.

    python benchmarks/sizes.py [--quick]

Square and wide pictures, at x2 and x4. The tutorial's loop holds 440 MiB per megapixel and is
left out above 4 megapixels.
"""

from __future__ import annotations

import math
from typing import Any

from contestants import LOOP, OURS
from options import make_part_parser
from results import Part
from rounds import Case, Child, interleave, start_children

SHAPES = {"square x2": (1, 2), "square x4": (1, 4), "wide x2": (8, 2), "wide x4": (8, 4)}
LARGE_SHAPES = ("square x4", "wide x2")
SIZES = (0.1, 0.3, 1, 3, 10, 30, 100)
LARGE = 30
LOOP_MAX = 4


def make_case(megapixels: float, aspect: float, scale: float) -> Case:
    """Return a picture of an aspect (width to height) whose result has about `megapixels`."""
    height = math.sqrt(megapixels * 1e6 / aspect) / scale
    return Case((round(height), round(height * aspect)), scale)


def choose_rounds(megapixels: float) -> int:
    """Return the number of rounds: large pictures take long and vary little."""
    return 5 if megapixels < 1 else 3 if megapixels <= 3 else 1


def list_points(sizes: tuple[float, ...]) -> list[tuple[str, str, float]]:
    """List engine, shape and size of each measurement; large sizes have fewer shapes."""
    return [
        (engine, shape, size)
        for size in sizes
        for shape in SHAPES
        for engine in (OURS, LOOP)
        if (size < LARGE or shape in LARGE_SHAPES) and (engine == OURS or size < LOOP_MAX)
    ]


def measure(ready: dict[str, Child], sizes: tuple[float, ...]) -> list[dict[str, Any]]:
    """Return one entry per point; points with the same number of rounds are interleaved."""
    measured = []
    for rounds in sorted({choose_rounds(size) for size in sizes}, reverse=True):
        chosen = [point for point in list_points(sizes) if choose_rounds(point[2]) == rounds]
        turns = [(ready[engine], make_case(size, *SHAPES[shape])) for engine, shape, size in chosen]
        seconds = interleave(turns, rounds, warm=rounds > 1)
        for (engine, shape, _), (_, turn), each in zip(chosen, turns, seconds, strict=True):
            point = {"engine": engine, "shape": shape, "megapixels": turn.megapixels}
            measured.append(point | {"seconds": each})
    return measured


def main() -> None:
    options = make_part_parser(__doc__).parse_args()
    part = Part("sizes", options)
    sizes = (0.003, 0.01) if options.quick else SIZES
    with start_children([OURS, LOOP], part.threads) as (ready, _):
        found = measure(ready, sizes)
    part.write({"loop_most_megapixels": LOOP_MAX, "points": found})


if __name__ == "__main__":
    main()
