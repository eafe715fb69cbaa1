"""Decide whether a trained model replaces the current one. Imports no torch.

Both enlarge the held-out pictures as a batch would: as exported graphs, through `Upscaler`. The
candidate is promoted if it is better at every factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from srcnn.model.card import ModelCard, QualityRow
from srcnn.model.onnx_file import parse_complete
from srcnn.quality.compare import Enlarge, Figures, bicubic, measure
from srcnn.quality.degradation import Picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from srcnn.geometry import Size
    from srcnn.inference.upscaler import Upscaler
    from srcnn.model.model_file import Model


@dataclass(frozen=True)
class FactorVerdict:
    """The figures of both models at one factor.

    Attributes:
        factor: by which pictures were shrunk and enlarged again.
        candidate: figures of the trained model.
        current: figures of the current model.
        bicubic: figures of plain bicubic interpolation.
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
        """The figures in one line, for a log."""
        return (
            f"x{self.factor:g}: candidate {self.candidate.psnr_db:.2f} dB, current "
            f"{self.current.psnr_db:.2f} ({self.gain_db:+.2f}), bicubic {self.bicubic.psnr_db:.2f}"
        )

    @property
    def row(self) -> QualityRow:
        """The candidate's figures, for its card."""
        return QualityRow(
            factor=f"{self.factor:g}",
            psnr_db=round(self.candidate.psnr_db, 3),
            ssim=round(self.candidate.ssim, 4),
            bicubic_psnr_db=round(self.bicubic.psnr_db, 3),
            bicubic_ssim=round(self.bicubic.ssim, 4),
        )


@dataclass(frozen=True)
class Verdict:
    """The comparison of a candidate with the current model.

    Attributes:
        rows: of each factor, ascending.
    """

    rows: tuple[FactorVerdict, ...]

    @property
    def behind(self) -> list[float]:
        """Factors at which the candidate is not better."""
        return [row.factor for row in self.rows if not row.gain_db > 0]

    @property
    def is_better(self) -> bool:
        """Whether the candidate replaces the current model."""
        return not self.behind

    @property
    def text(self) -> str:
        """The verdict in one line."""
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
    on_factor: Callable[[FactorVerdict], None] = lambda _: None,
) -> Verdict:
    """Measure both models and bicubic.

    Args:
        candidate: enlarges with the trained model.
        current: enlarges with the current model.
        pictures: (H, W, 3) uint8 BGR, held out from this training.
        factors: ascending.
        on_factor: called with the figures of each factor.
    """
    rows = []
    for factor in factors:
        figures = [
            measure(enlarge, pictures, [factor])[0].figures
            for enlarge in (candidate, current, bicubic)
        ]
        rows.append(FactorVerdict(factor, *figures))
        on_factor(rows[-1])
    return Verdict(tuple(rows))


def make_enlarger(upscaler: Upscaler) -> Enlarge:
    """Return a function that enlarges 8-bit pictures with an upscaler."""

    def enlarge(low: Picture, size: Size) -> Picture:
        return np.asarray(upscaler.to_size(low, size), dtype=np.uint8)

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
