"""How many images of a run may fail before it ends early: a number, or a share of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from srcnn.errors import UsageError

# What the schema of flow parameters holds too, where a server checks nothing else.
FAILURE_LIMIT_PATTERN = r"^([0-9]{1,9}|(100|[0-9]{1,2}(\.[0-9]{1,6})?)%)$"
_WHOLE = 100


@dataclass(frozen=True)
class FailureLimit:
    """The most failures that a run goes on with.

    Attributes:
        text: as people wrote it.
        count: images; None where it is a share.
        share: of the images requested, 0 to 1, exact; None where it is a number.
    """

    text: str
    count: int | None = None
    share: Fraction | None = None

    def __str__(self) -> str:
        """As people wrote it."""
        return self.text

    def allows(self, failed: int, requested: int) -> bool:
        """Whether the run goes on.

        Args:
            failed: images so far.
            requested: images in all.
        """
        if self.share is not None:
            return failed <= self.share * requested
        return self.count is None or failed <= self.count


def parse_failure_limit(text: str) -> FailureLimit:
    """Read `20` (images) or `5%` (of the images requested).

    Raises:
        UsageError: it is neither.
    """
    if not re.fullmatch(FAILURE_LIMIT_PATTERN, text):
        raise UsageError(f"{text!r}: expected a number of images such as 20, or a share such as 5%")
    if text.endswith("%"):
        return FailureLimit(text, share=Fraction(text[:-1]) / _WHOLE)
    return FailureLimit(text, count=int(text))
