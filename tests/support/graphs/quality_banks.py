"""Banks with a second axis: weights that depend on factor and quality, at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from srcnn.export.export_spec import ExportSpec
from srcnn.export.exporter import export_graph
from srcnn.export.pixel_convention import build_network
from srcnn.export.srcnn_bank import SrcnnBank
from srcnn.export.srcnn_network import ANCHORS, QUALITIES, Srcnn

FACTORS = (1.0, 1.5, 2.0, 4.0)
LEVELS = (30.0, 60.0, 75.0, 90.0, 100.0)


def make_weights(
    factors: Sequence[float] = FACTORS,
    levels: Sequence[float] = LEVELS,
    *,
    channels: int = 1,
    seed: int = 0,
) -> dict[str, torch.Tensor]:
    """Make the weights of a checkpoint, (K, M, ...)."""
    torch.manual_seed(seed)
    grid = [[Srcnn(channels).state_dict() for _ in levels] for _ in factors]
    stacked = {
        name: torch.stack([torch.stack([each[name] for each in row]) for row in grid])
        for name in grid[0][0]
    }
    return stacked | {
        ANCHORS: torch.tensor(factors, dtype=torch.float32),
        QUALITIES: torch.tensor(levels, dtype=torch.float32),
    }


def take_clean(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Take the bank of the factor alone that it is for sources without loss."""
    return {
        name: value if name == ANCHORS else value[:, -1]
        for name, value in weights.items()
        if name != QUALITIES
    }


def make_bank(**options: Any) -> SrcnnBank:
    """Make a bank for BGR 0..255."""
    bank = build_network(make_weights(**options), "rgb-unit")
    assert isinstance(bank, SrcnnBank)
    return bank


def export(
    bank: SrcnnBank,
    exporter: Any = "torchscript",
    opset: int | None = None,
    scale: str | None = None,
    metadata: dict[str, str] | None = None,
) -> bytes:
    """Export a bank."""
    return export_graph(bank, ExportSpec.of(exporter, opset, scale), metadata or {})
