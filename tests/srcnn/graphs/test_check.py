"""The check finds what is wrong with graphs that have one fault each."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch.nn.functional import interpolate

from srcnn.errors import GraphCheckError
from srcnn.export.srcnn_network import Srcnn
from srcnn.graphs.check import check_graph
from srcnn.graphs.findings import raise_findings
from srcnn.graphs.graph_format import INPUT_AXES, OUTPUT_AXES, RESIZE
from srcnn.model.card import METADATA_KEY, CheckpointCard, ModelCard

if TYPE_CHECKING:
    from pathlib import Path

FLOAT = TensorProto.FLOAT
IMAGE = helper.make_tensor_value_info("input", FLOAT, INPUT_AXES)
FACTOR = helper.make_tensor_value_info("factor", FLOAT, [4])
OUTPUT = helper.make_tensor_value_info("output", FLOAT, OUTPUT_AXES)
EMPTY = numpy_helper.from_array(np.zeros(0, np.float32), "roi")


def resize(scales: str = "factor", output: str = "output", **changes: Any) -> onnx.NodeProto:
    attributes = {name: value for name, value in (RESIZE | changes).items() if value is not None}
    return helper.make_node("Resize", ["input", "roi", scales], [output], "up", **attributes)


def constant(name: str, values: Any, dtype: Any = np.float32) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [output], **attributes)


def graph(
    *nodes: onnx.NodeProto,
    inputs: tuple[onnx.ValueInfoProto, ...] = (IMAGE, FACTOR),
    outputs: tuple[onnx.ValueInfoProto, ...] = (OUTPUT,),
    constants: tuple[onnx.TensorProto, ...] = (),
    metadata: dict[str, str] | None = None,
    **extra: Any,
) -> bytes:
    proto = helper.make_graph(nodes or [resize()], "g", inputs, outputs, [EMPTY, *constants])
    imports = [helper.make_opsetid("", 13), helper.make_opsetid("local", 1)]
    model = helper.make_model(proto, opset_imports=imports, ir_version=8, **extra)
    helper.set_model_props(model, metadata or {})
    return model.SerializeToString()


def list_findings(content: bytes) -> str:
    return "\n".join(map(str, check_graph(content)))


def card(scale: str | None, anchors: tuple[float, ...] = ()) -> dict[str, str]:
    checkpoint = CheckpointCard(url="bundled", sha256="0" * 64, convention="rgb-unit")
    return ModelCard(
        name="test",
        checkpoint=checkpoint,
        exporter="torchscript",
        opset=13,
        versions={},
        scale=scale,
        tolerance=0.02,
        anchors=list(anchors),
    ).to_metadata()


def test_a_right_graph_has_no_findings() -> None:
    assert check_graph(graph()) == []


def through_if() -> bytes:
    """Both branches of an If read the factor from around them."""
    branch = helper.make_graph(
        [node("Identity", ["factor"], "inner")],
        "branch",
        [],
        [helper.make_tensor_value_info("inner", FLOAT, [4])],
    )
    chosen = node("If", ["yes"], "scales", then_branch=branch, else_branch=branch)
    return graph(chosen, resize("scales"), constants=(constant("yes", 1, bool),))


def through_function() -> bytes:
    """Resize sits in a function of the model."""
    body = helper.make_function(
        "local",
        "Upsample",
        ["input", "roi", "factor"],
        ["output"],
        [resize()],
        [helper.make_opsetid("", 13)],
    )
    call = helper.make_node("Upsample", ["input", "roi", "factor"], ["output"], domain="local")
    return graph(call, functions=[body])


@pytest.mark.parametrize("make", [through_if, through_function])
def test_the_factor_is_followed_into_subgraphs_and_functions(make: Any) -> None:
    assert list_findings(make()) == ""


class Frozen(torch.nn.Module):
    """The tutorial's step in between: the factor becomes a Python number."""

    def __init__(self) -> None:
        super().__init__()
        self.network = Srcnn()

    def forward(self, image: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        scale = factor.item()
        enlarged: torch.Tensor = self.network(
            interpolate(image, scale_factor=scale, mode="bicubic", align_corners=False)
        )
        return enlarged


def frozen(**options: Any) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        # The warning that the tutorial gets too, and the deprecation of the exporter.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            Frozen(),
            (torch.zeros(1, 3, 32, 32), torch.tensor(3)),
            file,  # type: ignore[arg-type] # this exporter writes to file objects too
            dynamo=False,
            opset_version=11,
            input_names=["input", "factor"],
            output_names=["output"],
            **options,
        )
    return file.getvalue()


@pytest.mark.parametrize("axes", [{}, {"input": {0: "N", 2: "H", 3: "W"}}])
def test_the_frozen_graph_of_the_tutorial_is_found(axes: dict[str, Any]) -> None:
    content = frozen(dynamic_axes=axes)
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    text = list_findings(content)
    assert "signature: factor: no such input, the graph has 'input'" in text
    assert "frozen" in text
    assert "Resize.scales is the constant [1, 1, 3, 3]" in text
    assert ("axis 2 (H): expected dynamic, got 32" in text) == (not axes)


def test_a_fixed_factor_is_right_where_the_card_says_so() -> None:
    scales = constant("scales", [1, 1, 2, 3])
    parts = {"inputs": (IMAGE,), "constants": (scales,)}
    assert list_findings(graph(resize("scales"), metadata=card("2x3"), **parts)) == ""
    assert "frozen" in list_findings(graph(resize("scales"), metadata=card(None), **parts))
    assert "expected scales [1, 1, 3, 3] for the card's scale 3" in list_findings(
        graph(resize("scales"), metadata=card("3"), **parts)
    )


ONES = constant("ones", [1, 1, 3, 3])
ZEROS = constant("zeros", [0, 0, 0, 0])
WRONG = {
    "ignored": (
        graph(
            node("Mul", ["factor", "zeros"], "nothing"),
            node("Add", ["nothing", "ones"], "scales"),
            resize("scales"),
            constants=(ZEROS, ONES),
        ),
        "shapes: 1 x 1 px (height x width), factor 1: expected (1, 3, 1, 1), got (1, 3, 3, 3)",
    ),
    "clipped": (
        graph(
            node("Clip", ["factor", "", "top"], "scales"),
            resize("scales"),
            constants=(constant("top", 8),),
        ),
        "factor 2.57x16: expected (1, 3, 2, 16), got (1, 3, 2, 8)",
    ),
    "rounded": (
        graph(
            node("Mul", ["factor", "ten"], "tenfold"),
            node("Round", ["tenfold"], "whole"),
            node("Div", ["whole", "ten"], "scales"),
            resize("scales"),
            constants=(constant("ten", 10),),
        ),
        "factor 2.57x16: expected (1, 3, 102, 64), got (1, 3, 104, 64)",
    ),
    "axes swapped": (
        graph(
            node("Gather", ["factor", "order"], "scales"),
            resize("scales"),
            constants=(constant("order", [0, 1, 3, 2], np.int64),),
        ),
        "factor 2x3: expected (1, 3, 2, 3), got (1, 3, 3, 2)",
    ),
    "unused": (
        graph(resize("ones"), constants=(ONES,)),
        "node up: expected scales fed by the input 'factor', but Resize.scales is the constant",
    ),
    "another coefficient": (
        graph(resize(cubic_coeff_a=-0.5)),
        "resize: node up: cubic_coeff_a: expected -0.75, got -0.5",
    ),
    "linear": (graph(resize(mode="linear")), "mode: expected 'cubic', got 'linear'"),
    "half_pixel by default": (
        graph(resize(coordinate_transformation_mode=None)),
        "expected 'pytorch_half_pixel', got 'half_pixel', the default",
    ),
    "no resize": (
        graph(node("Identity", ["input"], "output")),
        "resize: graph: no Resize node",
    ),
    "static height": (
        graph(inputs=(helper.make_tensor_value_info("input", FLOAT, ["N", 3, 256, "W"]), FACTOR)),
        "signature: input, axis 2 (H): expected dynamic, got 256",
    ),
    "static batch": (
        graph(inputs=(helper.make_tensor_value_info("input", FLOAT, [1, 3, "H", "W"]), FACTOR)),
        "signature: input, axis 0 (N): expected dynamic, got 1",
    ),
    "one channel": (
        graph(inputs=(helper.make_tensor_value_info("input", FLOAT, ["N", 1, "H", "W"]), FACTOR)),
        "signature: input, axis 1: expected 3, got 1",
    ),
    "another input": (
        graph(inputs=(IMAGE, FACTOR, helper.make_tensor_value_info("noise", FLOAT, [1]))),
        "signature: noise: unexpected input",
    ),
    "two outputs": (
        graph(
            resize(),
            node("Identity", ["output"], "copy"),
            outputs=(OUTPUT, helper.make_tensor_value_info("copy", FLOAT, OUTPUT_AXES)),
        ),
        "expected one output of this name, got ['output', 'copy']",
    ),
    "not a number": (
        graph(
            resize(output="up"),
            node("Mul", ["up", "zero"], "none"),
            node("Div", ["none", "none"], "output"),
            constants=(constant("zero", 0),),
        ),
        "values: 1 x 1 px (height x width), factor 1: expected finite numbers",
    ),
    "images of a batch mixed": (
        graph(
            resize(output="up"),
            node("ReduceMean", ["up"], "mean", axes=[0], keepdims=1),
            node("Sub", ["up", "mean"], "output"),
        ),
        "a batch of 2 differs from two runs",
    ),
    "a card that cannot be read": (graph(metadata={METADATA_KEY: "?"}), "cannot be read"),
    "a card with a target": (graph(metadata=card("width=9")), "'width=9' is not a factor"),
    "invalid": (graph(node("Nonsense", ["input"], "output")), "onnx.checker rejects it"),
    "garbage": (b"garbage", "not an ONNX file (7 bytes)"),
    "nothing": (b"", "not an ONNX file (0 bytes)"),
    "cut": (graph()[:-20], "file: graph: "),
}


@pytest.mark.parametrize("name", WRONG)
def test_faults_are_found(name: str) -> None:
    content, text = WRONG[name]
    assert text in list_findings(content)


def test_weights_outside_the_file_are_refused(tmp_path: Path) -> None:
    weights = constant("ones", np.ones(1000))
    model = onnx.load_from_string(graph(resize(), constants=(weights,)))
    onnx.save(model, tmp_path / "a.onnx", save_as_external_data=True, location="a.data")
    assert "some weights are in a.data" in list_findings((tmp_path / "a.onnx").read_bytes())


def test_all_findings_are_collected_and_many_of_one_kind_are_counted() -> None:
    content = graph(resize("ones", cubic_coeff_a=-0.5, mode="linear"), constants=(ONES,))
    findings = check_graph(content)
    assert [finding.step for finding in findings] == ["resize"] * 3 + ["shapes"] * 5
    assert findings[-1].text == "40 more like these"
    with pytest.raises(GraphCheckError) as caught:
        raise_findings("a.onnx", findings)
    assert str(caught.value).splitlines() == [
        "a.onnx failed its check, 8 findings:",
        *map(str, findings),
    ]


ANCHORS = (1.0, 2.0, 4.0)
MIXED = [
    node("Gather", ["factor", "axes"], "inner"),
    node("ReduceMean", ["inner"], "mean", axes=[0]),
    node("Mul", ["mean", "sixteen"], "larger"),
    node("Round", ["larger"], "whole"),
    node("Div", ["whole", "sixteen"], "nearest"),
    node("Sub", ["nearest", "starts"], "beyond"),
    node("Div", ["beyond", "widths"], "straight"),
    node("Clip", ["straight", "none", "all"], "ramps"),
    node("Concat", ["one", "ramps"], "before", axis=0),
    node("Concat", ["ramps", "zero"], "after", axis=0),
    node("Sub", ["before", "after"], "hats"),
    node("MatMul", ["hats", "weights"], "row"),
    node("Reshape", ["row", "shape"], "weight"),
    node("MatMul", ["hats", "biases"], "bias"),
    resize(output="larger image"),
    node("Conv", ["larger image", "weight", "bias"], "output"),
]
NUMBERS = {
    "axes": np.array([2, 3]),
    "sixteen": np.array(16, np.float32),
    "starts": np.float32(ANCHORS[:-1]),
    "widths": np.float32(np.diff(ANCHORS)),
    "none": np.array(0, np.float32),
    "all": np.array(1, np.float32),
    "one": np.ones(1, np.float32),
    "zero": np.zeros(1, np.float32),
    "weights": np.random.default_rng(0).normal(size=(3, 9)).astype(np.float32),
    "biases": np.random.default_rng(1).normal(size=(3, 3)).astype(np.float32),
    "shape": np.array([3, 3, 1, 1]),
    "constant weight": np.ones((3, 3, 1, 1), np.float32),
    "constant bias": np.ones(3, np.float32),
}
NOT_A_NUMBER = NUMBERS["weights"].copy()
NOT_A_NUMBER[2, 4] = np.nan


def bank(
    swap: dict[str, list[onnx.NodeProto]] | None = None,
    numbers: dict[str, Any] | None = None,
    metadata: dict[str, str] | None = None,
) -> bytes:
    """A bank of one small convolution.

    Args:
        swap: nodes to compute a value instead of the usual ones, by the value's name.
        numbers: other constants, by name.
        metadata: instead of a correct card.
    """
    nodes = [new for old in MIXED for new in (swap or {}).get(old.output[0], [old])]
    values = NUMBERS | (numbers or {})
    constants = tuple(numpy_helper.from_array(values[name], name) for name in values)
    card_of_it = card(None, ANCHORS) if metadata is None else metadata
    return graph(*nodes, constants=constants, metadata=card_of_it)


def instead(kind: str, inputs: list[str], output: str) -> dict[str, list[onnx.NodeProto]]:
    return {output: [node(kind, inputs, output)]}


def test_a_right_bank_has_no_findings() -> None:
    assert list_findings(bank()) == ""


def test_without_a_card_nothing_is_promised_of_weights() -> None:
    assert list_findings(bank(instead("Identity", ["straight"], "ramps"), metadata={})) == ""


WRONG_BANKS = {
    "weights frozen": (
        bank(instead("Identity", ["constant weight"], "weight")),
        "weights: node output, weight: expected to depend on 'factor', because the card lists",
    ),
    "bias frozen": (
        bank(instead("Identity", ["constant bias"], "bias")),
        "weights: node output, bias: expected to depend on 'factor', because the card lists",
    ),
    "no convolution": (
        bank(instead("Identity", ["larger image"], "output")),
        "weights: graph: no Conv node, but its card lists anchors",
    ),
    "made from the image too": (
        bank(
            {
                "bias": [
                    node("ReduceMean", ["input"], "level", axes=[0, 1, 2, 3], keepdims=0),
                    node("Mul", ["level", "none"], "nothing"),
                    node("MatMul", ["hats", "biases"], "plain"),
                    node("Add", ["plain", "nothing"], "bias"),
                ]
            }
        ),
        "weights: node output, bias: expected to depend on 'factor' alone, but it also",
    ),
    "factor ignored": (
        bank(instead("Mul", ["mean", "none"], "larger")),
        "weights: graph: the same weights at every factor: 'factor' is connected to them, but",
    ),
    "height alone": (
        bank(numbers={"axes": np.array([2])}),
        "weights: weight, factor 2x3: expected the mix of its anchors within",
    ),
    "not rounded": (
        bank(instead("Identity", ["larger"], "whole")),
        "weights: weight, factor 1.3: expected the mix of its anchors",
    ),
    "not clipped": (
        bank(instead("Identity", ["straight"], "ramps")),
        "weights: weight, factor 2.57x16: expected the mix of its anchors",
    ),
    "other anchors than its card's": (
        bank(metadata=card(None, (1, 3, 4))),
        "weights: weight, factor 2: expected the mix of its anchors",
    ),
    "one weight of one anchor not a number": (
        bank(numbers={"weights": NOT_A_NUMBER}),
        "values: 1 x 1 px (height x width), factor 1: expected finite numbers",
    ),
    "live weights without anchors": (
        bank(metadata=card(None)),
        "weights: node output, weight: expected a constant, because the card lists no anchors",
    ),
}


@pytest.mark.parametrize("name", WRONG_BANKS)
def test_faults_of_banks_are_found(name: str) -> None:
    content, text = WRONG_BANKS[name]
    assert text in list_findings(content)


def test_a_layer_that_is_the_same_at_all_anchors_is_right() -> None:
    assert list_findings(bank(numbers={"biases": np.zeros((3, 3), np.float32)})) == ""


def test_a_card_with_anchors_out_of_order_is_rejected() -> None:
    metadata = card(None, ANCHORS)
    metadata[METADATA_KEY] = metadata[METADATA_KEY].replace("1.0,2.0,4.0", "1.0,4.0,2.0")
    assert "anchors: " in list_findings(bank(metadata=metadata))
