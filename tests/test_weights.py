"""The weights that ship: what they are, how good they are, and the script that makes them."""

import hashlib
import json
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

import srcnn
from srcnn.engine.fast import FAST_FROM
from srcnn.graphs.check import check_graph

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
LUMA = np.array([24.966, 128.553, 65.481]) / 255  # ITU-R BT.601, for BGR


def bundled(name: str) -> bytes:
    return resources.files("srcnn.weights").joinpath(name).read_bytes()


def test_fast_is_offered_as_it_loses_next_to_nothing() -> None:
    """Measured by benchmarks/precision.py; what loses more than 0.02 dB is computed exactly."""
    losses = json.loads(bundled("srcnn.json"))["fast_loss_db"]
    assert {"1.5", "2", "3", "4"} <= losses.keys()
    assert max(loss for factor, loss in losses.items() if float(factor) >= FAST_FROM) <= 0.02


def test_the_record_is_of_the_files_beside_it() -> None:
    record: dict[str, Any] = json.loads(bundled("srcnn.json"))
    assert record["sha256"] == hashlib.sha256(bundled("srcnn.onnx")).hexdigest()
    checkpoint = record["model"]["checkpoint"]
    assert checkpoint["sha256"] == hashlib.sha256(bundled("srcnn.pth")).hexdigest()


def test_the_bundled_graph_passes_the_check() -> None:
    assert check_graph(bundled("srcnn.onnx")) == []


def test_the_bundled_graph_is_the_export_of_the_bundled_checkpoint() -> None:
    pytest.importorskip("torch")
    from srcnn.export import pipeline  # noqa: PLC0415
    from srcnn.export.catalogue import CATALOGUE  # noqa: PLC0415
    from srcnn.export.spec import GraphSpec  # noqa: PLC0415

    spec = GraphSpec.of("torchscript", None, None)
    made = pipeline.make_graph(bundled("srcnn.pth"), CATALOGUE["bundled"], spec)
    assert made == bundled("srcnn.onnx"), "export it again: see CONTRIBUTING.md"


def psnr(image: npt.NDArray[Any], sharp: npt.NDArray[Any], border: int) -> npt.NDArray[np.float64]:
    """In dB on RGB and on Y."""
    inner = slice(border, -border)
    difference = (image.astype(float) - sharp)[inner, inner]
    errors = [np.square(difference).mean(), np.square(difference @ LUMA).mean()]
    return 10 * np.log10(255**2 / np.array(errors))


def measured(reference: Path, factor: int) -> npt.NDArray[np.float64]:
    """Mean PSNR on Set5, rows bicubic and ours, columns RGB and Y."""
    upscaler = srcnn.Upscaler.load()
    figures = []
    folder = reference / "bench" / "Set5" / f"image_SRF_{factor}"
    for path in sorted(folder.glob("*_HR.png")):
        small = cv2.imread(str(path).replace("_HR", "_LR"))
        ours = upscaler(small, factor)
        sharp = cv2.imread(str(path))[: ours.shape[0], : ours.shape[1]]
        width_height = ours.shape[1::-1]
        planes = cv2.resize(small.astype(np.float32), width_height, interpolation=cv2.INTER_CUBIC)
        cubic = np.clip(np.rint(planes), 0, 255)
        figures.append([psnr(cubic, sharp, factor), psnr(ours, sharp, factor)])
    assert len(figures) == 5
    return np.mean(figures, axis=0)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_not_below_bicubic_on_set5_and_as_the_readme_says(reference: Path, factor: int) -> None:
    bicubic, ours = measured(reference, factor)
    assert (ours > bicubic).all()
    row = re.search(rf"^\| Set5 x{factor} \| (.*?) \| (.*?) \|", README, re.MULTILINE)
    assert row
    for told, found in zip(row.groups(), (bicubic, ours), strict=True):
        assert [float(figure) for figure in told.split(" / ")] == pytest.approx(found, abs=0.02)


def test_training_goes_on_where_it_was_left(
    tmp_path: Path, photograph: npt.NDArray[np.uint8]
) -> None:
    pytest.importorskip("torch")
    images = tmp_path / "images"
    images.mkdir()
    for number in range(26):  # 24 are held out
        cv2.imwrite(str(images / f"{number}.png"), photograph[: 84 + number, 20:110])
    out = tmp_path / "srcnn.pth"
    steps = []
    for count in ("2", "5"):
        words = ["--images", str(images), "--out", str(out), "--steps", count]
        done = subprocess.run(
            [sys.executable, "scripts/train_bundled.py", *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        steps += [json.loads(line)["step"] for line in done.stdout.splitlines()]
    assert steps == [0, 2, 5]
    exported = subprocess.run(
        [sys.executable, "flows/export.py", "--checkpoint", str(out), "--dst", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert exported.returncode == 0, exported.stderr
