"""What `fast` loses: PSNR of exact and of fast results, for each factor.

    python benchmarks/precision.py [--quick]

Photographs are shrunk by area and enlarged again; both results are compared with the photograph,
borders of the factor cropped.
"""

from __future__ import annotations

import math
from statistics import mean
from typing import Any

import cv2
import numpy as np
from contestants import Enlarge, SkippedError, ours
from photographs import Pixels, photographs
from results import Part, parser

FACTORS = (1.5, 2, 2.5, 3, 4)
QUICK_FACTORS = (2,)


def psnr(found: Pixels, sharp: Pixels, border: int) -> float:
    """Decibels on BGR, 0..255."""
    inner = (slice(border, -border), slice(border, -border))
    error = np.square(found[inner].astype(np.float64) - sharp[inner]).mean()
    return float(10 * np.log10(255**2 / error))


def mean_psnr(enlarge: Enlarge, factor: float, sources: list[Pixels]) -> float:
    """Over all photographs; of each, the part that is a whole number of shrunk pixels."""
    figures = []
    for source in sources:
        height, width = (int(length / factor) for length in source.shape[:2])
        sharp = source[: int(height * factor), : int(width * factor)]
        small = cv2.resize(sharp, (width, height), interpolation=cv2.INTER_AREA)
        figures.append(psnr(enlarge(small, factor), sharp, math.ceil(factor)))
    return mean(figures)


def measure(threads: int, factors: tuple[float, ...], sources: list[Pixels]) -> dict[str, Any]:
    """Decibels by factor; or why there is no fast mode here."""
    try:
        fast = ours(threads, precision="fast")
    except SkippedError as error:
        return {"skipped": str(error)}
    exact = ours(threads)
    return {
        "factors": {
            str(factor): {
                name: mean_psnr(engine.run, factor, sources)
                for name, engine in (("exact", exact), ("fast", fast))
            }
            for factor in factors
        }
    }


def main() -> None:
    options = parser(__doc__).parse_args()
    part = Part("precision", options)
    factors = QUICK_FACTORS if options.quick else FACTORS
    sources = photographs()
    if options.quick:
        sources = [source[:64, :64] for source in sources[:1]]
    part.write(measure(part.threads, factors, sources))


if __name__ == "__main__":
    main()
