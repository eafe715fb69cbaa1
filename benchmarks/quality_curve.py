"""Draws the curve of docs/quality.md: PSNR over bicubic by factor. It is legible in greyscale."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from enlargers import BICUBIC, OFFICIAL, OURS
from matplotlib.figure import Figure
from plots import DPI, STYLE
from quality_sections import NAMES, PSNR, Case, list_cases, list_names
from sections import Figures

LOOKS = {OURS: ("-", "o", "0.1"), OFFICIAL: ("--", "s", "0.5")}
LOWEST_DB = -2  # a network far from its own factor would flatten the other curves


def draw(figures: Figures, folder: Path) -> None:
    """Draw quality_by_factor.png."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        # Without the version of the library, which would change the file for no reason.
        path = folder / "quality_by_factor.png"
        plot_curve(figures).savefig(path, dpi=DPI, metadata={"Software": None})


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
