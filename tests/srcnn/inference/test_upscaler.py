import gc
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from PIL import Image
from skimage import data

import srcnn
from srcnn.geometry import Size, compute_output_size, make_resize_factor
from srcnn.model.model_file import Model, load_model
from srcnn.model.pixel_format import Convention
from srcnn.parse_scale import parse_scale
from tests.support.graphs import banks

MakeGraph = Callable[..., bytes]
SCALES = ["1", "2", "3", "1.3", "2.5", "3.3", "2x3", "1.1x2.7", "5"]


@pytest.fixture(scope="module")
def whole() -> Callable[..., npt.NDArray[np.float32]]:
    """The bundled graph run as it is, on a whole picture: floats, (H, W, 3)."""
    session = onnxruntime.InferenceSession(load_model().content)

    def run(image: npt.NDArray[Any], scale: str) -> npt.NDArray[np.float32]:
        size = Size(*image.shape[:2])
        factor = make_resize_factor(size, compute_output_size(size, parse_scale(scale)))
        block = image.astype(np.float32).transpose(2, 0, 1)[None]
        (result,) = session.run(None, {"input": block, "factor": factor})
        planes: npt.NDArray[np.float32] = result[0].transpose(1, 2, 0)
        return planes

    return run


@pytest.fixture(scope="module")
def upscalers() -> dict[int, srcnn.Upscaler]:
    return {tile: srcnn.Upscaler.load(threads=1, tile_px=tile) for tile in (16, 37, 512)}


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    scale=st.sampled_from(SCALES),
    tile=st.sampled_from([16, 37, 512]),
    seed=st.integers(0, 2**32 - 1),
)
def test_tiles_equal_the_whole_graph(  # noqa: PLR0913, PLR0917 - two are fixtures
    whole: Callable[..., npt.NDArray[np.float32]],
    upscalers: dict[int, srcnn.Upscaler],
    height: int,
    width: int,
    scale: str,
    tile: int,
    seed: int,
) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    expected = whole(image, scale)
    found = upscalers[tile](image, scale)
    assert found.shape == expected.shape
    # Half a level of rounding, and the float32 errors of coordinates and sums.
    assert np.abs(found - np.clip(expected, 0, 255)).max() <= 0.5 + 0.02


@pytest.mark.parametrize(
    ("scale", "size"), [(2.5, (75, 112)), ((2, 3), (60, 135)), ("width=97", (64, 97))]
)
def test_scales_as_python_writes_them(
    photograph: npt.NDArray[np.uint8], scale: Any, size: tuple[int, int]
) -> None:
    assert srcnn.Upscaler.load()(photograph[:30, :45], scale=scale).shape[:2] == size


def test_the_result_is_better_than_bicubic() -> None:
    sharp = data.coffee()[:399, :600, ::-1]
    # Antialiased bicubic (a = -0.5), as for the benchmarks of the field.
    small = np.asarray(Image.fromarray(sharp).resize((200, 133), Image.Resampling.BICUBIC))
    cubic = cv2.resize(small, (600, 399), interpolation=cv2.INTER_CUBIC)
    ours = srcnn.Upscaler.load()(small, scale=3)
    error = [float(np.square(image.astype(float) - sharp).mean()) for image in (ours, cubic)]
    assert error[0] < error[1]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(9, 11), (9, 11, 2), (9, 11, 3), (9, 11, 4)])
def test_kind_of_picture_is_kept(dtype: type, shape: tuple[int, ...]) -> None:
    top = np.iinfo(dtype).max
    image = np.random.default_rng(1).integers(0, top, shape, endpoint=True).astype(dtype)
    big = srcnn.Upscaler.load()(image, 2)
    assert big.dtype == dtype
    assert big.shape == (18, 22, *shape[2:])


def test_sixteen_bits_go_through_floats() -> None:
    ramp = np.linspace(0, 65535, 64).astype(np.uint16)
    image = np.repeat(np.tile(ramp, (16, 1))[:, :, None], 3, axis=2)
    big = srcnn.Upscaler.load()(image, 2)
    assert (big % 257 != 0).mean() > 0.9, "levels of 8 bits, spread"


def test_opaque_and_transparent_pixels_stay_so() -> None:
    image = np.full((8, 8, 4), 200, np.uint8)
    image[:, :, 3] = 255
    image[:, 4:, 3] = 0
    alpha = srcnn.Upscaler.load()(image, 2)[:, :, 3]
    assert (alpha[:, :5] == 255).all()
    assert (alpha[:, -5:] == 0).all()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4, 5), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        None,  # what cv2.imread returns for a missing file
    ],
)
def test_arrays_that_are_not_pictures_are_refused(image: Any) -> None:
    with pytest.raises(srcnn.UnsupportedImageError, match="expected"):
        srcnn.Upscaler.load()(image, 2)


def write(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "other.onnx"
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize("element", [1, 10, 2], ids=["float32", "float16", "uint8"])
@pytest.mark.parametrize("convention", [*get_args(Convention), None])
def test_the_fixed_factor_of_a_foreign_graph_is_found(
    make_graph: MakeGraph, tmp_path: Path, element: int, convention: Any
) -> None:
    url = write(tmp_path, make_graph(factor=3, element=element))
    upscaler = srcnn.Upscaler.load(url, convention=convention)
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    assert str(upscaler.info.fixed) == "3"
    expected = image.repeat(3, axis=0).repeat(3, axis=1)
    assert np.array_equal(upscaler(image), expected)
    assert np.array_equal(upscaler(image, "width=21"), expected)
    assert upscaler(image, 2).shape == (10, 14, 3)


def test_foreign_graphs_take_sixteen_bits(make_graph: MakeGraph, tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 65536, (40, 35, 3)).astype(np.uint16)
    for form in ({"convention": "bgr-byte"}, {"convention": "rgb-unit"}):
        upscaler = srcnn.Upscaler.load(write(tmp_path, make_graph()), **form)
        for picture in (image, image[:, :, 0]):
            big = upscaler(picture)
            assert np.array_equal(big, picture.repeat(2, axis=0).repeat(2, axis=1))


@pytest.mark.parametrize(
    ("rounding", "expected"), [("truncate", 99), ("nearest", 100), (None, 100)]
)
def test_the_rounding_of_a_foreign_graph_may_be_stated(
    make_graph: MakeGraph, tmp_path: Path, rounding: Any, expected: int
) -> None:
    url = write(tmp_path, make_graph(gain=0.999))
    upscaler = srcnn.Upscaler.load(url, convention="bgr-byte", rounding=rounding)
    assert (upscaler(np.full((20, 20, 3), 100, np.uint8)) == expected).all()


def test_the_rounding_of_a_graph_with_a_card_is_known(tmp_path: Path) -> None:
    url = write(tmp_path, load_model().content)
    with pytest.raises(
        srcnn.ModelError, match="states the rounding of its pixels: leave --rounding"
    ):
        srcnn.Upscaler.load(url, rounding="truncate")


def test_opaque_stays_opaque_if_the_model_truncates(tmp_path: Path) -> None:
    model = onnx.load_from_string(load_model().content)
    for item in model.metadata_props:
        item.value = item.value.replace('"nearest"', '"truncate"')
    upscaler = srcnn.Upscaler.load(write(tmp_path, model.SerializeToString()), threads=1)
    assert upscaler.info.rounding == "truncate"
    image = np.full((40, 41, 4), 255, np.uint8)
    assert (upscaler(image, 2.5)[:, :, 3] == 255).all()


def test_the_live_factor_of_a_foreign_graph_is_used(make_graph: MakeGraph, tmp_path: Path) -> None:
    upscaler = srcnn.Upscaler.load(write(tmp_path, make_graph(factor=None)))
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    assert np.array_equal(upscaler(image, (3, 2)), image.repeat(3, axis=0).repeat(2, axis=1))


@pytest.mark.parametrize(
    ("form", "convention"),
    [
        ({"element": TensorProto.FLOAT, "output": TensorProto.UINT8, "gain": 1}, "bgr-byte"),
        ({"element": TensorProto.UINT8, "output": TensorProto.FLOAT}, "bgr-byte"),
        ({"element": TensorProto.UINT8, "output": TensorProto.FLOAT, "gain": 1 / 255}, "rgb-unit"),
        ({"element": TensorProto.FLOAT16, "output": TensorProto.FLOAT}, "rgb-unit"),
    ],
)
def test_pixels_in_and_out_may_be_of_other_types(
    make_graph: MakeGraph, tmp_path: Path, form: dict[str, Any], convention: Any
) -> None:
    upscaler = srcnn.Upscaler.load(write(tmp_path, make_graph(**form)), convention=convention)
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    assert np.array_equal(upscaler(image), image.repeat(2, axis=0).repeat(2, axis=1))


def test_an_ambiguous_convention_must_be_stated(make_graph: MakeGraph, tmp_path: Path) -> None:
    graph = make_graph(element=TensorProto.UINT8, output=TensorProto.FLOAT)
    with pytest.raises(srcnn.ModelError, match="state with --convention"):
        srcnn.Upscaler.load(write(tmp_path, graph))


CUBIC = {"mode": "cubic", "coordinate_transformation_mode": "pytorch_half_pixel"}


@pytest.mark.parametrize("element", [TensorProto.FLOAT, TensorProto.FLOAT16])
@pytest.mark.parametrize("behind", [None, "upsampled", "body"])
def test_graphs_that_cannot_be_split_run_whole(
    tmp_path: Path, element: int, behind: str | None
) -> None:
    """A Resize alone, values with the names of our own graphs, and other types are all valid."""
    axes = ["N", 3, "H", "W"]
    inputs = [
        helper.make_tensor_value_info("image", element, axes),
        helper.make_tensor_value_info("factor", TensorProto.FLOAT, [4]),
    ]
    nodes = [helper.make_node("Resize", ["image", "", "factor"], [behind or "result"], **CUBIC)]
    if behind:
        nodes.append(helper.make_node("Relu", [behind], ["result"]))
    output = helper.make_tensor_value_info("result", element, ["N", 3, "H_out", "W_out"])
    graph = helper.make_graph(nodes, "resize", inputs, [output])
    opset = helper.make_opsetid("", 13)
    content = helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString()
    try:
        onnxruntime.InferenceSession(content)
    except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented:
        pytest.skip("this ONNX Runtime has no cubic Resize of this type")
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    found = srcnn.Upscaler.load(write(tmp_path, content))(image, 2.5)
    cubic = cv2.resize(image.astype(np.float32), (17, 22), interpolation=cv2.INTER_CUBIC)
    assert found.shape == (22, 17, 3)
    assert np.abs(found - np.clip(cubic, 0, 255)).max() < 1


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"channels": 4}, "expected three channels, or one for luma"),
        ({"batch": 4}, "batch of 1"),
        ({"element": TensorProto.INT32}, "expected float32, float16 or uint8"),
    ],
)
def test_graphs_that_cannot_serve_are_refused_with_the_reason(
    make_graph: MakeGraph, tmp_path: Path, form: dict[str, Any], reason: str
) -> None:
    url = write(tmp_path, make_graph(**form))
    with pytest.raises(srcnn.ModelError, match=reason) as caught:
        srcnn.Upscaler.load(url)
    assert url in str(caught.value)


def test_a_file_that_is_not_a_graph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(srcnn.ModelError, match="not an ONNX file"):
        srcnn.Upscaler.load(write(tmp_path, b"no graph"))
    with pytest.raises(srcnn.ModelError, match="empty"):
        srcnn.Upscaler.load(write(tmp_path, b""))
    with pytest.raises(srcnn.SourceMissingError, match="no such file"):
        srcnn.Upscaler.load(str(tmp_path / "missing.onnx"))


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"PK\x03\x04" + bytes(90), "it is a PyTorch checkpoint or another archive; make"),
        (b"\x80\x02}q\x00X\x05", "flows/export.py --checkpoint"),
        (b"\n<!DOCTYPE html><html>", "it is a web page; give the address of the file itself"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ],
)
def test_what_is_often_taken_for_a_graph_is_named(
    tmp_path: Path, content: bytes, advice: str
) -> None:
    with pytest.raises(srcnn.ModelError, match=f"not an ONNX file .*{advice}"):
        srcnn.Upscaler.load(write(tmp_path, content))


def test_a_model_that_does_not_exist_is_searched_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("models").mkdir()
    for name, answer in {
        "bundle": f"bundle: no such file in {tmp_path}; did you mean bundled? (expected bundled, ",
        "models": "models is a folder; expected an ONNX file; it has none",
        "model": f"model: no such file in {tmp_path}; did you mean models? (expected bundled, ",
    }.items():
        with pytest.raises(srcnn.SourceMissingError, match=f"^{re.escape(answer)}"):
            srcnn.Upscaler.load(name)
    Path("models/a.onnx").write_bytes(b"")
    with pytest.raises(srcnn.SourceMissingError, match=r"such as models/a\.onnx$"):
        srcnn.Upscaler.load("models")


def test_values_that_are_not_finite_never_become_a_picture(
    make_graph: MakeGraph, tmp_path: Path
) -> None:
    upscaler = srcnn.Upscaler.load(write(tmp_path, make_graph(gain=float("inf"))))
    with pytest.raises(srcnn.ImageError, match="not finite"):
        upscaler(np.full((4, 4, 3), 9, np.uint8))


def test_the_error_for_a_missing_provider_says_what_to_install() -> None:
    with pytest.raises(srcnn.UsageError, match="install onnxruntime-openvino"):
        srcnn.Upscaler.load(provider="openvino")


def test_a_child_process_upscales_with_its_parents_model() -> None:
    upscaler = srcnn.Upscaler.load(threads=2)
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 4), dtype=np.uint8)
    expected = upscaler(image, 3)
    child = os.fork()
    if not child:  # in the child, which must not return from here
        # Sessions of other tests, freed here, would wait for their parent's threads for ever.
        gc.disable()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)  # as this one would
        os._exit(0 if np.array_equal(upscaler(image, 3), expected) else 1)
    assert os.waitpid(child, 0)[1] == 0


def of_our_form(convention: str, element: type) -> bytes:
    """A cubic, then convolutions: BGR 0..255, or the same network for other pixels.

    Its pixels and weights are of one type; its factor is float32.
    """
    values = banks.weights(3)
    if convention.startswith("rgb"):
        values["w0"] = values["w0"][:, ::-1]
        values["w2"], values["b2"] = values["w2"][::-1], values["b2"][::-1]
    if convention.endswith("unit"):
        values["w0"] = values["w0"] * 255
        values["w2"], values["b2"] = values["w2"] / 255, values["b2"] / 255
    values = {name: np.ascontiguousarray(value, element) for name, value in values.items()}
    model = onnx.load_from_string(banks.graph("", values))
    for value in (model.graph.input[0], model.graph.output[0]):
        value.type.tensor_type.elem_type = helper.np_dtype_to_tensor_dtype(np.dtype(element))
    content: bytes = model.SerializeToString()
    return content


@pytest.mark.parametrize("element", [np.float32, np.float16])
@pytest.mark.parametrize("convention", [*get_args(Convention), None])
def test_a_graph_of_our_form_without_a_card_equals_its_plain_run(
    tmp_path: Path, convention: Any, element: type
) -> None:
    """The engine could run its parts, if its pixels were float32 BGR 0..255."""
    content = of_our_form(convention or "bgr-byte", element)
    image = np.random.default_rng(4).integers(0, 256, (20, 34, 3), dtype=np.uint8)
    order = -1 if convention and convention.startswith("rgb") else 1
    white = 255 if convention and convention.endswith("unit") else 1
    planes = image[:, :, ::order]
    unit = planes.transpose(2, 0, 1)[None].astype(np.float32) / white
    factor = make_resize_factor(Size(20, 34), Size(50, 85))
    session = onnxruntime.InferenceSession(content)
    (plain,) = session.run(None, {"input": unit.astype(element), "factor": factor})
    expected = plain[0].transpose(1, 2, 0).astype(np.float32) * white
    expected = expected[:, :, ::order]
    upscaler = srcnn.Upscaler.load(write(tmp_path, content), convention=convention, threads=1)
    found = upscaler(image, 2.5)
    assert upscaler.info.element == element
    assert found.std() > 10
    if element == np.float16:  # to the value: float16 is coarse, and the engine would use float32
        assert np.array_equal(found, np.rint(np.clip(expected, 0, 255)))
    assert np.abs(found - np.clip(expected, 0, 255)).max() <= 0.5 + 0.02


@pytest.mark.parametrize("quality", [0, 0.9, 100.1, 101, -5, float("nan"), float("inf")])
def test_a_quality_out_of_bounds_is_refused(
    quality: float, photograph: npt.NDArray[np.uint8]
) -> None:
    with pytest.raises(srcnn.UsageError, match=r"quality .*: expected the JPEG .* 1 to 100"):
        srcnn.Upscaler.load()(photograph[:9, :9], 2, quality=quality)


def test_a_model_without_qualities_ignores_them(
    photograph: npt.NDArray[np.uint8],
) -> None:
    upscaler = srcnn.Upscaler.from_model(Model("bank", banks.bank(), "0" * 64))
    assert not upscaler.follows_quality
    image = photograph[:20, :20]
    assert np.array_equal(upscaler(image, 2, quality=30), upscaler(image, 2))
