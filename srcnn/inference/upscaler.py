"""The upscaler: a picture in, a larger picture out.

Owns the model and decides how a picture goes through it. Knows nothing of files and
formats.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from srcnn.errors import ModelError, UsageError
from srcnn.geometry import Factor, Scale, Size, output_size, to_scale
from srcnn.graphs.describe import describe
from srcnn.images.alpha import bleed
from srcnn.images.pixels import Pixels, check_picture, split_alpha
from srcnn.inference.engine.bfloat16 import FAST_FROM, check_fast, load_fast
from srcnn.inference.engine.engine import Engine
from srcnn.inference.engine.network import UPSAMPLING, Networks
from srcnn.inference.engine.network_from_onnx import read_network
from srcnn.inference.engine.tile_pool import Cores
from srcnn.inference.output_check import check_result
from srcnn.inference.untiled import WholeGraph
from srcnn.model.card import Convention, Rounding
from srcnn.model.model_file import Model, load_model
from srcnn.runtime.cores import pool, usable_cores
from srcnn.runtime.onnx_session import Precision, Provider, Run, make_session, runner

DEFAULT_TILE_PX = 192
DEFAULT_FACTOR = Factor(Fraction(2), Fraction(2))
# Tiles of all cores together, values of the largest layers.
_TILES_BYTES = 200 * 2**20
_SMALLEST_TILE_PX = 64


class _Way(Protocol):
    """How colours become larger."""

    def enlarge(
        self,
        image: npt.NDArray[Any],
        result: npt.NDArray[Any],
        before_tile: Callable[[], None],
    ) -> None:
        """Fill `result` (H', W', C) from `image` (H, W, C)."""


class Upscaler:
    """Upscales pictures with one model; threads may share it.

    Attributes:
        info: what the graph takes and gives.
    """

    def __init__(  # noqa: PLR0913 - independent choices, all by keyword
        self,
        model: Model,
        *,
        provider: Provider = "auto",
        precision: Precision = "exact",
        threads: int = 0,
        tile_px: int = DEFAULT_TILE_PX,
        convention: Convention | None = None,
    ) -> None:
        """Build the session.

        Args:
            model: the ONNX file.
            provider: execution provider.
            precision: `exact` computes in float32, `fast` from factor 3 on in bfloat16.
            threads: that compute; 0 for the cores this process may use.
            tile_px: side of the tiles that pictures are computed in.
            convention: pixels of a graph that does not say; see `graphs.describe`.

        Raises:
            ModelError: the graph cannot serve; the text says why.
            UsageError: the provider or the precision is not there.
        """
        self._threads = threads or usable_cores()
        self._tile_px = tile_px
        load = _loader(provider, precision)  # first: it refuses what cannot be had
        try:
            session = make_session(model.content, provider, self._threads)
            self.info = describe(session, convention)
            networks = None
            if self.info.is_split_safe:
                networks = read_network(model.content, self.info.image, self.info.factor or "")
            if networks is None and precision == "fast":
                raise UsageError(
                    f"{model.url}: --precision fast is for a cubic upsampling with convolutions "
                    "behind it; this graph has another form: use --precision exact"
                )
        except ModelError as error:
            raise ModelError(f"{model.url}: {error}") from error
        exact = load if precision == "exact" else _loader(provider, "exact")
        self._colours: _Way = (
            self._engine(networks, exact, self.info.rounding)
            if networks
            else WholeGraph(runner(session), self.info)
        )
        fast = networks if precision == "fast" else None
        self._fast = self._engine(fast, load, self.info.rounding) if fast else None
        # Not as the model rounds: cut off, what the cubic makes of 255 would be 254 here and there.
        self._alpha = self._engine(UPSAMPLING, _loader("cpu", "exact"), "nearest")

    def _engine(
        self, networks: Networks, load: Callable[[bytes], Run], rounding: Rounding
    ) -> Engine:
        """An engine whose tiles stay small, however many threads compute them at a time."""
        pixels = _TILES_BYTES // (networks.bytes_per_pixel * self._threads)
        side = max(min(self._tile_px, math.isqrt(pixels)), _SMALLEST_TILE_PX)
        return Engine(
            networks,
            load,
            Cores(partial(pool, self._threads), self._threads),
            side,
            rounding,
            # OpenVINO's graphs keep the memory of a tile; ONNX Runtime's share theirs.
            held_bytes=side * side * networks.bytes_per_pixel if load is load_fast else 0,
        )

    @classmethod
    def load(  # noqa: PLR0913 - as above
        cls,
        url: str | None = None,
        *,
        provider: Provider = "auto",
        precision: Precision = "exact",
        threads: int = 0,
        tile_px: int = DEFAULT_TILE_PX,
        convention: Convention | None = None,
    ) -> Upscaler:
        """Load a model and build the upscaler.

        Args:
            url: path or URL of an ONNX file; None for the one that ships with the package.
            provider: execution provider.
            precision: `exact` computes in float32, `fast` in bfloat16.
            threads: that compute; 0 for the cores this process may use.
            tile_px: side of the tiles that pictures are computed in.
            convention: pixels of a graph that does not say; see `graphs.describe`.

        Raises:
            SourceMissingError: there is no such file.
            ModelError: it is no image upscaler that we can run.
            UsageError: the provider or the precision is not there.
        """
        return cls(
            load_model(url),
            provider=provider,
            precision=precision,
            threads=threads,
            tile_px=tile_px,
            convention=convention,
        )

    @property
    def default_scale(self) -> Factor:
        """The scale of those who name none: the model's own where it is fixed, else 2."""
        return self.info.fixed or DEFAULT_FACTOR

    def check_scale(self, scale: Scale, size: Size | None = None) -> None:
        """Refuse a scale that the model cannot make.

        Args:
            scale: what is asked for.
            size: of the picture, which tells the factor of a target.

        Raises:
            UsageError: the model has a fixed factor, and this is another.
        """
        fixed = self.info.fixed
        if fixed is None or scale == fixed:
            return
        if size and output_size(size, scale) == output_size(size, fixed):
            return
        if size or isinstance(scale, Factor):
            raise UsageError(f"scale {scale}: the model has the fixed factor {fixed}")

    def __call__(
        self,
        image: npt.NDArray[Any],
        scale: float | str | tuple[float, float] | Scale | None = None,
    ) -> Pixels:
        """Upscale one picture.

        Args:
            image: (H, W) grey, (H, W, 2) grey and alpha, (H, W, 3) BGR or (H, W, 4) BGRA, as cv2
                reads it; uint8 or uint16.
            scale: a factor from 1 to 16, (height, width) factors, or the text of a scale or
                target; None for the model's own, or 2.

        Returns:
            The same kind of array, of floor(size x factor).

        Raises:
            UnsupportedImageError: the array is no picture.
            UsageError: the scale is out of bounds, or not the model's.
            UnreachableTargetError: a target is out of reach.
            InferenceFailedError: the model fails, or its result cannot be right.
        """
        check_picture(image)
        size = Size(*image.shape[:2])
        wanted = self.default_scale if scale is None else to_scale(scale)
        self.check_scale(wanted, size)
        return self.to_size(image, output_size(size, wanted))

    def to_size(
        self, image: Pixels, size: Size, before_tile: Callable[[], None] = lambda: None
    ) -> Pixels:
        """Upscale one picture to a size; see `__call__`.

        Alpha is a plane of its own, enlarged by the cubic alone. What shows no colour takes
        that of what is seen beside it, so that no rim is drawn.

        Args:
            image: a picture.
            size: of the result, no smaller than the picture.
            before_tile: called before each tile; ends the picture by raising.
        """
        result: Pixels = np.empty((*size, *image.shape[2:]), dtype=image.dtype)
        colours, alpha = split_alpha(bleed(image))
        larger_colours, larger_alpha = split_alpha(result)
        factor = min(after / before for before, after in zip(image.shape, size, strict=False))
        way = self._fast if self._fast and factor >= FAST_FROM else self._colours
        way.enlarge(colours, larger_colours, before_tile)
        check_result(colours, larger_colours)
        if alpha is not None and larger_alpha is not None:
            self._alpha.enlarge(alpha, larger_alpha, before_tile)
        return result


def _loader(provider: Provider, precision: Precision) -> Callable[[bytes], Run]:
    """What makes the engine's graphs ready to run.

    Raises:
        UsageError: the provider and the precision do not go together, or cannot be had.
    """
    if precision == "exact":
        return lambda content: runner(make_session(content, provider, is_small=True))
    if provider not in ("auto", "cpu"):
        raise UsageError(
            f"--precision fast computes on the processor, through OpenVINO: leave out "
            f"--provider {provider}, or use --precision exact"
        )
    check_fast()
    return load_fast
