"""Write luma networks as a checkpoint that `srcnn.export` reads: a bank for RGB in [0, 1]."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from srcnn.training.luma_network import Luma
from srcnn.training.luma_to_rgb import to_colour


def to_checkpoint(stack: Luma, anchors: Sequence[float], meta: Mapping[str, Any]) -> bytes:
    """Serialise a checkpoint; equal arguments give equal bytes.

    Args:
        stack: of K networks.
        anchors: K factors, ascending.
        meta: plain numbers, strings, lists and dictionaries, saved with the weights.

    Returns:
        The content of the file.
    """
    state = {**to_colour(stack), "anchors": torch.tensor(anchors, dtype=torch.float32)}
    file = io.BytesIO()
    torch.save({"state_dict": state, "meta": {"convention": "rgb-unit", **meta}}, file)
    return file.getvalue()
