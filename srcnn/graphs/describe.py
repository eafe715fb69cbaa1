"""Find the inputs and outputs of an ONNX graph, and whether it can be used as the model.

Our own graphs describe themselves on their card. Graphs of others are run on two small pictures.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from srcnn.errors import ModelError
from srcnn.geometry import Factor, Size, compute_output_size, make_resize_factor, parse_scale
from srcnn.graphs.graph_interface import GraphInterface
from srcnn.model.card import Convention, ModelCard
from srcnn.runtime.onnx_session import extract_first_line

ELEMENT_TYPES: dict[str, np.dtype[Any]] = {
    "tensor(float)": np.dtype(np.float32),
    "tensor(float16)": np.dtype(np.float16),
    "tensor(uint8)": np.dtype(np.uint8),
}
_IMAGE_RANK = 4
_CHANNELS = 3
_PROBES = (Size(32, 40), Size(40, 24))


def describe(session: Any, convention: Convention | None = None) -> GraphInterface:
    """Find out how to run a graph.

    Args:
        session: an ONNX Runtime session of the graph.
        convention: the user's statement about a graph that has no card. If None, a graph with
            a factor input is assumed to be like ours (BGR 0..255), any other graph like most
            published upscalers (RGB in [0, 1]).

    Raises:
        ModelError: it is not an image upscaler that we can run; the message says why.
    """
    image, factor = _find_inputs(session)
    outputs = session.get_outputs()
    if len(outputs) != 1:
        raise ModelError(f"expected one output, got {[value.name for value in outputs]}")
    _check_elements(image, outputs[0], convention)
    card = ModelCard.from_metadata(session.get_modelmeta().custom_metadata_map)
    if card and convention:
        raise ModelError("its card states the convention of its pixels: leave --convention out")
    info = GraphInterface(
        image=image.name,
        element=ELEMENT_TYPES[image.type],
        factor=factor.name if factor else None,
        fixed=None,
        output=outputs[0].name,
        output_element=ELEMENT_TYPES[outputs[0].type],
        convention="bgr-byte" if card else convention or ("bgr-byte" if factor else "rgb-unit"),
        convention_is_known=bool(card or convention),
        rounding=card.rounding if card else "nearest",
    )
    declared = parse_scale(card.scale) if card and card.scale else None
    return _probe(session, info, declared if isinstance(declared, Factor) else None)


def _find_inputs(session: Any) -> tuple[Any, Any | None]:
    """Find the image input and the factor input, distinguished by their ranks."""
    values = session.get_inputs()
    images = [value for value in values if len(value.shape) == _IMAGE_RANK]
    others = [value for value in values if len(value.shape) != _IMAGE_RANK]
    names = [f"{value.name} {value.type} {value.shape}" for value in values]
    if len(images) != 1 or len(others) > 1:
        raise ModelError(f"expected one NCHW image input, and optionally a factor; got {names}")
    _check_image(images[0])
    if others and not _may_be_factor(others[0]):
        raise ModelError(f"expected a second input (4,) float32 [1, 1, fh, fw]; got {names}")
    return images[0], others[0] if others else None


def _may_be_factor(value: Any) -> bool:
    """Whether it is (4,) float32; if its length is not declared, the probe will show."""
    declared = [axis for axis in value.shape if isinstance(axis, int)]
    return value.type == "tensor(float)" and len(value.shape) == 1 and declared in ([], [4])


def _check_elements(image: Any, output: Any, convention: Convention | None) -> None:
    for value in (image, output):
        if value.type not in ELEMENT_TYPES:
            raise ModelError(
                f"{value.name!r}: expected float32, float16 or uint8, got {value.type}"
            )
    floats = [ELEMENT_TYPES[value.type] != np.uint8 for value in (image, output)]
    if floats == [False, True] and convention is None:
        raise ModelError(
            f"its input is uint8, and its output {output.type}: state with --convention whether "
            "the output is 0..255 (bgr-byte) or 0..1 (rgb-unit)"
        )


def _check_image(value: Any) -> None:
    batch, channels, height, width = value.shape
    if isinstance(channels, int) and channels != _CHANNELS:
        raise ModelError(
            f"input {value.name!r}: expected (N, 3, H, W), got {value.shape}: "
            "only three-channel NCHW graphs are supported"
        )
    if isinstance(batch, int) and batch != 1:
        raise ModelError(f"input {value.name!r}: expected a batch of 1 or any, got {value.shape}")
    if isinstance(height, int) or isinstance(width, int):
        raise ModelError(
            f"input {value.name!r}: accepts only pictures of {width}x{height} px; "
            "export the graph again with dynamic axes for height and width"
        )


def _probe(session: Any, info: GraphInterface, declared: Factor | None) -> GraphInterface:
    """Run on two pictures: find the fixed factor, or check that the graph follows its input."""
    if info.factor:
        for size, text in zip(_PROBES, ("2", "3x2.5"), strict=True):
            scale = parse_scale(text)
            expected = compute_output_size(size, scale)
            found = _run_probe(session, info, size, make_resize_factor(size, expected))
            if found != expected:
                raise ModelError(
                    f"factor {text} on {size} px: expected {expected}, got {found}; "
                    "the graph does not follow its factor"
                )
        return info
    sizes = [_run_probe(session, info, size, None) for size in _PROBES]
    fixed = declared or Factor(
        Fraction(sizes[0].height, _PROBES[0].height), Fraction(sizes[0].width, _PROBES[0].width)
    )
    for size, result in zip(_PROBES, sizes, strict=True):
        if result != compute_output_size(size, fixed) or min(fixed.height, fixed.width) < 1:
            raise ModelError(
                f"it has no fixed factor of 1 or more: {_PROBES[0]} px became {sizes[0]} px, "
                f"and {_PROBES[1]} px became {sizes[1]} px"
            )
    return replace(info, fixed=fixed)


def _run_probe(session: Any, info: GraphInterface, size: Size, factor: Any) -> Size:
    feeds = {info.image: np.zeros((1, _CHANNELS, *size), dtype=info.element)}
    if info.factor:
        feeds[info.factor] = factor
    try:
        (result,) = session.run([info.output], feeds)
    # The binding's exceptions share no base below Exception.
    except Exception as error:
        raise ModelError(
            f"it fails on a picture of {size} px: {extract_first_line(error)}"
        ) from error
    if result.ndim != _IMAGE_RANK or result.shape[:2] != (1, _CHANNELS):
        raise ModelError(f"expected an output (N, 3, H, W), got {result.shape} for {size} px")
    return Size(*result.shape[2:])
