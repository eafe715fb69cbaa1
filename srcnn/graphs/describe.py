"""Find the inputs and outputs of an ONNX graph, and whether it can be used as the model.

Our own graphs describe themselves on their card. Graphs of others are run on small pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from srcnn.errors import ModelError
from srcnn.geometry import Factor, Size, compute_output_size, make_resize_factor
from srcnn.graphs.accepted_sizes import SizeRefusedError, find_sizes
from srcnn.graphs.free_axes import CHANNELS, COLOURS, Layout, find_layout
from srcnn.graphs.graph_format import CLEAN, QUALITY
from srcnn.graphs.graph_interface import GraphInterface
from srcnn.model.card import ModelCard
from srcnn.model.pixel_format import NOTHING_STATED, Convention, StatedPixels
from srcnn.parse_scale import parse_scale
from srcnn.printable_text import shorten
from srcnn.runtime.onnx_session import extract_first_line
from srcnn.runtime.stoppable_run import make_deadline, run_stoppably

ELEMENT_TYPES: dict[str, np.dtype[Any]] = {
    "tensor(float)": np.dtype(np.float32),
    "tensor(float16)": np.dtype(np.float16),
    "tensor(uint8)": np.dtype(np.uint8),
}
_IMAGE_RANK = 4
_MOST_SHOWN = 500  # characters of a graph's names
_UNCHANGED = Factor(Fraction(1), Fraction(1))
_PROBES = (Size(32, 40), Size(40, 24))


def describe(
    session: Any, stated: StatedPixels = NOTHING_STATED, declared: Size | None = None
) -> GraphInterface:
    """Find out how to run a graph.

    Args:
        session: an ONNX Runtime session of the graph, with axes that were freed.
        stated: by the user, about a graph that has no card. Without a convention, a graph with
            a factor input is assumed to be like ours (BGR 0..255), any other graph like most
            published upscalers (RGB in [0, 1]).
        declared: the size that the graph declared; see `free_axes`.

    Raises:
        ModelError: it is not an image upscaler that we can run; the message says why.
    """
    image, factor = _find_inputs(session)
    outputs = session.get_outputs()
    if len(outputs) != 1:
        names = shorten(str([value.name for value in outputs]), _MOST_SHOWN)
        raise ModelError(f"expected one output, got {names}")
    _check_elements(image, outputs[0], stated.convention)
    card = ModelCard.from_metadata(session.get_modelmeta().custom_metadata_map)
    _check_statement(card, stated)
    assumed: Convention = "bgr-byte" if card or factor else "rgb-unit"
    info = GraphInterface(
        image=image.name,
        element=ELEMENT_TYPES[image.type],
        factor=factor.name if factor else None,
        fixed=None,
        output=outputs[0].name,
        output_element=ELEMENT_TYPES[outputs[0].type],
        convention=stated.convention or assumed,
        convention_is_known=bool(card or stated.convention),
        rounding=card.rounding if card else stated.rounding or "nearest",
        layout=find_layout(image.shape),
        channels=1 if _read_channels(image.shape) == 1 else COLOURS,
        quality=QUALITY if _has_quality(session) else None,
    )
    known = parse_scale(card.scale) if card and card.scale else None
    probe = _Probe(session, info)
    found = probe.complete(declared, known if isinstance(known, Factor) else None)
    return replace(found, enlarge_first=_check_enlarge_first(found, stated))


def _find_inputs(session: Any) -> tuple[Any, Any | None]:
    """Find the image input and the factor input, distinguished by their ranks."""
    values = [value for value in session.get_inputs() if not _is_quality(value)]
    images = [value for value in values if len(value.shape) == _IMAGE_RANK]
    others = [value for value in values if len(value.shape) != _IMAGE_RANK]
    listed = str([f"{value.name} {value.type} {value.shape}" for value in values])
    names = shorten(listed, _MOST_SHOWN)
    if len(images) != 1 or len(others) > 1:
        raise ModelError(
            f"expected one NCHW image input, and optionally a factor and a quality; got {names}"
        )
    _check_image(images[0])
    if others and not _may_be_factor(others[0]):
        raise ModelError(
            f"expected a second input (4,) float32 [1, 1, fh, fw], a factor, or a quality (1,); "
            f"got {names}"
        )
    return images[0], others[0] if others else None


def _has_quality(session: Any) -> bool:
    """Whether it takes the quality of the source, which may be left out if it has a default."""
    values = (*session.get_inputs(), *session.get_overridable_initializers())
    return any(_is_quality(value) for value in values)


def _is_quality(value: Any) -> bool:
    return value.name == QUALITY and _may_be_vector(value, 1)


def _may_be_factor(value: Any) -> bool:
    return _may_be_vector(value, 4)


def _may_be_vector(value: Any, length: int) -> bool:
    """Whether it is (length,) float32; if its length is not declared, the probe will show."""
    declared = [axis for axis in value.shape if isinstance(axis, int)]
    return value.type == "tensor(float)" and len(value.shape) == 1 and declared in ([], [length])


def _check_statement(card: ModelCard | None, stated: StatedPixels) -> None:
    for name in ("convention", "rounding"):
        if card and getattr(stated, name):
            raise ModelError(f"its card states the {name} of its pixels: leave --{name} out")


def _check_enlarge_first(info: GraphInterface, stated: StatedPixels) -> bool:
    if stated.enlarge_first and info.fixed != _UNCHANGED:
        factor = f"has the factor {info.fixed}" if info.fixed else "takes the factor as an input"
        raise ModelError(f"it {factor}, so it enlarges by itself: leave --enlarge-first out")
    return stated.enlarge_first


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
            "the output is 0..255 (rgb-byte, bgr-byte) or 0..1 (rgb-unit, bgr-unit)"
        )


def _check_image(value: Any) -> None:
    batch, channels = value.shape[0], _read_channels(value.shape)
    if isinstance(channels, int) and channels not in CHANNELS:
        raise ModelError(
            f"input {value.name!r}: expected three channels, or one for luma, as (N, 3, H, W) or "
            f"(N, H, W, 3), got {value.shape}"
        )
    if isinstance(batch, int) and batch != 1:
        raise ModelError(f"input {value.name!r}: expected a batch of 1 or any, got {value.shape}")


def _read_channels(shape: Sequence[Any]) -> Any:
    return shape[3 if find_layout(shape) == "nhwc" else 1]


class _Probe:
    """Runs a graph on small pictures, to complete what is known of it."""

    def __init__(self, session: Any, info: GraphInterface) -> None:
        self._session = session
        self._info = info
        self._deadline = make_deadline()  # for all sizes together
        self._output_layout: Layout = info.layout

    def complete(self, declared: Size | None, known: Factor | None) -> GraphInterface:
        """Find the fixed factor and sizes, or check that the graph follows its factor."""
        if self._info.factor:
            self._check_live_factor()
            return replace(self._info, output_layout=self._output_layout)
        sizes, fixed = find_sizes(lambda size: self._run(size, None), declared, known)
        return replace(self._info, fixed=fixed, sizes=sizes, output_layout=self._output_layout)

    def _check_live_factor(self) -> None:
        for size, text in zip(_PROBES, ("2", "3x2.5"), strict=True):
            expected = compute_output_size(size, parse_scale(text))
            found = self._run(size, make_resize_factor(size, expected))
            if found != expected:
                raise ModelError(
                    f"factor {text} on {size} px: expected {expected}, got {found}; "
                    "the graph does not follow its factor"
                )

    def _run(self, size: Size, factor: Any) -> Size:
        info = self._info
        count = info.channels
        axes = (count, *size) if info.layout == "nchw" else (*size, count)
        feeds = {info.image: np.zeros((1, *axes), dtype=info.element)}
        if info.factor:
            feeds[info.factor] = factor
        if info.quality:
            feeds[info.quality] = np.array([CLEAN], np.float32)
        try:
            (result,) = run_stoppably(self._session, [info.output], feeds, self._deadline)
        except ModelError as error:
            raise ModelError(f"on a picture of {size} px, {error}") from error
        # The binding's exceptions share no base below Exception.
        except Exception as error:
            raise SizeRefusedError(
                f"it fails on a picture of {size} px: {extract_first_line(error)}"
            ) from error
        return self._read_size(result.shape, size)

    def _read_size(self, shape: tuple[int, ...], size: Size) -> Size:
        is_picture, count = len(shape) == _IMAGE_RANK and shape[0] == 1, self._info.channels
        if is_picture and count in {shape[1], shape[3]}:
            both = shape[1] == shape[3]
            found: Layout = "nchw" if shape[1] == count else "nhwc"
            self._output_layout = self._info.layout if both else found
            return Size(*(shape[2:] if self._output_layout == "nchw" else shape[1:3]))
        raise ModelError(
            f"expected an output (N, {count}, H, W) or (N, H, W, {count}), got {shape} for "
            f"{size} px"
        )
