"""The benchmark of quality runs on any pictures, and its page is written from its figures."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from tests.support.paths import ROOT

FIGURES = ROOT / "benchmarks" / "results" / "quality.json"
JPEG_FIGURES = FIGURES.with_name("jpeg.json")

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the benchmarks read /proc, which is Linux's"
)


def run(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "benchmarks" / f"{script}.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def page_of(figures: Path, docs: Path) -> tuple[str, str]:
    """docs/quality.md and docs/models.md as they are written from figures."""
    docs.mkdir(exist_ok=True)
    models = docs / "models.md"
    if not (figures.parent / "jpeg.json").exists():
        shutil.copy(JPEG_FIGURES, figures.parent)
    shutil.copy(ROOT / "docs" / "models.md", models)
    done = run("quality_page", "--results", figures.parent, "--docs", docs, "--models", models)
    assert done.returncode == 0, done.stderr
    for name in ("quality_by_factor", "quality_by_jpeg"):
        assert (docs / "images" / f"{name}.png").stat().st_size > 1000
    return (docs / "quality.md").read_text(), models.read_text()


def shifted(folder: Path, decibels: float) -> Path:
    """The committed figures, as if ours were better by some decibels."""
    figures: dict[str, Any] = json.loads(FIGURES.read_text())
    for part in figures["datasets"].values():
        for found in part["factors"].values():
            for measure in found["ours"]:
                found["ours"][measure] += decibels
    place = folder / "quality.json"
    place.write_text(json.dumps(figures))
    return place


def test_the_committed_page_is_that_of_the_committed_figures(tmp_path: Path) -> None:
    page, models = page_of(FIGURES, tmp_path)
    assert page == (ROOT / "docs" / "quality.md").read_text(), "run benchmarks/quality_page.py"
    assert models == (ROOT / "docs" / "models.md").read_text(), "run benchmarks/quality_page.py"
    assert "these figures say nothing" not in page
    for name in ("quality_crops", "quality_jpeg_crops"):
        assert (ROOT / "docs" / "images" / f"{name}.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("decibels", "glance", "line"),
    [
        (50, "better than bicubic in 28 of 28", "- Than bicubic, PSNR on Y: better in all 28"),
        (-50, "better than bicubic in 0 of 28", "- Than bicubic, PSNR on Y: not better in 28 of"),
    ],
)
def test_the_sentences_follow_the_figures(
    tmp_path: Path, decibels: float, glance: str, line: str
) -> None:
    page, models = page_of(shifted(tmp_path, decibels), tmp_path / "docs")
    assert glance in page
    assert line in page
    assert models != (ROOT / "docs" / "models.md").read_text()


@pytest.fixture(scope="module")
def other_pictures(
    tmp_path_factory: pytest.TempPathFactory, photograph: npt.NDArray[np.uint8]
) -> Path:
    """Pictures laid out as the reference data is; no checkpoint."""
    root = tmp_path_factory.mktemp("reference")
    for dataset in ("Set5", "Set14"):
        for factor in (2, 3, 4):
            folder = root / "bench" / dataset / f"image_SRF_{factor}"
            folder.mkdir(parents=True)
            cv2.imwrite(str(folder / "img_001_HR.png"), photograph[:90, :80])
    return root


def test_it_measures_any_pictures_without_the_checkpoint(
    tmp_path: Path, other_pictures: Path
) -> None:
    done = run("quality", "--quick", "--reference", other_pictures, "--results", tmp_path)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "quality.json").read_text())
    assert figures["models"].keys() == {"ours"}
    for dataset in ("Set5", "Set14"):
        found = figures["datasets"][dataset]["factors"]["2"]
        assert found.keys() == {"bicubic", "ours"}
        assert 20 < found["bicubic"]["psnr_db"] < 60
        assert 0.5 < found["ours"]["ssim"] < 1
    page, models = page_of(tmp_path / "quality.json", tmp_path / "docs")
    assert "its checkpoint was not found" in page
    assert "these figures say nothing" in page
    assert "| Set5 x2 | " in models


def test_jpegs_are_measured_with_and_without_their_quality(
    tmp_path: Path, other_pictures: Path
) -> None:
    done = run("jpeg", "--quick", "--reference", other_pictures, "--results", tmp_path)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "jpeg.json").read_text())
    cells = figures["qualities"]["Set5"]
    assert cells.keys() == {"x1 q95", "x1 q75", "x2 q95", "x2 q75"}
    assert all(cell.keys() == {"bicubic", "clean", "ours"} for cell in cells.values())
    assert cells["x2 q95"]["bicubic"] > cells["x2 q75"]["bicubic"] > 20
    kernels = figures["kernels"]["Set14"]["x2 q75"]
    assert len({cell["bicubic"] for cell in kernels.values()}) == len(kernels) == 5
    shutil.copy(FIGURES, tmp_path / "quality.json")
    page, _ = page_of(tmp_path / "quality.json", tmp_path / "docs")
    assert "| Set5 x1 | " in page
    assert "| Set14 x2 q75 | " in page


def test_it_says_which_pictures_are_missing(tmp_path: Path) -> None:
    done = run("quality", "--reference", tmp_path, "--results", tmp_path)
    assert done.returncode == 2
    assert str(tmp_path / "bench" / "Set14" / "image_SRF_3") in done.stderr
    assert "--reference" in done.stderr
    assert not (tmp_path / "quality.json").exists()


def test_no_figures_are_no_page(tmp_path: Path) -> None:
    done = run("quality_page", "--results", tmp_path, "--docs", tmp_path / "docs")
    assert done.returncode == 2
    assert not (tmp_path / "docs").exists()


def test_crops_are_drawn_of_what_is_there(tmp_path: Path) -> None:
    done = run("crops", "--reference", tmp_path, "--docs", tmp_path)
    assert done.returncode == 0, done.stderr
    drawn = cv2.imread(str(tmp_path / "images" / "quality_crops.png"))
    side, gap = 228, 10
    assert drawn.shape[1] == gap + 4 * (side + gap)  # nearest, bicubic, ours, the original
    assert drawn.std() > 10
