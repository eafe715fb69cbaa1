"""What a megapixel of output costs, from 0.1 to 100 of them.

    python benchmarks/sizes.py [--quick]

Square and wide pictures, at x2 and x4. The tutorial's loop holds 440 MiB for each megapixel, and
is left out above 4 of them.
"""

from __future__ import annotations

import math
from typing import Any

from contestants import LOOP, OURS
from results import Part, parser
from rounds import Case, Child, children, interleave

SHAPES = {"square x2": (1, 2), "square x4": (1, 4), "wide x2": (8, 2), "wide x4": (8, 4)}
LARGE_SHAPES = ("square x4", "wide x2")
SIZES = (0.1, 0.3, 1, 3, 10, 30, 100)
LARGE = 30
LOOP_MOST = 4


def case(megapixels: float, aspect: float, scale: float) -> Case:
    """A picture of an aspect (width to height), whose result has about so many megapixels."""
    height = math.sqrt(megapixels * 1e6 / aspect) / scale
    return Case((round(height), round(height * aspect)), scale)


def rounds_of(megapixels: float) -> int:
    """The large ones take long, and are steady."""
    return 5 if megapixels < 1 else 3 if megapixels <= 3 else 1


def points(sizes: tuple[float, ...]) -> list[tuple[str, str, float]]:
    """Engine, shape and size of all that is measured; of large ones not every shape."""
    return [
        (engine, shape, size)
        for size in sizes
        for shape in SHAPES
        for engine in (OURS, LOOP)
        if (size < LARGE or shape in LARGE_SHAPES) and (engine == OURS or size < LOOP_MOST)
    ]


def measure(ready: dict[str, Child], sizes: tuple[float, ...]) -> list[dict[str, Any]]:
    """One entry for each point; those with as many rounds are interleaved."""
    measured = []
    for rounds in sorted({rounds_of(size) for size in sizes}, reverse=True):
        chosen = [point for point in points(sizes) if rounds_of(point[2]) == rounds]
        turns = [(ready[engine], case(size, *SHAPES[shape])) for engine, shape, size in chosen]
        seconds = interleave(turns, rounds, warm=rounds > 1)
        for (engine, shape, _), (_, turn), each in zip(chosen, turns, seconds, strict=True):
            point = {"engine": engine, "shape": shape, "megapixels": turn.megapixels}
            measured.append(point | {"seconds": each})
    return measured


def main() -> None:
    options = parser(__doc__).parse_args()
    part = Part("sizes", options)
    sizes = (0.003, 0.01) if options.quick else SIZES
    with children([OURS, LOOP], part.threads) as (ready, _):
        found = measure(ready, sizes)
    part.write({"loop_most_megapixels": LOOP_MOST, "points": found})


if __name__ == "__main__":
    main()
