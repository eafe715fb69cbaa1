"""The pixels that a network takes and gives: their order, range and rounding, and who enlarges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Convention: TypeAlias = Literal["rgb-unit", "bgr-byte", "rgb-byte", "bgr-unit"]
"""The pixels that a network expects: RGB or BGR, in [0, 1] or in 0..255."""

Rounding: TypeAlias = Literal["nearest", "truncate"]
"""How a network's float output is converted to integers, after clipping."""

WHITE = 255.0


@dataclass(frozen=True)
class StatedPixels:
    """What a user states about a model that does not state it itself.

    Attributes:
        convention: None if nothing was stated.
        rounding: None if nothing was stated.
        enlarge_first: whether the network takes a picture that is enlarged already.
    """

    convention: Convention | None = None
    rounding: Rounding | None = None
    enlarge_first: bool = False


NOTHING_STATED = StatedPixels()


def is_rgb(convention: Convention) -> bool:
    """Whether red comes first."""
    return convention.startswith("rgb")


def find_white(convention: Convention) -> float:
    """Return the value of white: 1 or 255."""
    return 1.0 if convention.endswith("unit") else WHITE
