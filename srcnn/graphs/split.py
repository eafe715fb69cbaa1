"""Split a live-factor graph at its Resize, so that the rest can run on tiles.

A graph that upsamples first and then only convolves can be cut there: the
upsampling is cheap in memory and depends on the factor, the convolutions are
dear and see a few pixels around each output pixel. A graph of any other form is
left whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import onnx

# Operators that compute each pixel from that pixel alone.
_POINTWISE = frozenset({"Relu", "LeakyRelu", "PRelu", "Clip", "Identity", "Sigmoid", "Tanh"})
BODY_INPUT = "upsampled"


@dataclass(frozen=True)
class Body:
    """What follows the upsampling.

    Attributes:
        model: ONNX file content; one input `upsampled` (N, 3, H, W), the graph's output.
        halo_px: pixels that an output pixel sees on each side.
    """

    model: bytes
    halo_px: int


def split_at_resize(model: bytes, image: str, factor: str) -> Body | None:
    """The convolutions behind the upsampling; None where the graph has another form.

    Args:
        model: ONNX file content.
        image: name of the image input.
        factor: name of the factor input.
    """
    proto = onnx.load_from_string(model)
    resizes = [node for node in proto.graph.node if node.op_type == "Resize"]
    if len(resizes) != 1 or not _is_plain_cubic(resizes[0], image, factor):
        return None
    upsampled = resizes[0].output[0]
    nodes = [node for node in proto.graph.node if node is not resizes[0]]
    halo_px = _halo_px(nodes)
    names = {name for node in proto.graph.node for name in (*node.input, *node.output)}
    if not nodes or halo_px is None or _reads(nodes, {image, factor}) or BODY_INPUT in names:
        return None
    return Body(_body_model(proto, nodes, upsampled), halo_px)


def _is_plain_cubic(resize: onnx.NodeProto, image: str, factor: str) -> bool:
    """Whether the node is the cubic that OpenCV computes too: a = -0.75, half pixels."""
    wanted: dict[str, object] = {
        "mode": b"cubic",
        "coordinate_transformation_mode": b"pytorch_half_pixel",
        "cubic_coeff_a": -0.75,
        "exclude_outside": 0,
        "antialias": 0,
    }
    given = {attr.name: onnx.helper.get_attribute_value(attr) for attr in resize.attribute}
    defaults: dict[str, object] = {"cubic_coeff_a": -0.75, "exclude_outside": 0, "antialias": 0}
    found = {name: given.get(name, defaults.get(name)) for name in wanted}
    return found == wanted and resize.input[0] == image and list(resize.input[2:3]) == [factor]


def _reads(nodes: list[onnx.NodeProto], names: set[str]) -> bool:
    return any(names.intersection(node.input) for node in nodes)


def _halo_px(nodes: list[onnx.NodeProto]) -> int | None:
    """How far the nodes see, summed; None if one of them is no same-size neighbourhood."""
    total = 0
    for node in nodes:
        if node.op_type == "Constant" or node.op_type in _POINTWISE:
            continue
        reach = _conv_reach_px(node) if node.op_type == "Conv" else None
        if reach is None:
            return None
        total += reach
    return total


def _conv_reach_px(node: onnx.NodeProto) -> int | None:
    attributes = {attr.name: onnx.helper.get_attribute_value(attr) for attr in node.attribute}
    kernel = list(attributes.get("kernel_shape", ()))
    dilations = list(attributes.get("dilations", [1] * len(kernel)))
    reach = [(size - 1) * step // 2 for size, step in zip(kernel, dilations, strict=True)]
    same_size = list(attributes.get("pads", [0] * 2 * len(kernel))) == reach + reach
    dense = set(attributes.get("strides", [1])) == {1} and all(size % 2 for size in kernel)
    return max(reach) if kernel and same_size and dense else None


def _body_model(proto: onnx.ModelProto, nodes: list[onnx.NodeProto], upsampled: str) -> bytes:
    for node in nodes:
        node.input[:] = [BODY_INPUT if name == upsampled else name for name in node.input]
    entry = onnx.helper.make_tensor_value_info(
        BODY_INPUT, onnx.TensorProto.FLOAT, ["N", 3, "H", "W"]
    )
    leave = onnx.helper.make_tensor_value_info(
        proto.graph.output[0].name, onnx.TensorProto.FLOAT, ["N", 3, "H", "W"]
    )
    graph = onnx.helper.make_graph(
        nodes, "body", [entry], [leave], initializer=list(proto.graph.initializer)
    )
    body = onnx.helper.make_model(
        graph, opset_imports=list(proto.opset_import), ir_version=proto.ir_version
    )
    content: bytes = body.SerializeToString()
    return content
