"""The check finds what is wrong with graphs whose weights should follow the quality."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from srcnn.graphs.check import check_graph
from srcnn.graphs.graph_format import QUALITY
from srcnn.graphs.graph_wiring import Wiring
from srcnn.model.card import METADATA_KEY, CheckpointCard, ModelCard
from tests.support.graphs import quality_banks
from tests.support.graphs.quality_banks import FACTORS, LEVELS

CARD = ModelCard(
    name="test",
    checkpoint=CheckpointCard(url="bundled", sha256="0" * 64, convention="rgb-unit"),
    exporter="torchscript",
    opset=13,
    versions={},
    tolerance=0.02,
    anchors=list(FACTORS),
    qualities=list(LEVELS),
)
BANK = quality_banks.export(quality_banks.make_bank(), metadata=CARD.to_metadata())


def list_findings(model: onnx.ModelProto) -> str:
    return "\n".join(map(str, check_graph(model.SerializeToString())))


def read() -> onnx.ModelProto:
    return onnx.load_from_string(BANK)


def find(model: onnx.ModelProto, operator: str, source: str) -> onnx.NodeProto:
    """Find the node that reads a value."""
    (node,) = [
        each for each in model.graph.node if each.op_type == operator and source in each.input
    ]
    return node


def set_card(model: onnx.ModelProto, **changes: Any) -> None:
    del model.metadata_props[:]
    helper.set_model_props(model, CARD.model_copy(update=changes).to_metadata())


def test_a_right_bank_has_no_findings() -> None:
    assert list_findings(read()) == ""


def test_without_a_card_it_has_none_either() -> None:
    model = read()
    del model.metadata_props[:]
    assert list_findings(model) == ""


def remove_default(model: onnx.ModelProto) -> None:
    kept = [each for each in model.graph.initializer if each.name != QUALITY]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)


def set_default(model: onnx.ModelProto, values: Any) -> None:
    remove_default(model)
    model.graph.initializer.append(numpy_helper.from_array(np.asarray(values), QUALITY))


def set_default_75(model: onnx.ModelProto) -> None:
    set_default(model, np.array([75], np.float32))


def set_no_number(model: onnx.ModelProto) -> None:
    set_default(model, np.array([np.nan], np.float32))


def freeze_input(model: onnx.ModelProto) -> None:
    """What an export does with a Python number."""
    kept = [each for each in model.graph.input if each.name != QUALITY]
    del model.graph.input[:]
    model.graph.input.extend(kept)


def declare_integers(model: onnx.ModelProto) -> None:
    value = next(each for each in model.graph.input if each.name == QUALITY)
    value.type.tensor_type.elem_type = onnx.TensorProto.INT64
    set_default(model, np.array([100]))
    cast = helper.make_node("Cast", [QUALITY], ["quality float"], to=onnx.TensorProto.FLOAT)
    find(model, "Div", QUALITY).input[0] = "quality float"
    model.graph.node.insert(0, cast)


def declare_two_axes(model: onnx.ModelProto) -> None:
    value = next(each for each in model.graph.input if each.name == QUALITY)
    value.type.tensor_type.shape.dim.add().dim_value = 1
    set_default(model, np.array([[100]], np.float32))


def cut_off(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.array([75], np.float32), "frozen"))
    find(model, "Div", QUALITY).input[0] = "frozen"


def cut_off_without_a_card(model: onnx.ModelProto) -> None:
    cut_off(model)
    del model.metadata_props[:]


def ignore(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(1, np.float32), "nothing"))
    model.graph.initializer.append(numpy_helper.from_array(np.array([80], np.float32), "always"))
    find(model, "Div", QUALITY).input[0] = "same"
    model.graph.node.insert(0, helper.make_node("Add", ["zero", "always"], ["same"]))
    model.graph.node.insert(0, helper.make_node("Mul", [QUALITY, "nothing"], ["zero"]))


def omit_rounding(model: onnx.ModelProto) -> None:
    step = find(model, "Div", QUALITY).output[0]
    find(model, "Round", step).op_type = "Identity"


def spoil_one_pair(model: onnx.ModelProto) -> None:
    (tensor,) = [each for each in model.graph.initializer if each.name == "network.conv1.weight"]
    rows = numpy_helper.to_array(tensor).copy()
    rows[5, 7] = np.nan
    tensor.CopyFrom(numpy_helper.from_array(rows, tensor.name))


def name_other_qualities(model: onnx.ModelProto) -> None:
    set_card(model, qualities=[30.0, 60.0, 80.0, 90.0, 100.0])


def name_no_qualities(model: onnx.ModelProto) -> None:
    set_card(model, qualities=[])


def spoil_card(model: onnx.ModelProto) -> None:
    text = CARD.to_metadata()[METADATA_KEY].replace("90.0,100.0]", "90.0]")
    del model.metadata_props[:]
    helper.set_model_props(model, {METADATA_KEY: text})


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (remove_default, "signature: quality: expected an initializer of the same name"),
        (set_default_75, "signature: quality: expected the default [100], got [75.0]"),
        (set_no_number, "signature: quality: expected the default [100], got [nan]"),
        (freeze_input, "signature: quality: no such input, the graph has 'input', 'factor': "),
        (declare_integers, "signature: quality: expected FLOAT, got INT64"),
        (declare_two_axes, "signature: quality: expected 1 axis (1,), got 2"),
        (cut_off, "weight: expected to depend on 'quality', because the card lists qualities"),
        (cut_off_without_a_card, "to depend on the input 'quality', but none does"),
        (ignore, "values: quality: the same output at every quality: it is connected, but ignored"),
        (omit_rounding, "quality 33: expected the mix of its anchors within"),
        (spoil_one_pair, "expected finite numbers, got NaN"),
        (name_other_qualities, "quality 75: expected the mix of its anchors within"),
        (name_no_qualities, "because the card lists no qualities, but it uses 'quality'"),
        (spoil_card, "qualities: "),
    ],
)
def test_faults_are_found(spoil: Any, text: str) -> None:
    model = read()
    spoil(model)
    assert text in list_findings(model)


def test_the_default_is_no_constant_and_other_initializers_are() -> None:
    """Graphs of before 2019 list all their initializers as inputs."""
    model = read()
    old = helper.make_tensor_value_info("network.conv2.weight", onnx.TensorProto.FLOAT, [20, 2048])
    model.graph.input.append(old)
    constants = Wiring.read(model.graph).constants
    assert QUALITY not in constants
    assert "network.conv2.weight" in constants
