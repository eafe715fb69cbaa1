"""The goals, and what was found: each a number from the parts' figures.

No part is measured here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any, NamedTuple

from contestants import FAST, LOOP, OURS, PRODUCTS
from rounds import ratio

Figures = dict[str, Any]
MIB = 2**20


class Goal(NamedTuple):
    """A line of the table.

    Attributes:
        what: was measured.
        wanted: in words.
        found: in words; empty where it was not measured.
        reached: whether it was; None where the goal is no bound, or nothing was measured.
    """

    what: str
    wanted: str
    found: str
    reached: bool | None


def product(engine: Figures) -> str:
    """The matrix product that was faster on this machine."""
    return min(PRODUCTS, key=lambda name: median(engine["seconds"]["engines"].get(name, [1e9])))


def rate(engine: Figures, name: str) -> float:
    """Nominal GFLOP/s of an engine, at its median."""
    seconds: list[float] = engine["seconds"]["engines"][name]
    return operations(engine, name) / median(seconds) / 1e9


def operations(engine: Figures, name: str) -> float:
    """Nominal operations of one run."""
    if name in PRODUCTS:
        return float(engine["product_operations"])
    return float(engine["operations_per_pixel"] * (engine["side"] * 4) ** 2)


def share(engine: Figures, name: str) -> tuple[float, float, float]:
    """An engine's rate over the matrix product's: median and quartiles of the rounds."""
    best = product(engine)
    seconds = engine["seconds"]["engines"]
    factor = operations(engine, name) / operations(engine, best)
    middle, low, high = ratio(seconds[best], seconds[name])
    return middle * factor, low * factor, high * factor


def spread(figures: Sequence[float], digits: int = 2) -> str:
    """A median and its quartiles."""
    middle, low, high = (f"{figure:.{digits}f}" for figure in figures)
    return f"{middle} ({low} to {high})"


def costs(sizes: Figures, engine: str) -> list[tuple[str, float, float]]:
    """Shape, megapixels, and median seconds for a megapixel."""
    return [
        (point["shape"], point["megapixels"], median(point["seconds"]) / point["megapixels"])
        for point in sizes["points"]
        if point["engine"] == engine
    ]


def flatness(sizes: Figures, engine: str) -> float:
    """The dearest megapixel over the cheapest."""
    each = [cost for _, _, cost in costs(sizes, engine)]
    return max(each) / min(each)


def over_inference(part: Figures) -> list[float]:
    """The run's seconds over those of its inference alone, by round."""
    return [each["run"] / each["inference"] for each in part["rounds"]]


def overhead_ms(part: Figures) -> list[float]:
    """Milliseconds for each image beyond inference and encoding, by round."""
    return [
        (each["run"] - each["inference"] - each["encoding"]) / part["count"] * 1000
        for each in part["rounds"]
    ]


def goals(parts: dict[str, Figures | None]) -> list[Goal]:
    """All goals whose parts were measured."""
    made = (
        of(figures)
        for name, of in (("engine", _engine), ("sizes", _sizes), ("memory", _memory), ("job", _job))
        if (figures := parts[name])
    )
    return [goal for part in made for goal in part]


def _engine(engine: Figures) -> Iterator[Goal]:
    seconds = engine["seconds"]["engines"]
    for other, wanted in ((LOOP, 2.0), ("OpenVINO fp32", 1.4), ("OpenVINO bf16", 1.0)):
        what, aim = f"exact, against {other}", f"at least {wanted:.1f} times as fast"
        if other in seconds:
            found = ratio(seconds[other], seconds[OURS])
            yield Goal(what, aim, spread(found), found[0] >= wanted)
        else:
            yield Goal(what, aim, "", None)
    for name, least in ((OURS, 0.85), (FAST, 1.3)):
        what, aim = (
            f"{name.removeprefix('ours, ')}, of the matrix product's rate",
            f"{least * 100:.0f} %",
        )
        if name in seconds:
            found = share(engine, name)
            yield Goal(what, f"at least {aim}", f"{found[0] * 100:.0f} %", found[0] >= least)
        else:
            yield Goal(what, f"at least {aim}", "", None)


def _sizes(sizes: Figures) -> Iterator[Goal]:
    found = flatness(sizes, OURS)
    what = "the dearest megapixel over the cheapest, 0.1 to 100"
    yield Goal(what, "flat", f"{found:.2f}", None)


def _memory(memory: Figures) -> Iterator[Goal]:
    most = max(case["beyond"] + case["baseline"] for case in memory["cases"].values()) / MIB
    what = "peak memory beyond picture and result"
    yield Goal(what, "less than 400 MiB", f"{most:.0f} MiB", most < 400)


def _job(job: Figures) -> Iterator[Goal]:
    found = median(over_inference(job["photographs"]))
    what = f"{job['photographs']['count']} photographs: the run over its inference"
    yield Goal(what, "at most 1.08", f"{found:.2f}", found <= 1.08)
    spent = median(overhead_ms(job["thumbnails"]))
    what = f"{job['thumbnails']['count']:,} thumbnails: each beyond inference and encoding"
    yield Goal(what, "at most 2 ms", f"{spent:.2f} ms", spent <= 2)
