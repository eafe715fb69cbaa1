"""Draws the curves of docs/quality.md: PSNR over bicubic. They are legible in greyscale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from enlargers import BICUBIC, OFFICIAL, OURS
from matplotlib.figure import Figure
from plots import DPI, STYLE
from quality_sections import NAMES, PSNR, Case, list_cases, list_names
from sections import Figures

from srcnn.quality.conditions import Condition

LOOKS = {OURS: ("-", "o", "0.1"), OFFICIAL: ("--", "s", "0.5")}
LOWEST_DB = -2  # a network far from its own factor would flatten the other curves


JPEG_LOOKS = {
    "ours": ("weights for the quality", "-", "o", "0.1"),
    "clean": ("weights without loss", "--", "s", "0.5"),
}
JPEG_FACTOR = 2


def draw(figures: Figures, jpeg: Figures, folder: Path) -> None:
    """Draw quality_by_factor.png and quality_by_jpeg.png."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        for name, figure in (("factor", plot_curve(figures)), ("jpeg", plot_jpegs(jpeg))):
            # Without the version of the library, which would change the file for no reason.
            path = folder / f"quality_by_{name}.png"
            figure.savefig(path, dpi=DPI, metadata={"Software": None})


def plot_jpegs(part: Figures) -> Figure:
    """Plot one panel per dataset, against the quality of the source."""
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    panels = figure.subplots(1, len(part["qualities"]), sharey=True, squeeze=False)[0]
    for axes, (dataset, cells) in zip(panels, part["qualities"].items(), strict=True):
        found = sorted((Condition.parse(text), cell) for text, cell in cells.items())
        shown = [(at.quality, cell) for at, cell in found if at.factor == JPEG_FACTOR]
        for name, (label, line, marker, shade) in JPEG_LOOKS.items():
            points = [(quality, cell[name] - cell[BICUBIC]) for quality, cell in shown]
            looks: Any = {"marker": marker, "color": shade, "markersize": 4, "label": label}
            axes.plot(*zip(*points, strict=True), line, **looks)
        axes.axhline(0, color="0.5", linewidth=1)
        axes.set_title(f"{dataset}, x{JPEG_FACTOR}", fontsize=9)
        axes.set_xlabel("quality of the JPEG")
    panels[0].set_ylabel("PSNR on Y, dB over bicubic")
    panels[0].legend(frameon=False, fontsize=8)
    return figure


def plot_curve(figures: Figures) -> Figure:
    """Plot one panel per dataset, on one scale."""
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    panels = figure.subplots(1, len(figures["datasets"]), sharey=True, squeeze=False)[0]
    for axes, dataset in zip(panels, figures["datasets"], strict=True):
        found = [case for case in list_cases(figures) if case.dataset == dataset]
        _plot_panel(axes, found, [name for name in list_names(figures) if name != BICUBIC])
        axes.set_title(dataset, fontsize=9)
    bottom, _ = panels[0].get_ylim()
    panels[0].set_ylim(bottom=max(bottom, LOWEST_DB))
    panels[0].set_ylabel("PSNR on Y, dB over bicubic")
    panels[0].legend(frameon=False, fontsize=8)
    return figure


def _plot_panel(axes: mpl.axes.Axes, found: list[Case], names: list[str]) -> None:
    factors = [float(case.factor) for case in found]
    for name in reversed(names):
        line, marker, shade = LOOKS[name]
        gains = [case.gain(PSNR, name=name) for case in found]
        label = NAMES[name].strip("`")
        axes.plot(factors, gains, line, marker=marker, color=shade, markersize=4, label=label)
    published = [
        (float(case.factor), case.paper - case.found[BICUBIC][PSNR]) for case in found if case.paper
    ]
    if published:
        label = "one network for each factor, published"
        axes.plot(*zip(*published, strict=True), "x", color="0.1", label=label)
    axes.axhline(0, color="0.5", linewidth=1)
    axes.set_xlabel("factor")
