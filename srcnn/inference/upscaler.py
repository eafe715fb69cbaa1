"""The upscaler: takes a picture and returns a larger picture.

It loads the model and enlarges colours and alpha. Independent of files and formats.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from srcnn.errors import ModelError, UsageError
from srcnn.geometry import Scale, Size, compute_output_size
from srcnn.graphs.describe import describe
from srcnn.graphs.free_axes import free_axes
from srcnn.graphs.graph_format import CLEAN, WORST
from srcnn.graphs.graph_interface import GraphInterface
from srcnn.images.alpha import bleed
from srcnn.images.pixels import Pixels, check_picture, split_alpha
from srcnn.inference.config import DEFAULT_TILE_PX, InferenceConfig
from srcnn.inference.enlargers import build_enlargers
from srcnn.inference.output_check import check_result
from srcnn.model.model_file import Model, load_model
from srcnn.model.onnx_file import parse_complete
from srcnn.model.pixel_format import NOTHING_STATED, Convention, Rounding, StatedPixels
from srcnn.parse_scale import to_scale
from srcnn.runtime.onnx_session import Provider, make_session


class Upscaled(NamedTuple):
    """A result.

    Attributes:
        pixels: as an array of the same kind as the picture's.
        notes: for the report, such as that the model has another factor.
    """

    pixels: Pixels
    notes: tuple[str, ...]


class Upscaler:
    """Upscales pictures with one model; threads may share it.

    Attributes:
        info: how to run the model's graph, and its factor if that is fixed.
    """

    def __init__(self, model: Model, info: GraphInterface, config: InferenceConfig) -> None:
        """Build the upscaler of a model that was described before; see `from_model`.

        Args:
            model: the ONNX file.
            info: how to run its graph.
            config: how to compute.

        Raises:
            ModelError: the graph cannot be used; the message says why.
            UsageError: the provider is not available.
        """
        self.info = info
        self._enlargers = build_enlargers(model, info, config)

    @classmethod
    def from_model(
        cls,
        model: Model,
        config: InferenceConfig = InferenceConfig(),  # noqa: B008 - frozen
        stated: StatedPixels = NOTHING_STATED,
    ) -> Upscaler:
        """Describe a model, and build its upscaler.

        Args:
            model: the ONNX file.
            config: how to compute.
            stated: about the pixels of a graph that has no card; see `graphs.describe`.

        Raises:
            ModelError: it is not an image upscaler that we can run.
            UsageError: the provider is not available.
        """
        try:
            parse_complete(model.content)
            content, declared = free_axes(model.content)
            # Not optimised, and with a limit of memory: nobody knows yet what the graph asks for.
            session = make_session(
                content, config.provider, config.thread_count, is_small=True, optimised=False
            )
            info = describe(session, stated, declared)
        except ModelError as error:
            raise ModelError(f"{model.url}: {error}") from error
        return cls(model, info, config)

    @classmethod
    def load(  # noqa: PLR0913 - independent options, all by keyword
        cls,
        url: str | None = None,
        *,
        provider: Provider = "auto",
        threads: int = 0,
        tile_px: int = DEFAULT_TILE_PX,
        convention: Convention | None = None,
        rounding: Rounding | None = None,
        enlarge_first: bool = False,
    ) -> Upscaler:
        """Read a model file, and build its upscaler.

        Args:
            url: path or URL of an ONNX file; None for the file in the package.
            provider: execution provider.
            threads: that compute; 0 for as many as the cores that this process may use.
            tile_px: side of the tiles that pictures are computed in.
            convention: of the pixels of a graph that has no card; see `graphs.describe`.
            rounding: to integers, of the output of such a graph.
            enlarge_first: give such a graph, of factor 1, pictures that the cubic has enlarged.

        Raises:
            SourceMissingError: the file does not exist.
            ModelError: it is not an image upscaler that we can run.
            UsageError: the provider is not available.
        """
        config = InferenceConfig(provider, threads, tile_px)
        stated = StatedPixels(convention, rounding, enlarge_first)
        return cls.from_model(load_model(url), config, stated)

    def __call__(
        self,
        image: npt.NDArray[Any],
        scale: float | str | tuple[float, float] | Scale | None = None,
        quality: float = CLEAN,
    ) -> Pixels:
        """Upscale one picture.

        Args:
            image: (H, W) grey, (H, W, 2) grey and alpha, (H, W, 3) BGR or (H, W, 4) BGRA, as cv2
                reads it; uint8 or uint16.
            scale: a factor from 1 to 16, a pair of factors (height, width), or the text of a
                scale or target; None for the model's fixed factor, or 2. If the model has another
                fixed factor, its result is resized.
            quality: JPEG quality of the file that the image was read from, 1 to 100; 100 for a file
                without loss. Ignored by a model that does not follow it; see `follows_quality`.

        Returns:
            An array of the same kind, of floor(size x factor).

        Raises:
            UnsupportedImageError: the array is not a picture.
            UsageError: the scale or the quality is out of bounds.
            UnreachableTargetError: a target needs a larger factor than 16.
            InferenceFailedError: the model fails, or its result cannot be right.
        """
        check_picture(image)
        size = Size(*image.shape[:2])
        chosen = self.info.default_scale if scale is None else to_scale(scale)
        return self.to_size(image, compute_output_size(size, chosen), quality)

    @property
    def follows_quality(self) -> bool:
        """Whether the model has an input for the quality of the source."""
        return self.info.quality is not None

    @property
    def tiles_bytes(self) -> int:
        """What tiles of all pictures together may take; 0 if it is not worth counting."""
        return self._enlargers.colours.tiles_bytes

    def to_size(
        self,
        image: Pixels,
        size: Size,
        quality: float = CLEAN,
        raise_if_cancelled: Callable[[], None] = lambda: None,
    ) -> Pixels:
        """Upscale one picture to a size; see `upscale`."""
        return self.upscale(image, size, quality, raise_if_cancelled).pixels

    def upscale(
        self,
        image: Pixels,
        size: Size,
        quality: float = CLEAN,
        raise_if_cancelled: Callable[[], None] = lambda: None,
    ) -> Upscaled:
        """Upscale one picture to a size, and say how; see `__call__`.

        Alpha is enlarged separately, by the cubic alone. Transparent pixels get the colour of
        visible pixels near them, so that no fringe appears.

        Args:
            image: a picture.
            size: of the result, not smaller than the picture.
            quality: of the source; see `__call__`.
            raise_if_cancelled: called before each tile; raises to stop.

        Raises:
            UnsupportedImageError: the array is not a picture.
            UsageError: the quality is out of bounds.
            InferenceFailedError: the model fails, or its result cannot be right.
        """
        check_picture(image)
        if not WORST <= quality <= CLEAN:  # written so that NaN is refused
            raise UsageError(
                f"quality {quality:g}: expected the JPEG quality of the source, from {WORST:g} to "
                f"{CLEAN:g}; leave it out for a source without loss"
            )
        result: Pixels = np.empty((*size, *image.shape[2:]), dtype=image.dtype)
        colours, alpha = split_alpha(bleed(image))
        larger_colours, larger_alpha = split_alpha(result)
        notes = self._enlargers.colours.enlarge(
            colours, larger_colours, quality, raise_if_cancelled
        )
        check_result(colours, larger_colours)
        if alpha is not None and larger_alpha is not None:
            self._enlargers.alpha.enlarge(alpha, larger_alpha, CLEAN, raise_if_cancelled)
        return Upscaled(result, notes)
