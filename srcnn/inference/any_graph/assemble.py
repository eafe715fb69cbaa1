"""Assemble the result of a picture from those of its windows."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from srcnn.geometry import Factor, Size
from srcnn.images.pixels import COLOURS
from srcnn.inference.any_graph.picture import Piece
from srcnn.inference.any_graph.windows import Window

Planes: TypeAlias = npt.NDArray[np.float32]
Weights: TypeAlias = npt.NDArray[np.float32]
Call: TypeAlias = Callable[[], None]
Write: TypeAlias = Callable[[slice, slice, Piece], None]
_WRITTEN_ROWS = 64  # at a time, because rounding takes memory


@dataclass(frozen=True)
class Assembly:
    """Where the windows of a picture come from, and where their results go.

    Attributes:
        read: returns pixels of the picture, (h, w, 3) float32 0..255; slices may go beyond it.
        run: enlarges them.
        write: takes a part of the result: its rows, its columns, and a piece that holds it.
        run_calls: runs calls in any order, and returns when all have finished.
        factor: of the graph, such that windows begin at whole pixels of the result.
        reach: rows that `write` needs above and below a part, if the result is blended.
    """

    read: Callable[[slice, slice], Planes]
    run: Callable[[Planes], Planes]
    write: Write
    run_calls: Callable[[Iterable[Call]], None]
    factor: Factor
    reach: int = 0

    def join(self, rows: Sequence[Window], columns: Sequence[Window]) -> None:
        """Put the kept parts side by side."""
        self.run_calls(
            partial(self._keep, row, column) for row, column in itertools.product(rows, columns)
        )

    def _keep(self, row: Window, column: Window) -> None:
        planes = self._enlarge(row, column)
        places = [
            _scale(window.keep_start, window.keep_stop, factor)
            for window, factor in self._pair(row, column)
        ]
        top, left = (int(window.start * factor) for window, factor in self._pair(row, column))
        self.write(places[0], places[1], Piece(planes, top, left))

    def _enlarge(self, row: Window, column: Window) -> Planes:
        return self.run(self.read(slice(row.start, row.stop), slice(column.start, column.stop)))

    def _pair(self, row: Window, column: Window) -> Iterator[tuple[Window, Fraction]]:
        yield row, self.factor.height
        yield column, self.factor.width

    def blend(self, rows: Sequence[Window], columns: Sequence[Window], size: Size) -> None:
        """Mix windows where they overlap, each with less weight towards its border.

        One row of windows is held at a time, because the result may be large.

        Args:
            rows: windows of the vertical axis.
            columns: windows of the horizontal axis.
            size: of the result.
        """
        down = _weigh(rows, self.factor.height, size.height)
        across = _weigh(columns, self.factor.width, size.width)
        strip = _Strip(max(map(len, down.values())), size, self.reach)
        for row, following in zip(rows, [*rows[1:], None], strict=True):
            self.run_calls(
                partial(self._add, strip, (row, down[row]), (column, across[column]))
                for column in columns
            )
            stop = size.height if following is None else int(following.start * self.factor.height)
            strip.flush(stop, self.write)

    def _add(
        self,
        strip: _Strip,
        row: tuple[Window, Weights],
        column: tuple[Window, Weights],
    ) -> None:
        planes = self._enlarge(row[0], column[0])[: len(row[1]), : len(column[1])]
        planes = planes * row[1][:, None, None]
        planes *= column[1][:, None]
        top = int(row[0].start * self.factor.height)
        strip.add(top, int(column[0].start * self.factor.width), planes)


class _Strip:
    """Sums of windows, for the rows of the result that are not complete, or still needed."""

    def __init__(self, height: int, size: Size, reach: int) -> None:
        self._sums = np.zeros((height + 2 * reach, size.width, COLOURS), np.float32)
        self._size = size
        self._reach = reach
        self._top = self._written = 0
        self._lock = threading.Lock()

    def add(self, top: int, left: int, planes: Planes) -> None:
        """Add weighted pixels, at a place in the result."""
        first = top - self._top
        with self._lock:
            self._sums[first : first + len(planes), left : left + planes.shape[1]] += planes

    def flush(self, complete: int, write: Write) -> None:
        """Write rows as far as they and those around them are complete, and forget them."""
        is_last = complete == self._size.height
        stop = complete if is_last else max(complete - self._reach, self._written)
        for top in range(self._written, stop, _WRITTEN_ROWS):
            rows = slice(top, min(top + _WRITTEN_ROWS, stop))
            write(rows, slice(0, self._size.width), self._take(rows))
        self._written = stop
        self._forget(max(stop - self._reach, self._top))

    def _take(self, rows: slice) -> Piece:
        """Return rows, and those around them."""
        top = max(rows.start - self._reach, self._top)
        stop = min(rows.stop + self._reach, self._size.height)
        return Piece(self._sums[top - self._top : stop - self._top], top)

    def _forget(self, top: int) -> None:
        """Forget the rows above."""
        done = top - self._top
        rest = len(self._sums) - done
        self._sums[:rest] = self._sums[done:].copy()
        self._sums[rest:] = 0
        self._top = top


def _scale(start: int, stop: int, factor: Fraction) -> slice:
    return slice(int(start * factor), int(stop * factor))


def _weigh(windows: Sequence[Window], factor: Fraction, length: int) -> dict[Window, Weights]:
    """Return weights for each window along an axis; at each place, they add up to one.

    A window's weights rise over the overlap with one neighbour, and fall with the other.
    """
    sums = np.zeros(length)
    found = {}
    for window in windows:
        start, stop = int(window.start * factor), min(int(window.stop * factor), length)
        places = np.arange(stop - start) + 0.5
        before = 2 * float((window.keep_start - window.start) * factor)
        after = 2 * float((window.stop - window.keep_stop) * factor)
        rise = places / before if before else np.ones(len(places))
        fall = (len(places) - places) / after if after else np.ones(len(places))
        found[window] = np.minimum(np.minimum(rise, fall), 1)
        sums[start:stop] += found[window]
    return {
        window: (weights / sums[start : start + len(weights)]).astype(np.float32)
        for window, weights in found.items()
        for start in [int(window.start * factor)]
    }
