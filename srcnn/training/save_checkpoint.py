"""Write luma networks as a checkpoint that `srcnn.export` reads: a bank for [0, 1]."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from srcnn.export.srcnn_network import ANCHORS
from srcnn.training.checkpoint_weights import to_checkpoint_weights
from srcnn.training.luma_network import Luma


def to_checkpoint(stack: Luma, anchors: Sequence[float], meta: Mapping[str, Any]) -> bytes:
    """Serialise a checkpoint; equal arguments give equal bytes.

    Args:
        stack: of K networks.
        anchors: K factors, ascending.
        meta: plain numbers, strings, lists and dictionaries, saved with the weights.

    Returns:
        The content of the file.
    """
    weights = to_checkpoint_weights(stack)
    state = {**weights, ANCHORS: torch.tensor(anchors, dtype=torch.float32)}
    file = io.BytesIO()
    torch.save({"state_dict": state, "meta": {"convention": "rgb-unit", **meta}}, file)
    return file.getvalue()
