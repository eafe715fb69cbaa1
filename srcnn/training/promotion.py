"""Whether a trained model takes the place of the current one. Imports no torch.

Both enlarge the pictures that were held out, as users would have them enlarged: the exported
graphs, through `Upscaler`. The candidate is promoted when it is better at every factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnx

from srcnn.model.card import ModelCard, QualityRow
from srcnn.quality.compare import Enlarge, Figures, Picture, bicubic, measure

if TYPE_CHECKING:
    from collections.abc import Callable

    from srcnn.geometry import Size
    from srcnn.inference.upscaler import Upscaler
    from srcnn.model.model_file import Model


@dataclass(frozen=True)
class Compared:
    """What was found at one factor.

    Attributes:
        factor: pictures were made small by it, and enlarged again.
        candidate: of the trained model.
        current: of the model in use.
        bicubic: of plain bicubic.
    """

    factor: float
    candidate: Figures
    current: Figures
    bicubic: Figures

    @property
    def gain_db(self) -> float:
        """PSNR of the candidate over the current model, in dB."""
        return self.candidate.psnr_db - self.current.psnr_db

    @property
    def text(self) -> str:
        """In words, for a log."""
        return (
            f"x{self.factor:g}: candidate {self.candidate.psnr_db:.2f} dB, current "
            f"{self.current.psnr_db:.2f} ({self.gain_db:+.2f}), bicubic {self.bicubic.psnr_db:.2f}"
        )

    @property
    def row(self) -> QualityRow:
        """The candidate's part, for its card."""
        return QualityRow(
            factor=f"{self.factor:g}",
            psnr_db=round(self.candidate.psnr_db, 3),
            ssim=round(self.candidate.ssim, 4),
            bicubic_psnr_db=round(self.bicubic.psnr_db, 3),
            bicubic_ssim=round(self.bicubic.ssim, 4),
        )


@dataclass(frozen=True)
class Verdict:
    """A candidate beside the current model, at every factor.

    Attributes:
        rows: by factor, ascending.
    """

    rows: tuple[Compared, ...]

    @property
    def behind(self) -> list[float]:
        """Factors at which the candidate is not better."""
        return [row.factor for row in self.rows if not row.gain_db > 0]

    @property
    def is_better(self) -> bool:
        """Whether the candidate takes the current model's place."""
        return not self.behind

    @property
    def text(self) -> str:
        """In a line."""
        if self.is_better:
            least = min(self.rows, key=lambda row: row.gain_db)
            return (
                f"better than the current model at each of {len(self.rows)} factors, by "
                f"{least.gain_db:.2f} dB at x{least.factor:g} and by more elsewhere"
            )
        shown = ", ".join(f"x{factor:g}" for factor in self.behind)
        return (
            f"not better than the current model at {len(self.behind)} of {len(self.rows)} "
            f"factors: {shown}"
        )


def judge(
    candidate: Enlarge,
    current: Enlarge,
    pictures: Sequence[Picture],
    factors: Sequence[float],
    on_factor: Callable[[Compared], None] = lambda _: None,
) -> Verdict:
    """Measure both models, and bicubic beside them.

    Args:
        candidate: enlarges by the trained model.
        current: enlarges by the model in use.
        pictures: (H, W, 3) uint8 BGR, on which neither was trained in this training.
        factors: ascending.
        on_factor: told of each.
    """
    rows = []
    for factor in factors:
        figures = [
            measure(enlarge, pictures, [factor])[0].figures
            for enlarge in (candidate, current, bicubic)
        ]
        rows.append(Compared(factor, *figures))
        on_factor(rows[-1])
    return Verdict(tuple(rows))


def enlarging_by(upscaler: Upscaler) -> Enlarge:
    """What an upscaler does with pictures of 8 bits."""

    def enlarge(low: Picture, size: Size) -> Picture:
        return np.asarray(upscaler.to_size(low, size), dtype=np.uint8)

    return enlarge


def card_of(model: Model) -> ModelCard | None:
    """What a model says of itself; None where it says nothing.

    Raises:
        ModelError: it cannot be read.
    """
    return ModelCard.from_graph(onnx.load_from_string(model.content))


def name_of(model: Model) -> str:
    """A model in words, without its place."""
    card = card_of(model)
    return f"{card.name if card else 'a model'}, sha256 {model.sha256[:12]}"
