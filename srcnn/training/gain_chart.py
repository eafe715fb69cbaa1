"""A chart of a training's validations: gain over bicubic by step, by factor or by quality.

Scalable Vector Graphics, https://www.w3.org/TR/SVG11/. It contains only our own numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from srcnn.training.training_progress import summarise_gains
from srcnn.training.training_record import Point
from srcnn.training.training_spec import TrainingSpec

_WIDTH, _HEIGHT = 720, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 110, 24, 44
_COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#9c755f", "#76b7b2", "#edc948")
_MAX_POINTS = 200
_TICKS = 5
_LABEL_PX = 15


@dataclass(frozen=True)
class _Axis:
    """A linear axis.

    Attributes:
        low: value at `begin`.
        high: value at `end`.
        begin: position in px.
        end: position in px.
    """

    low: float
    high: float
    begin: float
    end: float

    def to_px(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)

    @property
    def ticks(self) -> list[float]:
        """Round values, about five."""
        rough = (self.high - self.low) / _TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * digit for digit in (1, 2, 5, 10) if power * digit >= rough)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def draw_gain_chart(points: Sequence[Point], spec: TrainingSpec) -> str:
    """Draw validations.

    Args:
        points: in order of their steps; may be empty.
        spec: of the training.

    Returns:
        An SVG of 720 x 360 px.
    """
    shown = [(point.step, summarise_gains(point.gains, spec)) for point in _thin_out(points)]
    gains = [gain for _, lines in shown for gain in lines.values()]
    across = _Axis(0, max([step for step, _ in shown] + [1]), _LEFT, _WIDTH - _RIGHT)
    low, high = min([0.0, *gains]), max([0.1, *gains])
    up = _Axis(low, high, _HEIGHT - _BOTTOM, _TOP)
    parts = [*_draw_frame(across, up)]
    if shown:
        parts += _draw_lines(shown, across, up)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" font-size="12" '
        f'fill="#444"><rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>'
    )


def _thin_out(points: Sequence[Point]) -> list[Point]:
    every = math.ceil(len(points) / _MAX_POINTS) or 1
    return [*points[:-1:every], *points[-1:]]


def _draw_frame(across: _Axis, up: _Axis) -> Iterator[str]:
    for tick in up.ticks:
        y = up.to_px(tick)
        yield f'<path d="M{across.begin} {y:.1f}H{across.end}" stroke="#ddd"/>'
        yield _draw_text(across.begin - 8, y + 4, f"{tick:.10g}", "end")
    for tick in across.ticks:
        yield _draw_text(across.to_px(tick), up.begin + 18, f"{tick:,.10g}", "middle")
    yield _draw_text(across.begin, up.end - 10, "dB over bicubic, held-out pictures", "start")
    yield _draw_text((across.begin + across.end) / 2, up.begin + 36, "steps", "middle")


def _draw_lines(
    points: Sequence[tuple[int, dict[str, float]]], across: _Axis, up: _Axis
) -> Iterator[str]:
    last = points[-1][1]
    colours = {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(last)}
    for name, colour in colours.items():
        places = " ".join(
            f"{across.to_px(step):.1f},{up.to_px(lines[name]):.1f}" for step, lines in points
        )
        yield f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>'
    y = -math.inf
    for name in sorted(last, key=lambda name: -last[name]):
        y = max(up.to_px(last[name]) + 4, y + _LABEL_PX)  # labels must not overlap
        yield _draw_text(across.end + 8, y, f"{name} {last[name]:+.2f}", "start", colours[name])


def _draw_text(x: float, y: float, text: str, anchor: str, colour: str = "#444") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{text}</text>'
