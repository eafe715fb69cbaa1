"""The goals, and what was measured: each is a number from the figures of a part.

Nothing is measured here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any, NamedTuple

from contestants import LOOP, OURS, PRODUCTS, PUBLISHED_LOOP
from rounds import ratio

Figures = dict[str, Any]
MIB = 2**20
SPEEDUPS = {PUBLISHED_LOOP: 5.4, LOOP: 2.0, "OpenVINO fp32": 1.4, "OpenVINO bf16": 1.0}
# Of the published network 9-1-5 with 64 and 32 filters and three channels: two for each weight.
PUBLISHED_OPERATIONS = 2 * (9 * 9 * 3 * 64 + 64 * 32 + 5 * 5 * 32 * 3)


class Goal(NamedTuple):
    """A line of the table.

    Attributes:
        what: what was measured.
        wanted: the goal, as text.
        found: the result, as text; empty if it was not measured.
        reached: whether the goal was reached; None if it is not a bound, or was not measured.
    """

    what: str
    wanted: str
    found: str
    reached: bool | None


def find_product(engine: Figures) -> str:
    """Return the name of the faster matrix product on this machine."""
    return min(PRODUCTS, key=lambda name: median(engine["seconds"]["engines"].get(name, [1e9])))


def rate(engine: Figures, name: str) -> float:
    """Return the nominal GFLOP/s of an engine, at its median."""
    seconds: list[float] = engine["seconds"]["engines"][name]
    return count_operations(engine, name) / median(seconds) / 1e9


def count_operations(engine: Figures, name: str) -> float:
    """Return the nominal operations of one run."""
    if name in PRODUCTS:
        return float(engine["product_operations"])
    is_published = name == PUBLISHED_LOOP
    per_pixel = PUBLISHED_OPERATIONS if is_published else engine["operations_per_pixel"]
    return float(per_pixel * (engine["side"] * 4) ** 2)


def share(engine: Figures, name: str) -> tuple[float, float, float]:
    """Return the rate of an engine over that of the matrix product: median and quartiles."""
    best = find_product(engine)
    seconds = engine["seconds"]["engines"]
    factor = count_operations(engine, name) / count_operations(engine, best)
    middle, low, high = ratio(seconds[best], seconds[name])
    return middle * factor, low * factor, high * factor


def format_spread(figures: Sequence[float], digits: int = 2) -> str:
    """Format a median and its quartiles."""
    middle, low, high = (f"{figure:.{digits}f}" for figure in figures)
    return f"{middle} ({low} to {high})"


def costs(sizes: Figures, engine: str) -> list[tuple[str, float, float]]:
    """Return shape, megapixels and median seconds per megapixel."""
    return [
        (point["shape"], point["megapixels"], median(point["seconds"]) / point["megapixels"])
        for point in sizes["points"]
        if point["engine"] == engine
    ]


def flatness(sizes: Figures, engine: str) -> float:
    """Return the highest cost of a megapixel over the lowest."""
    each = [cost for _, _, cost in costs(sizes, engine)]
    return max(each) / min(each)


def over_inference(part: Figures) -> list[float]:
    """Return the seconds of the run over those of inference alone, by round."""
    return [each["run"] / each["inference"] for each in part["rounds"]]


def overhead_ms(part: Figures) -> list[float]:
    """Return milliseconds per image beyond inference and encoding, by round."""
    return [
        (each["run"] - each["inference"] - each["encoding"]) / part["count"] * 1000
        for each in part["rounds"]
    ]


def list_goals(parts: dict[str, Figures | None]) -> list[Goal]:
    """List the goals of all parts that were measured."""
    return [
        goal
        for name, list_part in LISTS.items()
        if (figures := parts[name])
        for goal in list_part(figures)
    ]


def _list_engine(engine: Figures) -> Iterator[Goal]:
    seconds = engine["seconds"]["engines"]
    for other, wanted in SPEEDUPS.items():
        what, aim = f"{OURS}, against {other}", f"at least {wanted:.1f} times as fast"
        if other in seconds:
            found = ratio(seconds[other], seconds[OURS])
            yield Goal(what, aim, format_spread(found), found[0] >= wanted)
        else:
            yield Goal(what, aim, "", None)
    found, lowest = share(engine, OURS), 0.85
    what, aim = f"{OURS}, of the matrix product's rate", f"at least {lowest * 100:.0f} %"
    yield Goal(what, aim, f"{found[0] * 100:.0f} %", found[0] >= lowest)


def _list_sizes(sizes: Figures) -> Iterator[Goal]:
    found = flatness(sizes, OURS)
    what = "the most expensive megapixel over the cheapest, 0.1 to 100"
    yield Goal(what, "close to 1 (no bound set)", f"{found:.2f}", None)


def _list_memory(memory: Figures) -> Iterator[Goal]:
    most = max(case["beyond"] + case["baseline"] for case in memory["cases"].values()) / MIB
    what = "peak memory beyond picture and result"
    yield Goal(what, "less than 400 MiB", f"{most:.0f} MiB", most < 400)


def _list_job(job: Figures) -> Iterator[Goal]:
    found = median(over_inference(job["photographs"]))
    what = f"{job['photographs']['count']} photographs: the run over its inference"
    yield Goal(what, "at most 1.08", f"{found:.2f}", found <= 1.08)
    spent = median(overhead_ms(job["thumbnails"]))
    what = (
        f"{job['thumbnails']['count']:,} thumbnails: time per image beyond inference and encoding"
    )
    yield Goal(what, "at most 2 ms", f"{spent:.2f} ms", spent <= 2)


LISTS: dict[str, Callable[[Figures], Iterator[Goal]]] = {
    "engine": _list_engine,
    "sizes": _list_sizes,
    "memory": _list_memory,
    "job": _list_job,
}
