"""Draws the plots of docs/performance.md. They are legible in greyscale."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from contestants import LOOP, MAKERS, OURS, PRODUCTS
from goals import MIB, Figures, costs, find_product, rate
from matplotlib.figure import Figure

DPI = 110
MARKERS = {"square x2": "s", "square x4": "o", "wide x2": "^", "wide x4": "D"}
STYLE: Any = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}


def draw(parts: dict[str, Figures | None], folder: Path) -> None:
    """Draw the parts that were measured, one file each."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        for name, plot in (
            ("engine", plot_engines),
            ("sizes", plot_sizes),
            ("memory", plot_memory),
        ):
            if part := parts[name]:
                path = folder / f"performance-{name}.png"
                # Without the version of the library, which would change the file for no reason.
                plot(part).savefig(path, dpi=DPI, metadata={"Software": None})


def _make_axes(width: float, height: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def plot_engines(engine: Figures) -> Figure:
    """Plot nominal rates, and the matrix product as a line."""
    names = [n for n in MAKERS if n in engine["seconds"]["engines"] and n not in PRODUCTS]
    rates = [rate(engine, name) for name in names]
    figure, axes = _make_axes(7, 0.6 + 0.34 * len(names))
    shades = ["0.25" if name.startswith("ours") else "0.7" for name in names]
    bars = axes.barh(names, rates, color=shades)
    axes.bar_label(bars, [f"{each:.0f}" for each in rates], padding=3)
    best = find_product(engine)
    limit = rate(engine, best)
    axes.axvline(limit, color="black", linestyle="--", linewidth=1)
    axes.annotate(f" {best}: {limit:.0f}", (limit, -0.45), ha="right", va="bottom", fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel(f"GFLOP/s, nominal; {engine['side']}x{engine['side']} to x4 (more is better)")
    return figure


def plot_sizes(part: Figures) -> Figure:
    """Plot seconds per megapixel against megapixels."""
    figure, axes = _make_axes(7, 3.4)
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
    axes.set_ylabel("seconds per megapixel")
    axes.legend(frameon=False, fontsize=7, ncols=2)
    return figure


def plot_memory(part: Figures) -> Figure:
    """Plot resident memory over the batch."""
    figure, axes = _make_axes(7, 2.6)
    done, held = zip(*part["batch"]["held"], strict=True)
    axes.plot(done, [each / MIB for each in held], "-o", color="0.1")
    axes.axhline(part["batch"]["peak"] / MIB, color="0.5", linestyle="--", linewidth=1)
    axes.annotate("peak", (median(done), part["batch"]["peak"] / MIB), va="bottom", fontsize=8)
    axes.set_ylim(0, part["batch"]["peak"] / MIB * 1.15)
    axes.set_xlabel("pictures done")
    axes.set_ylabel("MiB resident")
    return figure
