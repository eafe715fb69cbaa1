"""What an ONNX graph takes and gives, and whether it can serve as the model.

Our own graphs say it in their card; other people's are asked by running them on
two small pictures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from srcnn.errors import ModelError
from srcnn.geometry import Factor, Size, output_size, parse_scale, resize_factor
from srcnn.model.card import Convention, ModelCard, Rounding
from srcnn.runtime.onnx_session import first_line

ELEMENT_TYPES: dict[str, np.dtype[Any]] = {
    "tensor(float)": np.dtype(np.float32),
    "tensor(float16)": np.dtype(np.float16),
    "tensor(uint8)": np.dtype(np.uint8),
}
_IMAGE_RANK = 4
_CHANNELS = 3
_PROBES = (Size(32, 40), Size(40, 24))


@dataclass(frozen=True)
class GraphInfo:
    """How to run a graph.

    Attributes:
        image: name of the input (N, 3, H, W).
        element: its element type: float32, float16 or uint8.
        factor: name of the input (4,) [1, 1, fh, fw]; None where the factor is fixed.
        fixed: the fixed factor; None where it is live.
        output: name of the output (N, 3, H', W').
        output_element: its element type.
        convention: pixels it takes and gives: RGB in [0, 1] or BGR in 0..255.
        convention_is_known: whether the graph or the user said so.
        rounding: how its output becomes integers.
    """

    image: str
    element: np.dtype[Any]
    factor: str | None
    fixed: Factor | None
    output: str
    output_element: np.dtype[Any]
    convention: Convention
    convention_is_known: bool
    rounding: Rounding

    @property
    def is_split_safe(self) -> bool:
        """Whether its parts may run apart: float32 BGR 0..255 in and out, with a live factor."""
        plain = self.element == self.output_element == np.float32
        return bool(self.factor) and plain and self.convention == "bgr-byte"

    def _white(self, element: np.dtype[Any]) -> float:
        return 1.0 if self.convention == "rgb-unit" and element != np.uint8 else 255.0

    def to_graph(self, planes: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        """(H, W, 3) float32 BGR 0..255 to (1, 3, H, W) as the graph takes it."""
        ordered = planes[:, :, ::-1] if self.convention == "rgb-unit" else planes
        block = np.ascontiguousarray(ordered.transpose(2, 0, 1))[None] * (
            self._white(self.element) / 255
        )
        return (np.rint(block) if self.element == np.uint8 else block).astype(self.element)

    def from_graph(self, planes: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """(H, W, 3) as the graph gives it to float32 BGR 0..255."""
        ordered = planes[:, :, ::-1] if self.convention == "rgb-unit" else planes
        return ordered.astype(np.float32) * np.float32(255 / self._white(self.output_element))


def describe(session: Any, convention: Convention | None = None) -> GraphInfo:
    """Find out how to run a graph.

    Args:
        session: an ONNX Runtime session of it.
        convention: what the user says of a graph that has no card. Unsaid, a graph with a
            live factor is taken to be made like ours (BGR 0..255), any other as most
            published upscalers are (RGB in [0, 1]).

    Raises:
        ModelError: it is no image upscaler that we can run; the text says why.
    """
    image, factor = _inputs(session)
    outputs = session.get_outputs()
    if len(outputs) != 1:
        raise ModelError(f"expected one output, got {[value.name for value in outputs]}")
    _refuse_elements(image, outputs[0], convention)
    card = ModelCard.from_metadata(session.get_modelmeta().custom_metadata_map)
    if card and convention:
        raise ModelError(f"it states its own pixels, so that {convention} cannot be said of it")
    info = GraphInfo(
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
    return _probed(session, info, declared if isinstance(declared, Factor) else None)


def _inputs(session: Any) -> tuple[Any, Any | None]:
    """The image input and the factor input, told apart by their ranks."""
    values = session.get_inputs()
    images = [value for value in values if len(value.shape) == _IMAGE_RANK]
    others = [value for value in values if len(value.shape) != _IMAGE_RANK]
    names = [f"{value.name} {value.type} {value.shape}" for value in values]
    if len(images) != 1 or len(others) > 1:
        raise ModelError(f"expected one NCHW image input, and a factor at most; got {names}")
    _refuse_image(images[0])
    if others and not _may_be_factor(others[0]):
        raise ModelError(f"expected a second input (4,) float32 [1, 1, fh, fw]; got {names}")
    return images[0], others[0] if others else None


def _may_be_factor(value: Any) -> bool:
    """Whether it is (4,) float32; a length that is not declared is tried out."""
    declared = [axis for axis in value.shape if isinstance(axis, int)]
    return value.type == "tensor(float)" and len(value.shape) == 1 and declared in ([], [4])


def _refuse_elements(image: Any, output: Any, convention: Convention | None) -> None:
    for value in (image, output):
        if value.type not in ELEMENT_TYPES:
            raise ModelError(
                f"{value.name!r}: expected float32, float16 or uint8, got {value.type}"
            )
    floats = [ELEMENT_TYPES[value.type] != np.uint8 for value in (image, output)]
    if floats == [False, True] and convention is None:
        raise ModelError(
            f"it takes bytes and gives {output.type}: say by --convention whether these are 0..255 "
            "(bgr-byte) or 0..1 (rgb-unit)"
        )


def _refuse_image(value: Any) -> None:
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
            f"input {value.name!r}: takes only pictures of {width}x{height} px; "
            "export the graph again with dynamic axes for height and width"
        )


def _probed(session: Any, info: GraphInfo, declared: Factor | None) -> GraphInfo:
    """Run both probes: read off a fixed factor, or see that the live one is obeyed."""
    if info.factor:
        for size, text in zip(_PROBES, ("2", "3x2.5"), strict=True):
            scale = parse_scale(text)
            expected = output_size(size, scale)
            found = _run_probe(session, info, size, resize_factor(size, expected))
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
        if result != output_size(size, fixed) or min(fixed.height, fixed.width) < 1:
            raise ModelError(
                f"no fixed factor: {_PROBES[0]} became {sizes[0]} px, "
                f"and {_PROBES[1]} became {sizes[1]} px"
            )
    return replace(info, fixed=fixed)


def _run_probe(session: Any, info: GraphInfo, size: Size, factor: Any) -> Size:
    feeds = {info.image: np.zeros((1, _CHANNELS, *size), dtype=info.element)}
    if info.factor:
        feeds[info.factor] = factor
    try:
        (result,) = session.run([info.output], feeds)
    # The binding's exceptions share no base below Exception.
    except Exception as error:
        raise ModelError(f"it fails on a picture of {size} px: {first_line(error)}") from error
    if result.ndim != _IMAGE_RANK or result.shape[:2] != (1, _CHANNELS):
        raise ModelError(f"expected an output (N, 3, H, W), got {result.shape} of {size} px")
    return Size(*result.shape[2:])
