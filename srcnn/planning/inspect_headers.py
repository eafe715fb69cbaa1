"""What is to become of images by their headers: sizes, limits, and what cannot be made."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from srcnn.errors import ImageError, ImageTooLargeError, StorageError
from srcnn.geometry import Size, is_large_enough, output_size
from srcnn.images.decoding import read_header
from srcnn.images.formats import check_size, check_writable
from srcnn.inference.upscaler import Upscaler
from srcnn.job import Failure, Outcome, Work
from srcnn.planning.scales_file import check_scale
from srcnn.planning.selection import Selection, Wish
from srcnn.storage.folder import Folder

_HEADER_THREADS = 16
_MEGA = 1_000_000


def look_at(
    src: Folder, todo: Sequence[Wish], selection: Selection, upscaler: Upscaler
) -> list[Work | Outcome]:
    """Read the headers of images that must be made, many at a time.

    Args:
        src: where they are.
        todo: the images.
        selection: limits, and what becomes of those that are large enough.
        upscaler: the model, which may have a fixed factor.

    Raises:
        UsageError: the model cannot make a scale.
        OSError: the source as a whole went out of reach.
    """
    with ThreadPoolExecutor(_HEADER_THREADS) as pool:
        return list(pool.map(lambda wish: _decide(src, wish, selection, upscaler), todo))


def _decide(src: Folder, wish: Wish, selection: Selection, upscaler: Upscaler) -> Work | Outcome:
    try:
        with src.open(wish.source, wish.info) as file:
            size_in = read_header(file).size
        _check_input(size_in, selection.max_input_megapixels)
        if is_large_enough(size_in, wish.scale):
            if selection.when_larger == "skip":  # there is no output, or not of this scale
                return Outcome(wish.source, None, "skipped", (1.0, 1.0), size_in, size_in)
            check_size(wish.output, size_in)
            return Work(
                wish.source, wish.output, str(wish.scale), wish.info, size_in, size_in, copy=True
            )
        check_writable(wish.output)
        size_out = output_size(size_in, wish.scale)
        _check_output(size_out, selection.max_output_megapixels)
        check_size(wish.output, size_out)
    except (ImageError, OSError) as error:
        if isinstance(error, StorageError):
            src.probe()  # this image's failure alone, unless all of the source is out of reach
        return Outcome(wish.source, wish.output, "failed", error=Failure.of(error))
    check_scale(wish.source, wish.scale, upscaler, size_in)
    return Work(wish.source, wish.output, str(wish.scale), wish.info, size_in, size_out)


def _check_input(size: Size, limit: float) -> None:
    if size.pixels > limit * _MEGA:
        raise ImageTooLargeError(
            f"it has {size.pixels / _MEGA:.10g} megapixels, more than the limit of {limit:g} for "
            "images read: raise SRCNN_MAX_INPUT_MEGAPIXELS"
        )


def _check_output(size: Size, limit: float) -> None:
    if size.pixels > limit * _MEGA:
        raise ImageTooLargeError(
            f"the result would have {size.pixels / _MEGA:.10g} megapixels, more than the limit of "
            f"{limit:g} for results: give it a smaller scale, or raise SRCNN_MAX_OUTPUT_MEGAPIXELS"
        )
