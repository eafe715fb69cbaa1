"""The pictures of docs/performance.md. They can be read in grey."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from contestants import LOOP, MAKERS, OURS, PRODUCTS
from goals import MIB, Figures, costs, product, rate
from matplotlib.figure import Figure

DPI = 110
MARKERS = {"square x2": "s", "square x4": "o", "wide x2": "^", "wide x4": "D"}
STYLE: Any = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}


def draw(parts: dict[str, Figures | None], folder: Path) -> None:
    """Draw what was measured, one file for each part."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        for name, of in (("engine", engines), ("sizes", sizes), ("memory", memory)):
            if part := parts[name]:
                place = folder / f"performance-{name}.png"
                # No version of the library in the file: it would differ for nothing.
                of(part).savefig(place, dpi=DPI, metadata={"Software": None})


def _axes(width: float, height: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def engines(engine: Figures) -> Figure:
    """Nominal rates; the matrix product as a line."""
    names = [n for n in MAKERS if n in engine["seconds"]["engines"] and n not in PRODUCTS]
    rates = [rate(engine, name) for name in names]
    figure, axes = _axes(7, 0.6 + 0.34 * len(names))
    shades = ["0.25" if name.startswith("ours") else "0.7" for name in names]
    bars = axes.barh(names, rates, color=shades)
    axes.bar_label(bars, [f"{each:.0f}" for each in rates], padding=3)
    best = product(engine)
    limit = rate(engine, best)
    axes.axvline(limit, color="black", linestyle="--", linewidth=1)
    axes.annotate(f" {best}: {limit:.0f}", (limit, -0.45), ha="right", va="bottom", fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel(f"GFLOP/s, nominal; {engine['side']}x{engine['side']} to x4 (more is better)")
    return figure


def sizes(part: Figures) -> Figure:
    """Seconds for a megapixel against megapixels."""
    figure, axes = _axes(7, 3.4)
    for engine, style, shade in ((OURS, "-", "0.1"), (LOOP, "--", "0.55")):
        for shape, marker in MARKERS.items():
            points = [(x, y) for found, x, y in costs(part, engine) if found == shape]
            label = f"{engine}: {shape}"
            axes.plot(*zip(*points, strict=True), style, marker=marker, color=shade, label=label)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("megapixels of the result")
    axes.set_ylabel("seconds for each megapixel")
    axes.legend(frameon=False, fontsize=7, ncols=2)
    return figure


def memory(part: Figures) -> Figure:
    """Resident memory over the batch."""
    figure, axes = _axes(7, 2.6)
    done, held = zip(*part["batch"]["held"], strict=True)
    axes.plot(done, [each / MIB for each in held], "-o", color="0.1")
    axes.axhline(part["batch"]["peak"] / MIB, color="0.5", linestyle="--", linewidth=1)
    axes.annotate("peak", (median(done), part["batch"]["peak"] / MIB), va="bottom", fontsize=8)
    axes.set_ylim(0, part["batch"]["peak"] / MIB * 1.15)
    axes.set_xlabel("pictures done")
    axes.set_ylabel("MiB resident")
    return figure
