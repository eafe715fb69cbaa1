"""The upscaler: takes a picture and returns a larger picture.

It loads the model and enlarges colours and alpha. Independent of files and formats.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from srcnn.errors import UsageError
from srcnn.geometry import Factor, Scale, Size, output_size, to_scale
from srcnn.images.alpha import bleed
from srcnn.images.pixels import Pixels, check_picture, split_alpha
from srcnn.inference.engine.bfloat16 import FAST_FROM
from srcnn.inference.enlargers import EngineOptions, build_enlargers
from srcnn.inference.output_check import check_result
from srcnn.model.card import Convention
from srcnn.model.model_file import Model, load_model
from srcnn.runtime.cores import usable_cores
from srcnn.runtime.onnx_session import Precision, Provider

DEFAULT_TILE_PX = 192
DEFAULT_FACTOR = Factor(Fraction(2), Fraction(2))


class Upscaler:
    """Upscales pictures with one model; threads may share it.

    Attributes:
        info: inputs and outputs of the model's graph.
    """

    def __init__(  # noqa: PLR0913 - independent options, all by keyword
        self,
        model: Model,
        *,
        provider: Provider = "auto",
        precision: Precision = "exact",
        threads: int = 0,
        tile_px: int = DEFAULT_TILE_PX,
        convention: Convention | None = None,
    ) -> None:
        """Load a model.

        Args:
            model: the ONNX file.
            provider: execution provider.
            precision: `exact` computes in float32, `fast` in bfloat16 from factor 3 on.
            threads: that compute; 0 for as many as the cores that this process may use.
            tile_px: side of the tiles that pictures are computed in.
            convention: of the pixels of a graph that has no card; see `graphs.describe`.

        Raises:
            ModelError: the graph cannot be used; the message says why.
            UsageError: the provider or the precision is not available.
        """
        options = EngineOptions(provider, precision, threads or usable_cores(), tile_px)
        self._enlargers = build_enlargers(model, options, convention)
        self.info = self._enlargers.info

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
        """Read a model file and create the upscaler.

        Args:
            url: path or URL of an ONNX file; None for the file in the package.
            provider: execution provider.
            precision: `exact` computes in float32, `fast` in bfloat16 from factor 3 on.
            threads: that compute; 0 for as many as the cores that this process may use.
            tile_px: side of the tiles that pictures are computed in.
            convention: of the pixels of a graph that has no card; see `graphs.describe`.

        Raises:
            SourceMissingError: the file does not exist.
            ModelError: it is not an image upscaler that we can run.
            UsageError: the provider or the precision is not available.
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
        """The scale if the user gives none: the model's fixed factor, or 2."""
        return self.info.fixed or DEFAULT_FACTOR

    def check_scale(self, scale: Scale, size: Size | None = None) -> None:
        """Check that the model supports a scale.

        Args:
            scale: the requested scale.
            size: of the picture; needed for a target, whose factor depends on it.

        Raises:
            UsageError: the model has a fixed factor, and the scale is another.
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
            scale: a factor from 1 to 16, a pair of factors (height, width), or the text of a
                scale or target; None for the model's fixed factor, or 2.

        Returns:
            An array of the same kind, of floor(size x factor).

        Raises:
            UnsupportedImageError: the array is not a picture.
            UsageError: the scale is out of bounds, or not supported by the model.
            UnreachableTargetError: a target needs a larger factor than 16.
            InferenceFailedError: the model fails, or its result cannot be right.
        """
        check_picture(image)
        size = Size(*image.shape[:2])
        chosen = self.default_scale if scale is None else to_scale(scale)
        self.check_scale(chosen, size)
        return self.to_size(image, output_size(size, chosen))

    def to_size(
        self, image: Pixels, size: Size, raise_if_cancelled: Callable[[], None] = lambda: None
    ) -> Pixels:
        """Upscale one picture to a size; see `__call__`.

        Alpha is enlarged separately, by the cubic alone. Transparent pixels get the colour of
        visible pixels near them, so that no fringe appears.

        Args:
            image: a picture.
            size: of the result, not smaller than the picture.
            raise_if_cancelled: called before each tile; raises to stop.
        """
        result: Pixels = np.empty((*size, *image.shape[2:]), dtype=image.dtype)
        colours, alpha = split_alpha(bleed(image))
        larger_colours, larger_alpha = split_alpha(result)
        factor = min(after / before for before, after in zip(image.shape, size, strict=False))
        fast = self._enlargers.fast_colours if factor >= FAST_FROM else None
        enlarger = fast or self._enlargers.colours
        enlarger.enlarge(colours, larger_colours, raise_if_cancelled)
        check_result(colours, larger_colours)
        if alpha is not None and larger_alpha is not None:
            self._enlargers.alpha.enlarge(alpha, larger_alpha, raise_if_cancelled)
        return result
