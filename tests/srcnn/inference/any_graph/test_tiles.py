"""Tiles of graphs of any form: equal to the whole run, within a budget, or refused."""

from __future__ import annotations

import logging
import sys
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from skimage import data
from torch import float16, uint8

from srcnn.errors import ImageTooLargeError, UnsupportedImageError
from srcnn.geometry import Size
from srcnn.graphs.free_axes import free_axes
from srcnn.inference.config import InferenceConfig
from srcnn.inference.enlargers import build_enlargers
from srcnn.inference.upscaler import Upscaler
from srcnn.model.model_file import Model
from tests.support.graphs import upscalers
from tests.support.paths import ROOT
from tests.support.run_python import run_python

Array = npt.NDArray[Any]
_LOG = "srcnn.inference.any_graph.measure_graph"


def load(content: bytes, tile_px: int = 32, tiles_bytes: int = 0) -> Upscaler:
    config = InferenceConfig("cpu", threads=2, tile_px=tile_px, tiles_bytes=tiles_bytes)
    return Upscaler.from_model(Model("other.onnx", content, ""), config)


@pytest.fixture(scope="module")
def picture() -> Array:
    coffee = np.ascontiguousarray(data.coffee()[:, :, ::-1])
    return cv2.resize(coffee, (203, 171), interpolation=cv2.INTER_AREA)


def compare(found: Array, whole: Array) -> float:
    return float(np.abs(found - np.clip(whole, 0, 255)).max())


@pytest.mark.parametrize(
    ("make_network", "layout", "form"),
    [
        (upscalers.Plain, "nchw", {}),
        (partial(upscalers.Plain, 4, 9), "nchw", {"free": (2, 3)}),
        (partial(upscalers.Wide, 5), "nchw", {}),
        (partial(upscalers.Wide, 7), "nchw", {}),
        (partial(upscalers.UNet, pads=True), "nchw", {}),
        (
            lambda: upscalers.Channelled(upscalers.Plain()),
            "nhwc",
            {"shape": (1, 64, 64, 3), "free": (1, 2)},
        ),
        (upscalers.Plain, "nchw", {"element": float16}),
        (lambda: upscalers.Bytes(upscalers.Plain()), "nchw", {"element": uint8}),
    ],
    ids=[
        "plain",
        "batch of one",
        "radius of 31",
        "radius of 127",
        "pads to 8",
        "nhwc",
        "float16",
        "uint8",
    ],
)
def test_tiles_equal_the_whole_run(
    picture: Array,
    caplog: pytest.LogCaptureFixture,
    make_network: Any,
    layout: str,
    form: dict[str, Any],
) -> None:
    caplog.set_level(logging.INFO, _LOG)
    content = upscalers.export(make_network(), **form)
    found = load(content)(picture)
    (line,) = caplog.messages
    assert "levels of 255 on a picture of" in line
    assert "blended" not in line
    assert found.std() > 5
    # Half a level of rounding; a value of float16, or of uint8.
    slack = {float16: 0.3, uint8: 1.0}.get(form.get("element"), 0.02)
    assert compare(found, upscalers.run_whole(content, picture, layout)) <= 0.5 + slack


@pytest.mark.parametrize("factor", [2, 3])
def test_floats_go_through_a_graph_as_through_the_engine(picture: Array, factor: int) -> None:
    content = upscalers.export(upscalers.Plain())  # of factor 2; other results are resized
    model, config = Model("other.onnx", content, ""), InferenceConfig("cpu", 2, 32)
    upscaler = Upscaler.from_model(model, config)
    colours = build_enlargers(model, upscaler.info, config).colours
    result = np.empty((171 * factor, 203 * factor, 3), np.float32)
    colours.enlarge(picture.astype(np.float32), result, 100, lambda: None)
    assert np.array_equal(np.rint(np.clip(result, 0, 255)), upscaler(picture, factor))
    assert not np.array_equal(result, np.rint(result))


@pytest.mark.parametrize("depth", [np.float32, np.float64, np.int16])
def test_the_upscaler_takes_pictures_of_8_or_16_bits_alone(picture: Array, depth: type) -> None:
    upscaler = load(upscalers.export(upscalers.Plain()))
    image: Any = picture.astype(depth)
    for upscale in (upscaler, partial(upscaler.upscale, size=Size(342, 406))):
        with pytest.raises(UnsupportedImageError, match="expected uint8 or uint16 pixels, got"):
            upscale(image)


def test_multiples_of_a_size_are_found_and_pictures_continued(picture: Array) -> None:
    content = upscalers.export(upscalers.UNet(3))
    upscaler = load(content)
    assert upscaler.info.sizes.multiple == 8
    found = upscaler(picture)  # 171 x 203
    padded = np.pad(picture, [(0, 5), (0, 5), (0, 0)], mode="symmetric")
    whole = upscalers.run_whole(content, padded)[:171, :203]
    assert compare(found, whole) <= 0.52


def test_a_declared_size_is_no_limit_if_the_nodes_take_others(picture: Array) -> None:
    content = upscalers.export(upscalers.Plain(), free=())
    upscaler = load(content)
    assert upscaler.info.sizes.only is None
    assert compare(upscaler(picture), upscalers.run_whole(free_axes(content)[0], picture)) <= 0.52


@pytest.mark.parametrize("size", [(64, 64), (48, 80)])
def test_a_graph_of_one_size_runs_on_pictures_of_any(picture: Array, size: tuple[int, int]) -> None:
    content = upscalers.export(
        upscalers.OneSize(upscalers.Plain(), size), shape=(1, 3, *size), free=()
    )
    upscaler = load(content)
    assert upscaler.info.sizes.only == size
    inner = upscalers.export(upscalers.Plain())
    assert compare(upscaler(picture), upscalers.run_whole(inner, picture)) <= 0.52
    assert upscaler(picture[:20, :30]).shape == (40, 60, 3)


def test_a_graph_that_sees_the_whole_picture_runs_whole_while_it_fits(
    picture: Array, caplog: pytest.LogCaptureFixture
) -> None:
    content = upscalers.export(upscalers.SqueezeExcite())
    assert compare(load(content)(picture), upscalers.run_whole(content, picture)) <= 0.52
    (record,) = caplog.records
    assert "blended where they overlap" in record.message


def test_otherwise_its_tiles_are_blended(picture: Array) -> None:
    content = upscalers.export(upscalers.SqueezeExcite())
    large = picture.repeat(4, axis=0).repeat(4, axis=1)
    found = load(content, tiles_bytes=40_000_000)(large)
    whole = upscalers.run_whole(content, large)
    assert 0.6 < compare(found, whole) < 4
    # No seam: the difference from the whole never jumps.
    difference = found.astype(np.float32) - np.clip(whole, 0, 255)
    assert np.abs(np.diff(cv2.blur(difference, (9, 9)), axis=0)).max() < 0.3


def test_or_it_is_refused_with_the_reason(picture: Array) -> None:
    content = upscalers.export(upscalers.Normalised())
    upscaler = load(content, tiles_bytes=40_000_000)
    assert compare(upscaler(picture), upscalers.run_whole(content, picture)) <= 0.52
    large = picture.repeat(4, axis=0).repeat(4, axis=1)
    with pytest.raises(ImageTooLargeError, match="depends on the whole picture"):
        upscaler(large)


def test_a_budget_that_has_no_room_for_a_tile_is_refused(picture: Array) -> None:
    upscaler = load(upscalers.export(upscalers.Plain()), tiles_bytes=1_000)
    with pytest.raises(ImageTooLargeError, match=r"a tile of .* takes .*SRCNN_TILES_MEGABYTES"):
        upscaler(picture)


def test_live_factors_of_other_graphs_are_computed_in_tiles(
    picture: Array, make_graph: Any
) -> None:
    upscaler = load(make_graph(factor=None))
    for factor in (3, 2):
        expected = picture.repeat(factor, axis=0).repeat(factor, axis=1)
        assert np.array_equal(upscaler(picture, factor), expected)
    assert upscaler(picture, "width=437").shape[1] == 437


def test_blended_tiles_are_noted(picture: Array) -> None:
    upscaler = load(upscalers.export(upscalers.SqueezeExcite()), tiles_bytes=40_000_000)
    assert upscaler.upscale(picture, Size(342, 406)).notes == ()
    large = picture.repeat(4, axis=0).repeat(4, axis=1)
    (note,) = upscaler.upscale(large, Size(1368, 1624)).notes
    assert note.startswith("tiles blended")


MEASURED = """
import sys
from pathlib import Path
import numpy as np
from srcnn.inference.config import InferenceConfig
from srcnn.inference.enlargers import build_enlargers
from srcnn.inference.upscaler import Upscaler
from srcnn.model.model_file import Model


def read(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024


config = InferenceConfig("cpu", threads=2, tiles_bytes=150_000_000)
content = Path(sys.argv[1]).read_bytes()
upscaler = Upscaler.from_model(Model("other.onnx", content, ""), config)
picture = np.random.default_rng(0).integers(0, 256, (800, 1500, 3), dtype=np.uint8)
before = read("VmRSS")
result = upscaler(picture, sys.argv[2])
print(read("VmHWM") - before - result.nbytes)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's account of the process")
@pytest.mark.parametrize(
    ("network", "scale"),
    [
        ("plain", "1.5"),
        ("blended", "2"),
        pytest.param("plain", "4", marks=pytest.mark.long),
        pytest.param("blended", "1.25", marks=pytest.mark.long),
    ],
)
def test_memory_stays_within_the_budget(tmp_path: Path, network: str, scale: str) -> None:
    """Whole, the first would take 1.5 GB; its result before it is resized has 58 MB."""
    path = tmp_path / "other.onnx"
    made = upscalers.Plain(4, 4, 64) if network == "plain" else upscalers.SqueezeExcite()
    path.write_bytes(upscalers.export(made))
    ended = run_python("-c", MEASURED, path, scale, environment={"PYTHONPATH": str(ROOT)})
    assert ended.returncode == 0, ended.stderr
    assert 10_000_000 < int(ended.stdout) < 165_000_000
