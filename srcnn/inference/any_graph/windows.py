"""Cut an axis of a picture into windows: what a graph is given, and what is kept of its result.

A window begins at a multiple of a step, so that strides and attention windows inside the graph lie
as in the whole picture. At the picture's border it ends, and the graph pads as it does for the
whole picture. Elsewhere it has context around what is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Window:
    """A part of an axis, in pixels of the input.

    Attributes:
        start: the first pixel that the graph is given.
        stop: behind the last one; may lie behind the picture, which is continued there.
        keep_start: the first pixel whose result is kept.
        keep_stop: behind the last one.
    """

    start: int
    stop: int
    keep_start: int
    keep_stop: int


@dataclass(frozen=True)
class Cutting:
    """How an axis is cut.

    Attributes:
        side_px: the longest window.
        context_px: around what is kept; a multiple of `step_px`.
        step_px: windows begin at multiples of it.
        is_fixed: whether every window has the longest length.
    """

    side_px: int
    context_px: int
    step_px: int
    is_fixed: bool = False

    def limit(self, side_px: int) -> Cutting:
        """Return how to cut into windows of at most a length, if they can be as short.

        Args:
            side_px: the longest window.
        """
        if self.is_fixed or side_px >= self.side_px:
            return self
        return replace(self, side_px=max(side_px, 4 * self.context_px + self.step_px))

    def widen(self, extra_px: int) -> Cutting:
        """Return how to cut with more context, if the windows have room for it.

        Args:
            extra_px: of context.
        """
        context = self.context_px + -(-extra_px // self.step_px) * self.step_px
        has_room = 2 * context + self.step_px <= self.side_px
        return replace(self, context_px=context) if has_room else self

    def cut(self, length: int) -> list[Window]:
        """Cut an axis; what the windows keep is the axis, once.

        Args:
            length: of the axis in pixels.
        """
        if length <= self.side_px:
            return [Window(0, self.side_px if self.is_fixed else length, 0, length)]
        room = self.side_px - 2 * self.context_px
        longest = max(room // self.step_px, 1) * self.step_px
        # Of equal length, rather than a narrow one at the end.
        return self.split(length, -(-length // -(-length // longest)))

    def split(self, length: int, part: int) -> list[Window]:
        """Cut an axis into windows that keep parts of a length, rounded up to the step.

        Args:
            length: of the axis in pixels.
            part: of what each window keeps.
        """
        rounded = -(-part // self.step_px) * self.step_px
        return [
            self._make_window(start, min(start + rounded, length), length)
            for start in range(0, length, rounded)
        ]

    def _make_window(self, start: int, stop: int, length: int) -> Window:
        first, last = max(start - self.context_px, 0), min(stop + self.context_px, length)
        if not self.is_fixed:
            return Window(first, last, start, stop)
        steps = -(-(length - self.side_px) // self.step_px)  # to where the last window begins
        first = min(first, steps * self.step_px)
        return Window(first, first + self.side_px, start, stop)
