"""A range that a value will probably lie in."""

from __future__ import annotations

from typing import NamedTuple


class Interval(NamedTuple):
    """A range that a value will probably lie in."""

    low: float
    high: float

    def shift(self, amount: float) -> Interval:
        """Return the range of the value and a known amount.

        Args:
            amount: in the unit of the value.
        """
        return Interval(self.low + amount, self.high + amount)

    def rounded(self, digits: int) -> list[float]:
        """Return both ends, as reports have them.

        Args:
            digits: after the point.
        """
        return [round(self.low, digits), round(self.high, digits)]
