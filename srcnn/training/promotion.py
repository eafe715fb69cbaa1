"""Decide whether a trained model replaces the current one. Imports no torch.

Both enlarge the held-out pictures as a batch would: as exported graphs, through `Upscaler`. The
candidate is promoted if it is better under every condition, and no worse where it was to change
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from srcnn.model.card import ModelCard, QualityRow
from srcnn.model.onnx_file import parse_complete
from srcnn.quality.compare import Figures, bicubic, measure_each
from srcnn.quality.conditions import Condition
from srcnn.quality.degradation import Picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from srcnn.geometry import Size
    from srcnn.inference.upscaler import Upscaler
    from srcnn.model.model_file import Model


_PICTURES_WITH_LOSS = 12
_MAX_SHOWN = 8  # conditions in a message
# Weights that were kept are the same at the anchors, and between them up to rounding.
_SAME_DB = 0.005


class EnlargeSource(Protocol):
    """A function that enlarges a source, (h, w, 3) uint8 BGR, of a quality."""

    def __call__(self, low: Picture, size: Size, quality: float) -> Picture:
        """Return the picture of `size`."""


@dataclass(frozen=True)
class ConditionVerdict:
    """The figures of both models under one condition.

    Attributes:
        condition: how the pictures were degraded.
        is_kept: whether the candidate has the weights of its start here.
        candidate: figures of the trained model.
        current: figures of the current model.
        bicubic: figures of plain bicubic interpolation.
    """

    condition: Condition
    is_kept: bool
    candidate: Figures
    current: Figures
    bicubic: Figures

    @property
    def gain_db(self) -> float:
        """PSNR of the candidate over the current model, in dB."""
        return self.candidate.psnr_db - self.current.psnr_db

    @property
    def is_behind(self) -> bool:
        """Whether the candidate is not better; or worse, where it was to change nothing."""
        # Written so that NaN is behind.
        return not (self.gain_db >= -_SAME_DB if self.is_kept else self.gain_db > 0)

    @property
    def text(self) -> str:
        """The figures in one line, for a log."""
        return (
            f"{self.condition.text}: candidate {self.candidate.psnr_db:.2f} dB, current "
            f"{self.current.psnr_db:.2f} ({self.gain_db:+.2f}), bicubic {self.bicubic.psnr_db:.2f}"
        )

    @property
    def row(self) -> QualityRow:
        """The candidate's figures, for its card."""
        return QualityRow(
            factor=f"{self.condition.factor:g}",
            source_quality=self.condition.quality,
            psnr_db=round(self.candidate.psnr_db, 3),
            ssim=round(self.candidate.ssim, 4),
            bicubic_psnr_db=round(self.bicubic.psnr_db, 3),
            bicubic_ssim=round(self.bicubic.ssim, 4),
        )


@dataclass(frozen=True)
class Verdict:
    """The comparison of a candidate with the current model.

    Attributes:
        rows: of each condition, ascending.
    """

    rows: tuple[ConditionVerdict, ...]

    @property
    def behind(self) -> list[Condition]:
        """Conditions under which the candidate is not good enough."""
        return [row.condition for row in self.rows if row.is_behind]

    @property
    def is_better(self) -> bool:
        """Whether the candidate replaces the current model."""
        return not self.behind

    @property
    def text(self) -> str:
        """The verdict in one line."""
        if self.is_better:
            trained = [row for row in self.rows if not row.is_kept]
            least = min(trained, key=lambda row: row.gain_db)
            return (
                f"better than the current model at each of {len(trained)} {self._axes}, by "
                f"{least.gain_db:.2f} dB at {least.condition.text} and by more elsewhere"
            )
        shown = ", ".join(condition.text for condition in self.behind[:_MAX_SHOWN])
        more = len(self.behind) - _MAX_SHOWN
        return (
            f"not better than the current model at {len(self.behind)} of {len(self.rows)} "
            f"{self._axes}: {shown}" + (f", and {more} more" if more > 0 else "")
        )

    @property
    def _axes(self) -> str:
        is_clean = all(row.condition.is_clean for row in self.rows)
        return "factors" if is_clean else "factors and qualities"


def judge(  # noqa: PLR0913 - two models, and what they are compared by
    candidate: EnlargeSource,
    current: EnlargeSource,
    pictures: Sequence[Picture],
    conditions: Sequence[Condition],
    *,
    on_verdict: Callable[[ConditionVerdict], None] = lambda _: None,
    kept: Collection[Condition] = (),
    threads: int = 1,
) -> Verdict:
    """Measure both models and bicubic.

    Args:
        candidate: enlarges with the trained model.
        current: enlarges with the current model.
        pictures: (H, W, 3) uint8 BGR, held out from this training. Sources with loss are made of
            the first few: there are many more conditions.
        conditions: ascending.
        on_verdict: called with the figures under each condition.
        kept: of the conditions, those under which nothing was to change.
        threads: how many pictures are compared at a time.
    """
    rows = []
    for condition in conditions:
        some = pictures if condition.is_clean else pictures[:_PICTURES_WITH_LOSS]
        enlargers = [
            partial(enlarge, quality=condition.quality)
            for enlarge in (candidate, current, _enlarge_by_bicubic)
        ]
        figures = measure_each(enlargers, some, condition, threads)
        rows.append(ConditionVerdict(condition, condition in kept, *figures))
        on_verdict(rows[-1])
    return Verdict(tuple(rows))


def _enlarge_by_bicubic(low: Picture, size: Size, quality: float) -> Picture:  # noqa: ARG001 - as models
    return bicubic(low, size)


def make_enlarger(upscaler: Upscaler) -> EnlargeSource:
    """Return a function that enlarges 8-bit pictures with an upscaler."""

    def enlarge(low: Picture, size: Size, quality: float) -> Picture:
        return np.asarray(upscaler.to_size(low, size, quality=quality), dtype=np.uint8)

    return enlarge


def read_card(model: Model) -> ModelCard | None:
    """Read the card in a model's graph; None if it has none.

    Raises:
        ModelError: the card cannot be read.
    """
    return ModelCard.from_graph(parse_complete(model.content))


def name_start(model: Model) -> str:
    """Describe a model by name and hash, without its URL."""
    card = read_card(model)
    return f"{card.name if card else 'a model'}, sha256 {model.sha256[:12]}"
