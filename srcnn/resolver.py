"""The scale of each image: the scales file's, or the default; refused where the model cannot."""

from __future__ import annotations

from srcnn.errors import UsageError
from srcnn.geometry import Scale, Size
from srcnn.inference.upscaler import Upscaler
from srcnn.planning.scales_file import Row, Scales

_MOST_IDLE_TOLD = 10


class Resolver:
    """Gives every image its scale, and remembers which rows did."""

    def __init__(self, scales: Scales | None, default: Scale, upscaler: Upscaler) -> None:
        """Take the rows.

        Args:
            scales: the scales file, or None.
            default: for images that no row matches.
            upscaler: the model, which may have a fixed factor.
        """
        self._scales = scales
        self._default = default
        self._upscaler = upscaler
        self._used: set[Row | None] = set()

    def scale_of_key(self, key: str) -> Scale:
        """The scale of an image.

        Raises:
            UsageError: the model cannot make it; the text names the image.
        """
        row = self._scales.row_for(key) if self._scales else None
        self._used.add(row)
        scale = row.scale if row else self._default
        check_scale(key, scale, self._upscaler)
        return scale

    def idle_rows(self) -> list[str]:
        """A warning for each row that decided nothing: a misspelt path, most often."""
        if self._scales is None:
            return []
        idle = [row for row in self._scales.rows if row not in self._used]
        told = [f"{self._scales.name}:{row.line}: {row.path!r} decides no image" for row in idle]
        more = len(told) - _MOST_IDLE_TOLD
        tail = [f"and {more} more rows of {self._scales.name} decide no image"] if more > 0 else []
        return told[:_MOST_IDLE_TOLD] + tail


def check_scale(key: str, scale: Scale, upscaler: Upscaler, size: Size | None = None) -> None:
    """Refuse a scale that the model cannot make, naming the image.

    Args:
        key: of the image.
        scale: what it is to get.
        upscaler: the model.
        size: of the image, which tells the factor of a target.

    Raises:
        UsageError: the model has another fixed factor.
    """
    try:
        upscaler.check_scale(scale, size)
    except UsageError as error:
        raise UsageError(f"{key}: {error}") from error
