"""Graphs with weights that depend on the factor, as exporters write them and in unusual forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper, parser

Array = npt.NDArray[Any]
ANCHORS = (1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
SHAPES = ((24, 3, 9, 9), (16, 24, 1, 1), (3, 16, 5, 5))
_CUBIC = 'mode = "cubic", coordinate_transformation_mode = "pytorch_half_pixel"'
# The weights that a graph computes; the others are constants.
_NAMES = ("w0", "b0", "w1", "b1", "w2", "b2")


def weights(seed: int) -> dict[str, Array]:
    """Make random weights that keep values in range from layer to layer, and end around grey."""
    rng = np.random.default_rng(seed)
    made: dict[str, Array] = {}
    for index, shape in enumerate(SHAPES):
        spread = 1 / np.sqrt(np.prod(shape[1:]))
        made[f"w{index}"] = rng.normal(0, spread, shape).astype(np.float32)
        made[f"b{index}"] = rng.normal(0, 10, shape[0]).astype(np.float32)
    made["w2"] /= 4
    made["b2"] += 128
    return made


def graph(
    computing: str, constants: dict[str, Array], inner: Sequence[onnx.NodeProto] = ()
) -> bytes:
    """Make a graph of a cubic and three convolutions.

    Args:
        computing: nodes, in ONNX's text form, that compute those of the weights w0, b0, ... b2
            that are not in `constants`.
        constants: by name.
        inner: nodes that precede those.
    """
    text = f"""
        <ir_version: 8, opset_import: ["" : 17]>
        bank (float[N, 3, H, W] input, float[4] factor) => (float[N, 3, P, Q] output) {{
            {computing}
            large = Resize <{_CUBIC}> (input, , factor)
            v0 = Conv <pads = [4, 4, 4, 4]> (large, w0, b0)
            r0 = Relu (v0)
            v1 = Conv (r0, w1, b1)
            r1 = Relu (v1)
            output = Conv <pads = [2, 2, 2, 2]> (r1, w2, b2)
        }}"""
    model = parser.parse_model(text)
    for place, node in enumerate(inner):
        model.graph.node.insert(place, node)
    for name, value in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    content: bytes = model.SerializeToString()
    return content


def bank(anchors: Sequence[float] = ANCHORS, seed: int = 0) -> bytes:
    """Make a bank: weights at anchors, linear between them, in steps of 1/16 of the factor."""
    sets = [weights(seed + index) for index in range(len(anchors))]
    stacks = {f"{n}s": np.stack([each[n].ravel() for each in sets]) for n in _NAMES}
    points = np.array(anchors, np.float32)
    constants = {
        **stacks,
        **{f"{n}d": np.array(sets[0][n].shape, np.int64) for n in _NAMES},
        "starts": points[:-1],
        "widths": np.diff(points),
        "one": np.ones(1, np.float32),
        "nought": np.zeros(1, np.float32),
        "low": np.array(0, np.float32),
        "high": np.array(1, np.float32),
        "sixteen": np.array(16, np.float32),
        "from": np.array([2], np.int64),
        "to": np.array([4], np.int64),
    }
    hats = """
        both = Slice (factor, from, to)
        mean = ReduceMean <axes = [0], keepdims = 1> (both)
        steps = Mul (mean, sixteen)
        whole = Round (steps)
        f = Div (whole, sixteen)
        past = Sub (f, starts)
        part = Div (past, widths)
        ramps = Clip (part, low, high)
        before = Concat <axis = 0> (one, ramps)
        after = Concat <axis = 0> (ramps, nought)
        hats = Sub (before, after)
    """
    each = [f"{n}f = MatMul (hats, {n}s)\n{n} = Reshape ({n}f, {n}d)" for n in _NAMES]
    return graph(hats + "\n".join(each), constants)


def continuous(seed: int = 0) -> bytes:
    """Weights that depend on both axes separately, by other operators; some are constants."""
    made, other = weights(seed), weights(seed + 1)
    # w0 comes from a hidden layer, w2 mixes two sets, b1 is a sine; the others are constants.
    hidden = np.random.default_rng(seed).normal(0, 0.3, (5, made["w0"].size)).astype(np.float32)
    constants = {
        **{name: made[name] for name in ("b0", "w1", "b2")},
        "a": np.random.default_rng(seed).normal(0, 0.5, (4, 5)).astype(np.float32),
        "c": np.linspace(-1, 1, 5).astype(np.float32),
        "hidden": hidden,
        "base": made["w0"].reshape(1, -1),
        "flat": np.array(SHAPES[0], np.int64),
        "row": np.array([1, 4], np.int64),
        "pair": np.stack([made["w2"], other["w2"]]),
        "axis": np.array(3, np.int64),
        "at": np.array(2, np.int64),
        "alone": np.array([0], np.int64),
        "b1c": made["b1"],
    }
    computing = """
        fs = Reshape (factor, row)
        g = Gemm (fs, a, c)
        t = Tanh (g)
        w0m = MatMul (t, hidden)
        w0s = Mul (w0m, base)
        w0 = Reshape (w0s, flat)
        fh = Gather (factor, at)
        fw = Gather (factor, axis)
        ratio = Div (fh, fw)
        share = Sigmoid (ratio)
        one = Constant <value_float = 1.0> ()
        rest = Sub (one, share)
        u1 = Unsqueeze (share, alone)
        u2 = Unsqueeze (rest, alone)
        mix = Concat <axis = 0> (u1, u2)
        w2 = Einsum <equation = "k,koihw->oihw"> (mix, pair)
        s = Sin (fw)
        b1 = Mul (b1c, s)
    """
    return graph(computing, constants)


def folded_by_none(seed: int = 0) -> bytes:
    """Weights that are computed, but only from constants."""
    made = weights(seed)
    half = made.pop("w1") / 2
    return graph("w1 = Add (half, half)", {**made, "half": half})


def with_fewer_channels(low: float, high: float, seed: int = 0) -> bytes:
    """The first convolution has 16 output channels between two factors, and 24 elsewhere."""
    made = weights(seed)
    constants = {
        **{f"{name}c": made.pop(name) for name in ("w0", "b0", "w1")},
        **made,
        "low": np.array(low, np.float32),
        "high": np.array(high, np.float32),
        "at": np.array(2, np.int64),
        "nought": np.array([0], np.int64),
        "first": np.array([1], np.int64),
        "few": np.array([16], np.int64),
        "many": np.array([24], np.int64),
    }
    computing = """
        fh = Gather (factor, at)
        above = Greater (fh, low)
        below = Less (fh, high)
        within = And (above, below)
        count = Where (within, few, many)
        w0 = Slice (w0c, nought, count, nought)
        b0 = Slice (b0c, nought, count, nought)
        w1 = Slice (w1c, nought, count, first)
    """
    return graph(computing, constants)


def of_the_image(seed: int = 0) -> bytes:
    """The last bias depends on the brightness of the picture."""
    made = weights(seed)
    constants = {**made, "b2c": made["b2"], "usual": np.array(125, np.float32)}
    del constants["b2"]
    computing = """
        bright = ReduceMean <keepdims = 0> (input)
        gain = Div (bright, usual)
        b2 = Mul (b2c, gain)
    """
    return graph(computing, constants)


def of_the_image_inside(seed: int = 0) -> bytes:
    """The same, but only a branch of an If reads the picture."""
    made = weights(seed)
    constants = {**made, "b2c": made["b2"], "two": np.array(2, np.float32)}
    del constants["b2"]
    value = helper.make_tensor_value_info("given", TensorProto.FLOAT, [])
    bright = helper.make_node("ReduceMean", ["input"], ["given"], keepdims=0)
    plain = helper.make_node("Constant", [], ["plain"], value_float=1.0)
    other = helper.make_tensor_value_info("plain", TensorProto.FLOAT, [])
    choice = helper.make_node(
        "If",
        ["is_large"],
        ["gain"],
        then_branch=helper.make_graph([bright], "then", [], [value]),
        else_branch=helper.make_graph([plain], "else", [], [other]),
    )
    largest = helper.make_node("ReduceMax", ["factor"], ["largest"], keepdims=0)
    above = helper.make_node("Greater", ["largest", "two"], ["is_large"])
    return graph("b2 = Mul (b2c, gain)", constants, [largest, above, choice])
