"""The sections of docs/quality.md. Its sentences hold for any figures of quality.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from enlargers import BICUBIC, OFFICIAL, OURS
from sections import Figures, format_table

NAMES = {BICUBIC: "bicubic", OFFICIAL: "`openmmlab-x4`", OURS: "bundled"}
# Dong et al., TPAMI 2016, table 3: PSNR in dB on Y, 9-5-5, a network for each factor.
PAPER = {
    ("Set5", "2"): 36.66,
    ("Set5", "3"): 32.75,
    ("Set5", "4"): 30.49,
    ("Set14", "2"): 32.45,
    ("Set14", "3"): 29.30,
    ("Set14", "4"): 27.50,
}
# PSNR in dB on Y of Set5 at x2, x3 and x4, as published.
OTHERS = {
    "A+ (Timofte et al., ACCV 2014)": (36.54, 32.58, 30.28),
    "SRCNN 9-5-5 (Dong et al., TPAMI 2016)": (36.66, 32.75, 30.48),
    "FSRCNN (Dong et al., ECCV 2016)": (37.00, 33.16, 30.71),
    "VDSR (Kim et al., CVPR 2016)": (37.53, 33.66, 31.35),
}
PSNR, SSIM, RGB = "psnr_db", "ssim", "rgb_psnr_db"


class Case(NamedTuple):
    """A dataset at a factor.

    Attributes:
        dataset: its name.
        factor: as text.
        found: figures by enlarger.
    """

    dataset: str
    factor: str
    found: Figures

    def __str__(self) -> str:
        """Return its name."""
        return f"{self.dataset} x{self.factor}"

    def gain(self, measure: str, over: str = BICUBIC, name: str = OURS) -> float:
        """Return how far one enlarger is above another."""
        return float(self.found[name][measure] - self.found[over][measure])

    @property
    def paper(self) -> float | None:
        """The published figure; None if there is none."""
        return PAPER.get((self.dataset, self.factor))


def list_cases(figures: Figures) -> list[Case]:
    """List all cases that were measured."""
    return [
        Case(dataset, factor, found)
        for dataset, part in figures["datasets"].items()
        for factor, found in part["factors"].items()
    ]


def list_names(figures: Figures) -> list[str]:
    """List the enlargers, in the order of columns."""
    return [name for name in NAMES if name == BICUBIC or name in figures["models"]]


def at_a_glance(figures: Figures) -> str:
    each = list_cases(figures)
    gains = sorted(((case.gain(PSNR), case) for case in each), key=lambda pair: pair[0])
    (lowest, worst), (highest, best) = gains[0], gains[-1]
    better = sum(gain > 0 for gain, _ in gains)
    text = [
        (
            f"The bundled weights are better than bicubic in {better} of {len(each)} cases (a set "
            f"at a factor): by {lowest:+.2f} dB in the worst ({worst}), by {highest:+.2f} dB in "
            f"the best ({best})."
        )
    ]
    if OFFICIAL in list_names(figures):
        ahead = sum(case.gain(PSNR, OFFICIAL) > 0 for case in each)
        last = min(each, key=lambda case: case.gain(PSNR, name=OFFICIAL))
        text.append(
            f"They are better than `openmmlab-x4` in {ahead} of {len(each)}; the worst of "
            f"`openmmlab-x4` against bicubic is {last.gain(PSNR, name=OFFICIAL):+.2f} dB ({last})."
        )
    return "\n".join(text)


def provenance(figures: Figures) -> str:
    counts = " and ".join(
        f"{dataset} ({part['pictures']} pictures)" for dataset, part in figures["datasets"].items()
    )
    digests = ", ".join(f"{NAMES[name]} {sha[:8]}" for name, sha in figures["models"].items())
    text = [f"Measured on {counts}, {figures['about']['when']}; sha256 of the graphs: {digests}."]
    if OFFICIAL not in figures["models"]:
        text.append("`openmmlab-x4` was not measured: its checkpoint was not found.")
    if figures["about"]["quick"]:
        text.append("**A smoke test on tiny inputs: these figures say nothing.**")
    return "\n\n".join(text)


def published(figures: Figures) -> str:
    names = list_names(figures)
    rows = [
        (case, *(f"{case.found[name][PSNR]:.2f}" for name in names), f"{case.paper:.2f}")
        for case in list_cases(figures)
        if case.paper
    ]
    head = ["PSNR on Y, dB", *(NAMES[name] for name in names), "one network for each factor"]
    return format_table(head, rows)


def other_measures(figures: Figures) -> str:
    names = list_names(figures)
    rows = [
        (case, *(f"{case.found[name][SSIM]:.4f} / {case.found[name][RGB]:.2f}" for name in names))
        for case in list_cases(figures)
        if case.paper
    ]
    return format_table(["SSIM on Y / PSNR on RGB, dB", *(NAMES[name] for name in names)], rows)


def summary_table(figures: Figures) -> str:
    names = list_names(figures)
    rows = [
        (case, *(f"{case.found[name][PSNR]:.2f}" for name in names))
        for case in list_cases(figures)
        if case.paper
    ]
    return format_table(["", *(NAMES[name] for name in names)], rows)


def by_factor(figures: Figures) -> str:
    names = [name for name in list_names(figures) if name != BICUBIC]
    datasets = figures["datasets"]
    rows = {f"x{case.factor}": [f"x{case.factor}"] for case in list_cases(figures)}
    for case in list_cases(figures):
        rows[f"x{case.factor}"] += [
            f"{case.found[BICUBIC][PSNR]:.2f}",
            *(f"{case.gain(PSNR, name=name):+.2f}" for name in names),
        ]
    heads = [f"{dataset}, {NAMES[name]}" for dataset in datasets for name in (BICUBIC, *names)]
    caption = "PSNR on Y in dB: bicubic's value; for the others, the difference from bicubic."
    return f"{caption}\n\n{format_table(['factor', *heads], rows.values())}"


def others(figures: Figures) -> str:
    """Compare with other methods, each trained for its factor."""
    text = """PSNR on Y of Set5 in dB, of sources without loss. The figures of others are from their
papers, and were not measured here. VDSR has 20 layers, and 82 times the multiplications."""
    found = {case.factor: case.found[OURS][PSNR] for case in list_cases(figures)}
    ours = [f"{found[factor]:.2f}" if factor in found else "" for factor in ("2", "3", "4")]
    rows = [(name, *(f"{value:.2f}" for value in each)) for name, each in OTHERS.items()]
    return f"{text}\n\n{format_table(['', 'x2', 'x3', 'x4'], [*rows, ('bundled', *ours)])}"


def not_better(figures: Figures) -> str:
    """List the cases in which the bundled weights are not better, by measure."""
    each = list_cases(figures)
    lines = [
        _make_line("bicubic, PSNR on Y", each, [case.gain(PSNR) for case in each], "dB"),
        _make_line("bicubic, PSNR on RGB", each, [case.gain(RGB) for case in each], "dB"),
        _make_line("bicubic, SSIM on Y", each, [case.gain(SSIM) for case in each], ""),
    ]
    if OFFICIAL in list_names(figures):
        lines.append(
            _make_line(
                "`openmmlab-x4`, PSNR on Y", each, [c.gain(PSNR, OFFICIAL) for c in each], "dB"
            )
        )
    known = [case for case in each if case.paper]
    above = [case.found[OURS][PSNR] - case.paper for case in known if case.paper]
    lines.append(_make_line("one network for each factor, PSNR on Y", known, above, "dB"))
    return "\n".join(lines)


def _make_line(than: str, each: list[Case], gains: list[float], unit: str) -> str:
    behind = list(_list_behind(each, gains, unit))
    if not behind:
        return f"- Than {than}: better in all {len(each)} cases."
    return f"- Than {than}: not better in {len(behind)} of {len(each)}: {', '.join(behind)}."


def _list_behind(each: list[Case], gains: list[float], unit: str) -> Iterator[str]:
    digits = 2 if unit else 4
    for case, gain in zip(each, gains, strict=True):
        if gain <= 0:
            yield f"{case} ({gain:+.{digits}f}{unit and ' '}{unit})"
