"""The JPEG quality of a source: read from its file, or given by the user.

It chooses the weights of a model that follows it. A number from 1 to 100, as libjpeg counts; 100
stands for a source without loss ("clean").
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from srcnn.errors import UsageError
from srcnn.graphs.graph_format import CLEAN, round_quality

QUALITY_HELP = "auto, clean, or a JPEG quality from 1 to 100"
# For JSON schemas too, which are validated before our code runs.
# 25 decimals are enough for every float from 1 to 100 as Python prints it.
QUALITY_PATTERN = r"^\s*(auto|clean|100(\.0{1,25})?|[1-9][0-9]?(\.[0-9]{1,25})?)\s*$"
_MOST_SHOWN = 60  # characters of an invalid quality in an error message


@dataclass(frozen=True)
class SourceQuality:
    """Where the quality of a source comes from.

    Attributes:
        given: by the user, 1 to 100; None to read it from the file.
    """

    given: float | None = None

    def __str__(self) -> str:
        """Format as text that parses back to this."""
        words = {None: "auto", CLEAN: "clean"}
        return words.get(self.given) or str(self.given).removesuffix(".0")

    def choose(self, found: float) -> float:
        """Return the quality to take.

        Args:
            found: in the file.
        """
        return found if self.given is None else self.given


AUTO = SourceQuality()


def parse_source_quality(text: str) -> SourceQuality:
    """Parse a quality as users write it: `auto`, `clean`, or a number such as `75`.

    Raises:
        UsageError: it is none of these, or not from 1 to 100.
    """
    if not re.match(QUALITY_PATTERN, text, flags=re.ASCII):
        raise UsageError(f"quality {text[:_MOST_SHOWN]!r}: expected {QUALITY_HELP}")
    word = text.strip()
    if word == "auto":
        return AUTO
    return SourceQuality(CLEAN if word == "clean" else float(word))


def is_clean(quality: float) -> bool:
    """Whether a quality has the weights for sources without loss, which is so from 98.75.

    Args:
        quality: of a source, 1 to 100.
    """
    return round_quality(quality) == CLEAN
