"""How good the bundled weights are on JPEGs, by the figures of docs/quality.md and by new ones."""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import srcnn
from srcnn.geometry import Size
from srcnn.quality.compare import degrade_as_source
from srcnn.quality.conditions import Condition
from srcnn.quality.measures import luma, psnr_db
from tests.support.paths import ROOT

FIGURES: dict[str, Any] = json.loads((ROOT / "benchmarks" / "results" / "jpeg.json").read_text())
CELLS = [(dataset, text) for dataset, cells in FIGURES["qualities"].items() for text in cells]
KERNELS = [
    (dataset, text, kernel)
    for dataset, conditions in FIGURES["kernels"].items()
    for text, cells in conditions.items()
    for kernel in cells
]


def gain(cell: dict[str, float], over: str = "bicubic") -> float:
    """PSNR of the weights for the quality, in dB over another result."""
    return cell["ours"] - cell[over]


def test_the_figures_are_of_the_bundled_weights() -> None:
    content = resources.files("srcnn.weights").joinpath("srcnn.onnx").read_bytes()
    assert FIGURES["models"]["ours"] == hashlib.sha256(content).hexdigest(), "run make quality"
    assert not FIGURES["about"]["quick"]
    assert len(content) < 2 * 10**6


@pytest.mark.parametrize(("dataset", "text"), CELLS)
def test_never_below_bicubic_nor_much_below_the_weights_without_loss(
    dataset: str, text: str
) -> None:
    cell = FIGURES["qualities"][dataset][text]
    assert gain(cell) > 0
    # At x1.1 hardly anything is lost, and the weights for sources without loss gain most.
    assert gain(cell, "clean") > (-0.1 if Condition.parse(text).factor < 1.25 else -0.03)


@pytest.mark.parametrize(
    ("text", "set5", "set14"),
    [
        ("x2 q75", 1.2, 0.9),
        ("x3 q75", 1.05, 0.77),
        ("x4 q75", 0.85, 0.65),
        ("x2 q60", 1.15, 0.8),
        ("x2 q90", 1.7, 1.3),
        ("x1 q75", 1.6, 1.3),
    ],
)
def test_jpegs_gain(text: str, set5: float, set14: float) -> None:
    for dataset, least in (("Set5", set5), ("Set14", set14)):
        assert gain(FIGURES["qualities"][dataset][text]) >= least


@pytest.mark.parametrize(("dataset", "text", "kernel"), KERNELS)
def test_better_than_bicubic_however_it_was_shrunk(dataset: str, text: str, kernel: str) -> None:
    least = 0.05
    if text == "x2 q75":
        least = 0.9 if dataset == "Set5" else 0.6
    assert gain(FIGURES["kernels"][dataset][text][kernel]) > least


@pytest.mark.parametrize("quality", [35, 60, 75, 88])
@pytest.mark.parametrize("factor", [1, 1.3, 2, 3, 4])
def test_other_photographs_gain_too(
    upscaler: srcnn.Upscaler,
    photographs: list[npt.NDArray[np.uint8]],
    factor: float,
    quality: int,
) -> None:
    gains = []
    for photograph in photographs:
        sharp, low = degrade_as_source(photograph[:300, :300], Condition(factor, quality))
        size = Size(*sharp.shape[:2])
        clean, ours = (
            psnr_db(luma(upscaler.to_size(low, size, quality=each)), luma(sharp), 4)
            for each in (100, quality)
        )
        gains.append(ours - clean)
    assert np.mean(gains) > (0.1 if quality <= 75 else 0)
