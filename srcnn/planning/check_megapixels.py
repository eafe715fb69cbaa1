"""Refuse images, and results, of more megapixels than the settings allow."""

from __future__ import annotations

from srcnn.errors import ImageTooLargeError
from srcnn.geometry import Size

_MEGA = 1_000_000


def check_input_size(size: Size, limit: float) -> None:
    """Check the size of an image.

    Args:
        size: of the image.
        limit: in megapixels.

    Raises:
        ImageTooLargeError: it has more pixels.
    """
    if size.pixels > limit * _MEGA:
        raise ImageTooLargeError(
            f"the image has {size.pixels / _MEGA:.10g} megapixels, more than the input limit of "
            f"{limit:g}: raise SRCNN_MAX_INPUT_MEGAPIXELS"
        )


def check_output_size(size: Size, limit: float) -> None:
    """Check the size of a result.

    Args:
        size: of the result.
        limit: in megapixels.

    Raises:
        ImageTooLargeError: it would have more pixels.
    """
    if size.pixels > limit * _MEGA:
        raise ImageTooLargeError(
            f"the result would have {size.pixels / _MEGA:.10g} megapixels, more than the output "
            f"limit of {limit:g}: use a smaller scale, or raise SRCNN_MAX_OUTPUT_MEGAPIXELS"
        )
