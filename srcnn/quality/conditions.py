"""The conditions that quality is measured under: the factor, and the source's JPEG quality."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from srcnn.graphs.graph_format import CLEAN

_TEXT = re.compile(r"x?([0-9.]+)(?: q([0-9.]+))?")


@dataclass(frozen=True, order=True)
class Condition:
    """How a source was made from its original.

    Attributes:
        factor: by which it was shrunk; 1 if it was not.
        quality: of its JPEG, 1 to 100 as libjpeg counts; 100 for a source without loss.
    """

    factor: float
    quality: float = CLEAN

    @property
    def is_clean(self) -> bool:
        """Whether the source is without loss."""
        return self.quality >= CLEAN

    @property
    def text(self) -> str:
        """A short name: `x2`, or `x2 q75`."""
        return f"x{self.factor:g}" if self.is_clean else f"x{self.factor:g} q{self.quality:g}"

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Parse a short name, or a factor without its `x`.

        Raises:
            ValueError: it is neither.
        """
        match = _TEXT.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r}: expected a condition such as x2, or x2 q75")
        return cls(float(match[1]), float(match[2] or CLEAN))


def name_qualities(qualities: Sequence[float]) -> str:
    """Write qualities as options do: `75,90,clean`."""
    return ",".join(name_quality(quality).removeprefix("q") for quality in qualities)


def name_quality(quality: float) -> str:
    """Name a quality in messages and captions: `q75`, or `clean`."""
    return "clean" if quality >= CLEAN else f"q{quality:g}"
