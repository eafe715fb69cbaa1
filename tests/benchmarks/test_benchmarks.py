"""Every benchmark runs on tiny inputs, and their page is written from their figures.

No time is asserted: docs/performance.md has the times.
"""

from __future__ import annotations

import functools
import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from tests.support.paths import ROOT

BENCHMARKS = ROOT / "benchmarks"
Figures = Callable[[str], dict[str, Any]]
PARTS = ("engine", "sizes", "memory", "job")
# Scripts that measure nothing. Tests below and in test_quality_page.py run them.
OTHERS = {
    "contestants",  # the process of one engine, which engine.py and sizes.py start
    "page",
    "quality_page",
}
SCRIPTS = sorted(
    path.stem
    for path in BENCHMARKS.glob("*.py")
    if '\nif __name__ == "__main__"' in path.read_text()
)

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the benchmarks read /proc, which is Linux's"
)


def run(script: str, *arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, BENCHMARKS / f"{script}.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("figures")


@pytest.fixture(scope="module")
def figures(folder: Path) -> Figures:
    """The figures of a part on tiny inputs; each part runs once, in the first test to read it."""

    @cache
    def read(part: str) -> dict[str, Any]:
        run(part, "--quick", "--results", folder)
        found: dict[str, Any] = json.loads((folder / f"{part}.json").read_text())
        return found

    return read


@pytest.mark.parametrize("part", PARTS)
def test_every_part_runs_on_tiny_inputs(figures: Figures, part: str) -> None:
    about = figures(part)["about"]
    assert about["quick"]
    assert about["threads"] >= 1
    assert about["machine"]["versions"]["onnxruntime"]


@pytest.mark.parametrize("script", [name for name in SCRIPTS if name not in (*PARTS, *OTHERS)])
def test_every_other_benchmark_runs_on_tiny_inputs(script: str) -> None:
    run(script, "--quick")


def test_the_corpus_test_takes_whole_files_and_counts_damaged_ones(tmp_path: Path) -> None:
    steps = np.arange(20 * 31 * 3, dtype=np.uint16).reshape(20, 31, 3)
    image = Image.fromarray((steps * 7 % 251).astype(np.uint8))
    image.save(tmp_path / "whole.png")
    image.save(tmp_path / "turned.png", exif=turned_exif())
    content = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "truncated.png").write_bytes(content[: len(content) // 2])
    said = run("corpus", tmp_path)
    assert "| all agree | 2 |" in said
    assert "| refused | 1 |" in said
    assert "| DamagedImage: " in said
    assert "| EXIF | 1 | 0 | 0 |" in said


def turned_exif() -> Image.Exif:
    exif = Image.Exif()
    exif.update({ExifTags.Base.Orientation: 6, ExifTags.Base.Make: "a maker"})
    return exif


def test_the_corpus_test_notices_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    comparison = importlib.import_module("corpus_comparison")
    samples = importlib.import_module("corpus_readers").to_samples
    rows = np.arange(9, dtype=np.uint8)[:, None, None] * np.array([9, 20, 28, 28], np.uint8)
    source = np.broadcast_to(rows, (9, 5, 4)).copy()
    larger = np.clip(
        comparison.enlarge(
            source.astype(float), np.arange(18), (18, 10), comparison.combine_by_cubic
        ),
        0,
        255,
    )
    right = np.rint(larger).astype(np.uint8)
    compare = functools.partial(comparison.compare, samples(source), factor=Fraction(2))
    assert not compare(samples(right), lossy=False)
    wrong = right.copy()
    wrong[9, 4, 1] += 2
    assert compare(samples(wrong), lossy=False).startswith("up to 2")
    assert not compare(samples(wrong), lossy=True)
    assert compare(samples(right[::-1]), lossy=True).startswith("RMS ")
    assert compare(samples(right[:-1]), lossy=True) == "10x17 px, expected 10x18"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_tries_every_benchmark() -> None:
    makefile = subprocess.run(
        ["make", "--dry-run", "bench-quick"],  # noqa: S607 - the one that runs `make test`
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert set(SCRIPTS) > OTHERS
    for script in set(SCRIPTS) - OTHERS:
        assert f"benchmarks/{script}.py" in makefile, script


def test_every_engine_gives_what_the_graph_gives(figures: Figures) -> None:
    engine = figures("engine")
    assert {"tutorial's loop", "ours"} <= engine["seconds"]["engines"].keys()
    float32 = [name for name in engine["differences"] if not name.endswith("bf16")]
    assert "ours" in float32
    for name in float32:
        assert engine["differences"][name]["levels"] <= 1, name
        assert engine["differences"][name]["share"] < 0.001, name


def test_what_cannot_run_says_why(figures: Figures) -> None:
    engine = figures("engine")
    assert not engine["skipped"].keys() & engine["seconds"]["engines"].keys()
    for name, reason in engine["skipped"].items():
        assert reason, name


def test_the_layers_count_their_operations(figures: Figures) -> None:
    weights = 9 * 9 * 64 + 64 * 32 + 5 * 5 * 32
    assert figures("engine")["operations_per_pixel"] == 2 * weights


def test_memory_is_looked_at_over_the_batch(figures: Figures) -> None:
    memory = figures("memory")
    assert [done for done, _ in memory["batch"]["held"]] == [0, 2, 4]
    assert all(case["baseline"] > 2**20 for case in memory["cases"].values())


def test_the_page_is_written_from_any_figures(
    figures: Figures, folder: Path, tmp_path: Path
) -> None:
    for part in PARTS:
        figures(part)
    run("page", "--results", folder, "--docs", tmp_path)
    page = (tmp_path / "performance.md").read_text()
    assert "\n\nNot measured.\n" not in page
    assert "these figures say nothing" in page
    for name in ("engine", "sizes", "memory"):
        assert f"images/performance-{name}.png" in page
        assert (tmp_path / "images" / f"performance-{name}.png").stat().st_size > 1000


def test_the_page_says_what_was_not_measured(tmp_path: Path) -> None:
    run("page", "--results", tmp_path / "nothing", "--docs", tmp_path)
    page = (tmp_path / "performance.md").read_text()
    for title in ("Engines", "Sizes", "Memory", "The whole command"):
        assert f"## {title}\n\nNot measured." in page


def test_the_committed_page_is_that_of_the_committed_figures(tmp_path: Path) -> None:
    run("page", "--docs", tmp_path)
    written = (tmp_path / "performance.md").read_text()
    assert written == (ROOT / "docs" / "performance.md").read_text(), "run benchmarks/page.py"
    assert "these figures say nothing" not in written
