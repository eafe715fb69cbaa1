"""The upscaler: a picture in, a larger picture out.

Owns the session and decides how a picture goes through it. Knows nothing of
files and formats.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from srcnn.card import Convention
from srcnn.errors import InferenceFailedError, ModelError, UsageError
from srcnn.geometry import Factor, Scale, Size, output_size, resize_factor, to_scale
from srcnn.graphs.describe import describe
from srcnn.graphs.split import BODY_INPUT, split_at_resize
from srcnn.model import Model, load_model
from srcnn.pixels import (
    GREY,
    Pixels,
    Planes,
    check_picture,
    grey_of,
    to_integers,
    to_planes,
    upsample,
)
from srcnn.session import Provider, first_line, make_session
from srcnn.tiles import tiles

DEFAULT_TILE_PX = 512
DEFAULT_FACTOR = Factor(Fraction(2), Fraction(2))


class Upscaler:
    """Upscales pictures with one model; threads may share it.

    Attributes:
        info: what the graph takes and gives.
    """

    def __init__(
        self,
        model: Model,
        *,
        provider: Provider = "auto",
        threads: int = 0,
        tile_px: int = DEFAULT_TILE_PX,
        convention: Convention | None = None,
    ) -> None:
        """Build the session.

        Args:
            model: the ONNX file.
            provider: execution provider.
            threads: threads of one inference; 0 for the cores this process may use.
            tile_px: side of the tiles that large pictures are computed in.
            convention: pixels of a graph that does not say; see `graphs.describe`.

        Raises:
            ModelError: the graph cannot serve; the text says why.
            UsageError: the provider is not there.
        """
        self._tile_px = tile_px
        self._halo_px = 0
        # A graph that runs whole takes hundreds of bytes for each output pixel: one at a time.
        self._whole = threading.Lock()
        self._body = None
        try:
            self._session = make_session(model.content, provider, threads)
            self.info = describe(self._session, convention)
            if self.info.is_split_safe:
                body = split_at_resize(model.content, self.info.image, self.info.factor or "")
                if body:
                    self._halo_px = body.halo_px
                    self._body = make_session(body.model, provider, threads)
        except ModelError as error:
            raise ModelError(f"{model.url}: {error}") from error

    @classmethod
    def load(
        cls,
        url: str | None = None,
        *,
        provider: Provider = "auto",
        threads: int = 0,
        tile_px: int = DEFAULT_TILE_PX,
        convention: Convention | None = None,
    ) -> Upscaler:
        """Load a model and build the upscaler.

        Args:
            url: path or URL of an ONNX file; None for the one that ships with the package.
            provider: execution provider.
            threads: threads of one inference; 0 for the cores this process may use.
            tile_px: side of the tiles that large pictures are computed in.
            convention: pixels of a graph that does not say; see `graphs.describe`.

        Raises:
            SourceMissingError: there is no such file.
            ModelError: it is no image upscaler that we can run.
            UsageError: the provider is not there.
        """
        return cls(
            load_model(url),
            provider=provider,
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
            image: (H, W), (H, W, 3) or (H, W, 4), uint8 or uint16, BGR(A), as cv2 reads it.
            scale: a factor from 1 to 16, (height, width) factors, or the text of a scale or
                target; None for the model's own, or 2.

        Returns:
            The same kind of array, of floor(size x factor).

        Raises:
            UnsupportedImageError: the array is no picture.
            UsageError: the scale is out of bounds, or not the model's.
            UnreachableTargetError: a target is out of reach.
            InferenceFailedError: the model fails, or its values are not finite.
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

        Args:
            image: a picture.
            size: of the result, no smaller than the picture.
            before_tile: called before each tile; ends the picture by raising.
        """
        colour, alpha = to_planes(image)
        result = np.empty((*size, 3), dtype=image.dtype)
        if self._body:
            self._run_tiles(colour, result, before_tile)
        else:
            before_tile()
            self._run_whole(colour, result)
        if image.ndim == GREY:
            return grey_of(result)
        if alpha is None:
            return result
        plane = to_integers(upsample(alpha, size), image.dtype, self.info.rounding)
        return np.dstack([result, plane])

    def _run_tiles(self, colour: Planes, result: Pixels, before_tile: Callable[[], None]) -> None:
        """Upsample the whole, convolve tile by tile into `result`."""
        size = Size(*result.shape[:2])
        upsampled = upsample(colour, size)
        for tile in tiles(size, self._tile_px, self._halo_px):
            before_tile()
            block = np.ascontiguousarray(upsampled[tile.read].transpose(2, 0, 1))[None]
            computed = self._computed(self._body, {BODY_INPUT: block})
            result[tile.write] = self._integers(computed[tile.keep], result.dtype)

    def _run_whole(self, colour: Planes, result: Pixels) -> None:
        """Run the graph as it is."""
        size_in, size_out = Size(*colour.shape[:2]), Size(*result.shape[:2])
        feeds = {self.info.image: self.info.to_graph(colour)}
        if self.info.factor:
            feeds[self.info.factor] = resize_factor(size_in, size_out)
        with self._whole:
            computed = self._computed(self._session, feeds)
        if computed.shape != result.shape:
            raise InferenceFailedError(f"the model gave {computed.shape}, expected {result.shape}")
        result[:] = self._integers(self.info.from_graph(computed), result.dtype)

    def _computed(self, session: Any, feeds: dict[str, npt.NDArray[Any]]) -> Planes:
        """One run, (H, W, 3) as the graph gives it."""
        try:
            (output,) = session.run(None, feeds)
        # The binding's exceptions share no base below Exception.
        except Exception as error:
            raise InferenceFailedError(f"inference failed: {first_line(error)}") from error
        computed: Planes = output[0].transpose(1, 2, 0)
        if not np.isfinite(computed).all():
            raise InferenceFailedError(
                "the model gave values that are not finite; the picture is dropped"
            )
        return computed

    def _integers(self, planes: Planes, depth: np.dtype[Any]) -> Pixels:
        return to_integers(planes, depth, self.info.rounding)
