"""The weights that ship: what they are, and how good they are."""

import hashlib
import json
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

import srcnn
from srcnn.graphs.check import check_graph
from srcnn.quality.compare import bicubic, measure
from srcnn.quality.conditions import Condition
from tests.support.paths import ROOT

QUALITY = json.loads((ROOT / "benchmarks" / "results" / "quality.json").read_text())
# On and between the factors that weights are trained at.
FACTORS = (1.1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 3, 3.5, 4, 5, 6, 7, 8)


def read_figures(dataset: str, factor: float) -> dict[str, Any]:
    """The figures of docs/quality.md at a factor, by what enlarged."""
    found: dict[str, Any] = QUALITY["datasets"][dataset]["factors"][f"{factor:g}"]
    return found


def bundled(name: str) -> bytes:
    return resources.files("srcnn.weights").joinpath(name).read_bytes()


def test_the_record_is_of_the_files_beside_it() -> None:
    record: dict[str, Any] = json.loads(bundled("srcnn.json"))
    assert record["sha256"] == hashlib.sha256(bundled("srcnn.onnx")).hexdigest()
    checkpoint = record["model"]["checkpoint"]
    assert checkpoint["sha256"] == hashlib.sha256(bundled("srcnn.pth")).hexdigest()


def test_the_bundled_graph_passes_the_check() -> None:
    assert check_graph(bundled("srcnn.onnx")) == []


def test_the_bundled_graph_is_the_export_of_the_bundled_checkpoint() -> None:
    pytest.importorskip("torch")
    from srcnn.export import export_graph  # noqa: PLC0415
    from srcnn.export.export_spec import ExportSpec  # noqa: PLC0415
    from srcnn.export.find_checkpoint import CATALOGUE  # noqa: PLC0415

    spec = ExportSpec.of("torchscript", None, None)
    made = export_graph.make_graph(bundled("srcnn.pth"), CATALOGUE["bundled"], spec)
    assert made == bundled("srcnn.onnx"), "export it again: see CONTRIBUTING.md"


def test_the_figures_are_of_the_bundled_weights() -> None:
    assert QUALITY["models"]["ours"] == hashlib.sha256(bundled("srcnn.onnx")).hexdigest(), (
        "run make quality"
    )
    assert not QUALITY["about"]["quick"]


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("dataset", ["Set5", "Set14"])
def test_better_than_bicubic_at_every_factor(dataset: str, factor: float) -> None:
    found = read_figures(dataset, factor)
    assert found["ours"]["psnr_db"] > found["bicubic"]["psnr_db"]


@pytest.mark.parametrize(
    ("dataset", "factor", "floor"),
    [
        ("Set5", 2, 36.76),
        ("Set5", 3, 32.76),
        ("Set5", 4, 30.44),
        ("Set14", 2, 32.57),
        ("Set14", 3, 29.35),
        ("Set14", 4, 27.55),
    ],
)
def test_not_below_what_was_promised(dataset: str, factor: int, floor: float) -> None:
    assert read_figures(dataset, factor)["ours"]["psnr_db"] >= floor


@pytest.mark.parametrize(
    ("dataset", "factor"),
    [*(("Set5", factor) for factor in FACTORS), *(("Set14", factor) for factor in (2, 3, 4))],
)
def test_the_figures_are_true(
    reference: Path, upscaler: srcnn.Upscaler, dataset: str, factor: float
) -> None:
    cut_for = factor if factor in (3, 4) else 2
    folder = reference / "bench" / dataset / f"image_SRF_{cut_for}"
    pictures = [cv2.imread(str(file)) for file in sorted(folder.glob("*_HR.png"))]
    assert len(pictures) == QUALITY["datasets"][dataset]["pictures"]
    for name, enlarge in (("ours", upscaler.to_size), ("bicubic", bicubic)):
        found = asdict(measure(enlarge, pictures, Condition(factor)))
        assert found == pytest.approx(read_figures(dataset, factor)[name], abs=0.005)


@pytest.mark.parametrize("factor", FACTORS)
def test_better_than_bicubic_on_photographs(
    upscaler: srcnn.Upscaler, photographs: list[npt.NDArray[np.uint8]], factor: float
) -> None:
    ours, cubic = (
        measure(enlarge, photographs, Condition(factor)) for enlarge in (upscaler.to_size, bicubic)
    )
    assert ours.psnr_db > cubic.psnr_db
