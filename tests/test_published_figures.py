"""Published PSNR figures, from exported graphs on the reference data, when present.

28.4316 dB (Set5) and 25.6486 dB (Set14) at x4 on RGB are OpenMMLab's own figures for the
checkpoint.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from srcnn.export.catalogue import find_checkpoint
from srcnn.export.checkpoint import read_weights
from srcnn.export.network import Srcnn
from srcnn.export.pipeline import make_graph
from srcnn.export.spec import GraphSpec
from srcnn.graphs.run import Runner, open_graph

DATA = Path(__file__).parents[2] / "shared" / "data"
SCALE = 4

pytestmark = pytest.mark.skipif(
    not (DATA / "bench").is_dir(), reason="needs the reference data, which is not there"
)


def graph_of(checkpoint: str) -> Runner:
    source = find_checkpoint(checkpoint, mirror=str(DATA / "checkpoints"))
    # Read in place: the mirror is a folder.
    content = Path(source.urls[0]).read_bytes()
    return open_graph(
        make_graph(content, source, GraphSpec.of("torchscript", None, None)), optimised=True
    )


def enlarged(run: Runner, image: Any, scale: float) -> Any:
    planes = image.astype(np.float32).transpose(2, 0, 1)[None]
    result = run(planes, np.array([1, 1, scale, scale], np.float32))
    return result[0].transpose(1, 2, 0).clip(0, 255)


def psnr(found: Any, sharp: Any) -> float:
    inner = (slice(SCALE, -SCALE), slice(SCALE, -SCALE))
    error = np.square(found[inner].astype(np.float64) - sharp[inner]).mean()
    return float(10 * np.log10(255**2 / error))


def mean_psnr(run: Runner, dataset: str, finish: Any) -> float:
    folder = DATA / "bench" / dataset / f"image_SRF_{SCALE}"
    figures = []
    for file in sorted(folder.glob("*_LR.png")):
        sharp = cv2.imread(str(file).replace("_LR", "_HR"))
        found = finish(enlarged(run, cv2.imread(str(file)), SCALE)).astype(np.uint8)
        height, width = found.shape[:2]
        figures.append(psnr(found, sharp[:height, :width]))
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


def test_the_tutorials_picture_comes_out_as_its_own_code_makes_it() -> None:
    source = find_checkpoint("tutorial", mirror=str(DATA / "checkpoints"))
    network = Srcnn()
    network.load_state_dict(read_weights(Path(source.urls[0]).read_bytes(), source.name))
    face = cv2.imread(str(DATA / "face" / "000001.png"))
    planes = torch.from_numpy(face.astype(np.float32).transpose(2, 0, 1)[None])
    with torch.no_grad():
        theirs = network(torch.nn.Upsample(scale_factor=3, mode="bicubic")(planes))
    expected = theirs[0].numpy().transpose(1, 2, 0).clip(0, 255).astype(np.uint8)
    found = enlarged(graph_of("tutorial"), face, 3).astype(np.uint8)
    difference = np.abs(found.astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.0002
