"""Measures what `fast` loses: PSNR of exact and of fast results, for each factor.

    python benchmarks/precision.py [--quick]

Photographs are shrunk by antialiased bicubic, as in published benchmarks, and enlarged again. Both
results are compared with the photograph, without a border as wide as the factor. The loss is
written into the record of the bundled model, srcnn/weights/srcnn.json.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from bfloat16 import load_rounded
from contestants import Enlarge, SkippedError, make_ours
from options import make_part_parser
from photographs import Pixels, load_photographs
from results import Part

import srcnn
from srcnn.geometry import Size, compute_output_size, to_scale
from srcnn.inference.config import DEFAULT_TILE_PX
from srcnn.inference.engine.engine import Engine
from srcnn.inference.engine.network_from_onnx import read_network
from srcnn.inference.engine.tile_pool import TilePool
from srcnn.model.card import ModelRecord
from srcnn.model.model_file import load_model
from srcnn.quality.compare import compute_border_px
from srcnn.quality.degradation import shrink
from srcnn.quality.measures import psnr_db
from srcnn.runtime.cores import pool

RECORD = Path(srcnn.__file__).parent / "weights" / "srcnn.json"
FACTORS = (1.3, 1.5, 2, 2.5, 3, 4, 6)
QUICK_FACTORS = (2,)


def measure_psnr(enlarge: Enlarge, factor: float, sources: list[Pixels]) -> float:
    """Return the mean PSNR on BGR; each photograph is cut to whole pixels of the small one."""
    figures = []
    for source in sources:
        height, width = (int(length / factor) for length in source.shape[:2])
        sharp = source[: int(height * factor), : int(width * factor)]
        small = shrink(sharp, Size(height, width))
        figures.append(psnr_db(enlarge(small, factor), sharp, compute_border_px(factor)))
    return mean(figures)


def measure(threads: int, factors: tuple[float, ...], sources: list[Pixels]) -> dict[str, Any]:
    """Return decibels by factor, and how bfloat16 was computed."""
    exact = make_ours(threads).run
    try:
        fast, how = make_ours(threads, precision="fast").run, "by the processor"
    except SkippedError:
        fast, how = make_rounded_engine(threads), "rounded by hand: this processor has no bfloat16"
    return {
        "how": how,
        "factors": {
            str(factor): {
                name: measure_psnr(run, factor, sources)
                for name, run in (("exact", exact), ("fast", fast))
            }
            for factor in factors
        },
    }


def make_rounded_engine(threads: int) -> Enlarge:
    """Return the engine as `fast` runs it, on any processor."""
    network = read_network(load_model().content, "input", "factor")
    if network is None:
        raise RuntimeError("the bundled graph does not have the form that the engine reads")
    engine = Engine(
        network, load_rounded, TilePool(partial(pool, threads), threads), DEFAULT_TILE_PX
    )

    def run(image: Pixels, scale: float) -> Pixels:
        size = compute_output_size(Size(*image.shape[:2]), to_scale(scale))
        result: Pixels = np.empty((*size, 3), image.dtype)
        engine.enlarge(image, result)
        return result

    return run


def write_record(figures: dict[str, Any]) -> None:
    """Write the losses into the record of the bundled model."""
    losses = {
        factor: round(found["exact"] - found["fast"], 4)
        for factor, found in figures["factors"].items()
    }
    text = RECORD.read_text()
    record = ModelRecord.model_validate_json(text).model_copy(update={"fast_loss_db": losses})
    RECORD.write_bytes(record.to_json())


def main() -> None:
    options = make_part_parser(__doc__).parse_args()
    part = Part("precision", options)
    factors = QUICK_FACTORS if options.quick else FACTORS
    sources = load_photographs()
    if options.quick:
        sources = [source[:64, :64] for source in sources[:1]]
    figures = measure(part.threads, factors, sources)
    part.write(figures)
    if not options.quick and options.results is None:
        write_record(figures)


if __name__ == "__main__":
    main()
