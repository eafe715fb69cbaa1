"""Published PSNR figures, from exported graphs on the reference data, when present.

28.4316 dB (Set5) and 25.6486 dB (Set14) at x4 on RGB are OpenMMLab's own figures for the
checkpoint; all others were measured once by other code than ours, from the benchmark's own small
pictures. Bicubic is the graph's, with a = -0.75; the papers', with a = -0.5, is lower.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from srcnn.export.export_graph import make_graph
from srcnn.export.export_spec import ExportSpec
from srcnn.export.find_checkpoint import find_checkpoint
from srcnn.export.read_checkpoint import read_weights
from srcnn.export.srcnn_network import Srcnn
from srcnn.graphs.check_session import LoadedGraph, open_graph
from srcnn.inference.upscaler import Upscaler
from srcnn.model.model_file import Model
from srcnn.quality.compare import Enlarge, bicubic, measure
from srcnn.quality.conditions import Condition
from srcnn.quality.measures import psnr_db
from tests.support.paths import REFERENCE

SCALE = 4

pytestmark = pytest.mark.skipif(
    not (REFERENCE / "bench").is_dir(), reason="needs the reference data, which is not there"
)


@cache
def exported(checkpoint: str) -> bytes:
    source = find_checkpoint(checkpoint, mirror=str(REFERENCE / "checkpoints"))
    # Read in place: the mirror is a folder.
    content = Path(source.urls[0]).read_bytes()
    return make_graph(content, source, ExportSpec.of("torchscript", None, None))


def graph_of(checkpoint: str) -> LoadedGraph:
    return open_graph(exported(checkpoint), optimised=True)


def enlarged(run: LoadedGraph, image: Any, scale: float) -> Any:
    planes = image.astype(np.float32).transpose(2, 0, 1)[None]
    result = run(planes, np.array([1, 1, scale, scale], np.float32))
    return result[0].transpose(1, 2, 0).clip(0, 255)


def mean_psnr(run: LoadedGraph, dataset: str, finish: Any) -> float:
    folder = REFERENCE / "bench" / dataset / f"image_SRF_{SCALE}"
    figures = []
    for file in sorted(folder.glob("*_LR.png")):
        sharp = cv2.imread(str(file).replace("_LR", "_HR"))
        found = finish(enlarged(run, cv2.imread(str(file)), SCALE)).astype(np.uint8)
        height, width = found.shape[:2]
        figures.append(psnr_db(found, sharp[:height, :width], SCALE))
    assert figures, f"no pictures in {folder}"
    return float(np.mean(figures))


@pytest.mark.parametrize(
    ("checkpoint", "finish", "dataset", "expected"),
    [
        ("openmmlab-x4", np.rint, "Set5", 28.43),
        ("openmmlab-x4", np.rint, "Set14", 25.65),
        ("tutorial", np.floor, "Set5", 27.24),
        ("tutorial", np.floor, "Set14", 24.82),
    ],
)
def test_the_published_figures(checkpoint: str, finish: Any, dataset: str, expected: float) -> None:
    assert mean_psnr(graph_of(checkpoint), dataset, finish) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("dataset", "factor", "of_bicubic", "of_official"),
    [
        ("Set5", 2, (32.08, 33.97), (26.12, 27.65)),
        ("Set5", 3, (28.85, 30.63), (28.49, 30.19)),
        ("Set5", 4, (26.90, 28.63), (28.43, 30.25)),
        ("Set14", 2, (28.73, 30.55), (24.43, 25.98)),
        ("Set14", 3, (26.09, 27.79), (26.14, 27.84)),
        ("Set14", 4, (24.58, 26.22), (25.65, 27.38)),
    ],
)
def test_the_figures_by_our_own_measuring(
    dataset: str,
    factor: int,
    of_bicubic: tuple[float, float],
    of_official: tuple[float, float],
) -> None:
    folder = REFERENCE / "bench" / dataset / f"image_SRF_{factor}"
    pictures = [cv2.imread(str(file)) for file in sorted(folder.glob("*_HR.png"))]
    official = exported("openmmlab-x4")
    upscaler = Upscaler.from_model(
        Model("official", official, hashlib.sha256(official).hexdigest())
    )
    each: list[tuple[Enlarge, tuple[float, float]]] = [
        (bicubic, of_bicubic),
        (upscaler.to_size, of_official),
    ]
    for enlarge, expected in each:
        figures = measure(enlarge, pictures, Condition(factor))
        found = figures.rgb_psnr_db, figures.psnr_db
        assert found == pytest.approx(expected, abs=0.0101)


def test_the_tutorials_picture_comes_out_as_its_own_code_makes_it() -> None:
    source = find_checkpoint("tutorial", mirror=str(REFERENCE / "checkpoints"))
    network = Srcnn()
    network.load_state_dict(read_weights(Path(source.urls[0]).read_bytes(), source.name))
    face = cv2.imread(str(REFERENCE / "face" / "000001.png"))
    planes = torch.from_numpy(face.astype(np.float32).transpose(2, 0, 1)[None])
    with torch.no_grad():
        theirs = network(torch.nn.Upsample(scale_factor=3, mode="bicubic")(planes))
    expected = theirs[0].numpy().transpose(1, 2, 0).clip(0, 255).astype(np.uint8)
    found = enlarged(graph_of("tutorial"), face, 3).astype(np.uint8)
    difference = np.abs(found.astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.0002
