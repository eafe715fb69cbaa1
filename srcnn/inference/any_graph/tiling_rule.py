"""How a graph is computed in tiles: found by running it on small pictures."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from srcnn.geometry import Size
from srcnn.graphs.graph_interface import GraphInterface
from srcnn.inference.any_graph.cut_errors import (
    Planes,
    Run,
    compare_cut,
    find_distance,
    make_picture,
)

_SECONDS = 20.0  # no larger picture is begun once it would take longer than this
_SIDES_PX = (128, 256, 512)
# Strides are powers of two; windows of transformers may have 7 or 12 pixels.
_STEPS = (1, 2, 4, 8, 16, 32, 64, 3, 6, 7, 12, 24, 48)
# A move by a step times one of these shows whether the step itself is an alignment: none of them
# divides another alignment.
_PRIMES = (31, 29, 23, 19, 17, 13, 11, 5)
# In levels of 0..255: the order of float32 sums differs, float16 has 11 bits, and uint8 is rounded.
_EXACT = {np.dtype(np.float32): 0.01, np.dtype(np.float16): 0.25, np.dtype(np.uint8): 1.0}
_CLOSE = 1.0
_NO_CHANGE = 0.01
_OVERLAP_PX = 16


@dataclass(frozen=True)
class TilingRule:
    """How a graph is computed in tiles.

    Attributes:
        step_px: windows begin at multiples of it.
        context_px: that a tile needs around itself; a multiple of `step_px`.
        is_blended: whether tiles differ from the whole picture however much context they have,
            and are blended where they overlap.
    """

    step_px: int
    context_px: int
    is_blended: bool = False


@dataclass(frozen=True)
class _Trial:
    """What moving a window by a step did.

    Attributes:
        step_px: the step.
        exact_px: the distance from the cut from which on results are equal; None if it is large.
        close_px: from which on they are close.
        far_error: the mean difference far from the cut, in levels.
    """

    step_px: int
    exact_px: int | None
    close_px: int | None
    far_error: float


class TilingStudy:
    """Runs a graph on small pictures, to find how it is computed in tiles."""

    def __init__(self, run: Run, info: GraphInterface, largest_pixels: int) -> None:
        """Prepare.

        Args:
            run: runs the graph, on pictures of sizes that it takes.
            info: how it is run, with a fixed factor.
            largest_pixels: of a picture that the memory has room for.
        """
        self._run = run
        self._sizes = info.sizes
        self._factor = factor = info.default_scale
        self._exact = _EXACT[info.output_element]
        self._largest_pixels = largest_pixels
        self._started = time.monotonic()
        # The result of a window begins at a whole pixel.
        denominators = factor.height.denominator, factor.width.denominator
        self._unit = math.lcm(info.sizes.multiple, *denominators)

    def find(self) -> TilingRule:
        """Find the smallest alignment and context with which tiles equal the whole picture."""
        best: _Trial | None = None
        for size in self._list_sizes():
            begun = time.monotonic()
            whole = self._run(self._cut(make_picture(*size), 0, size))
            run_seconds = time.monotonic() - begun
            is_dear = self._used_seconds + 2 * len(_STEPS) * run_seconds > _SECONDS
            steps = [best.step_px] if best and is_dear else [self._unit * each for each in _STEPS]
            best = self._try_steps(size, whole, steps)
            if best.exact_px is not None or self._used_seconds + 16 * run_seconds > _SECONDS:
                break
        if best is None:
            raise AssertionError("no size was tried")
        return self._make_rule(best)

    @property
    def _used_seconds(self) -> float:
        return time.monotonic() - self._started

    def _list_sizes(self) -> Iterator[Size]:
        if self._sizes.only:
            yield self._sizes.only
            return
        sides = [self._unit * max(math.ceil(side / self._unit), 4) for side in _SIDES_PX]
        yield Size(sides[0], sides[0])
        for side in sides[1:]:
            if side > sides[0] and side**2 <= self._largest_pixels:
                yield Size(side, side)

    def _cut(self, picture: Planes, offset: int, size: Size) -> Planes:
        return picture[offset : offset + size.height, offset : offset + size.width]

    def _try_steps(self, size: Size, whole: Planes, steps: list[int]) -> _Trial:
        """Try steps until one is an alignment."""
        trials: list[_Trial] = []
        for step in steps:
            if trials and (step > min(size) // 3 or self._used_seconds > _SECONDS):
                continue
            trial = self._try_step(size, whole, step)
            if trial.exact_px is not None and self._is_felt_further(size, whole, trial.exact_px):
                trial = replace(trial, exact_px=None)
            trials.append(trial)
            if trial.exact_px is not None or trial.far_error <= _NO_CHANGE:
                return trial
        # The smallest step that is about as good as the best: others are much worse.
        limit = 2 * min(trial.far_error for trial in trials)
        return min((each for each in trials if each.far_error <= limit), key=lambda t: t.step_px)

    def _is_felt_further(self, size: Size, whole: Planes, distance: int) -> bool:
        """Whether pixels at a larger distance matter: those of a global mean do, but little."""
        changed = self._cut(make_picture(*size), 0, size).copy()
        height, width = (side // 4 for side in size)
        for part in (changed[:height], changed[:, :width]):
            np.subtract(255, part, out=part)
        differences = compare_cut(whole, self._run(changed), 0, self._factor)
        far = differences[height + distance :, width + distance :]
        return bool(far.size and far.max() > self._exact)

    def _try_step(self, size: Size, whole: Planes, step: int) -> _Trial:
        """Cut a picture, above and to the left by a multiple of the step, then at its end."""
        times = next((prime for prime in _PRIMES if step * prime <= min(size) * 3 // 8), 1)
        offset = step * times
        if self._sizes.only:
            larger = make_picture(size.height + offset, size.width + offset)
            whole = self._run(self._cut(larger, 0, size))
            part = self._run(self._cut(larger, offset, size))
            return self._judge(step, [(compare_cut(whole, part, offset, self._factor), True, True)])
        picture = make_picture(*size)
        behind = self._run(picture[offset:, offset:])
        first = (compare_cut(whole, behind, offset, self._factor), True, False)
        trial = self._judge(step, [first])
        if trial.exact_px is None and trial.close_px is None:
            return trial
        end = (min(size) - offset) // step * step
        before = self._run(picture[:end, :end])
        return self._judge(
            step, [first, (compare_cut(whole, before, 0, self._factor), False, True)]
        )

    def _judge(self, step: int, cuts: list[tuple[Planes, bool, bool]]) -> _Trial:
        far = max(float(_take_far(*cut).mean()) for cut in cuts)
        exact, close = (self._find_distance(cuts, limit) for limit in (self._exact, _CLOSE))
        return _Trial(step, exact, close, far)

    @staticmethod
    def _find_distance(cuts: list[tuple[Planes, bool, bool]], limit: float) -> int | None:
        found = [
            find_distance(differences, limit, from_start=start, from_end=end)
            for differences, start, end in cuts
        ]
        known = [distance for distance in found if distance is not None]
        return max(known) if len(known) == len(found) else None

    def _make_rule(self, trial: _Trial) -> TilingRule:
        step, only = trial.step_px, self._sizes.only
        if trial.exact_px is not None:
            # More than was found: on another picture, a cut may be felt a little further, and
            # rounding hides it.
            share = 2 if self._exact >= 1 else 8
            for context in (trial.exact_px + trial.exact_px // share + 1, trial.exact_px):
                rounded = -(-context // step) * step
                if only is None or 2 * rounded + step <= min(only):
                    return TilingRule(step, rounded)
        overlap = max(trial.close_px or 0, _OVERLAP_PX)
        overlap = overlap if only is None else min(overlap, min(only) // 4)
        return TilingRule(step, max(overlap // step, 1) * step, is_blended=True)


def _take_far(differences: Planes, from_start: bool, from_end: bool) -> Planes:  # noqa: FBT001
    """Take what is far from the cut: a quarter of each axis."""
    parts = []
    for side in differences.shape:
        if from_start and from_end:
            parts.append(slice(side * 3 // 8, side * 5 // 8 + 1))
        else:
            parts.append(slice(side * 3 // 4, None) if from_start else slice(0, side // 4 + 1))
    return differences[parts[0], parts[1]]
