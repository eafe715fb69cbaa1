"""Write luma networks as a checkpoint that `srcnn.export` reads: a bank for [0, 1]."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import torch

from srcnn.export.srcnn_network import ANCHORS, QUALITIES
from srcnn.training.checkpoint_weights import to_checkpoint_weights
from srcnn.training.luma_network import Luma
from srcnn.training.training_spec import TrainingSpec


def to_checkpoint(stack: Luma, spec: TrainingSpec, meta: Mapping[str, Any]) -> bytes:
    """Serialise a checkpoint; equal arguments give equal bytes.

    Args:
        stack: a network for each factor and quality.
        spec: what was trained.
        meta: plain numbers, strings, lists and dictionaries, saved with the weights.

    Returns:
        The content of the file.
    """
    axes = (len(spec.anchors), len(spec.qualities))
    has_qualities = len(spec.qualities) > 1
    state = {
        name: weights.view(*axes, *weights.shape[1:]) if has_qualities else weights
        for name, weights in to_checkpoint_weights(stack).items()
    }
    state[ANCHORS] = torch.tensor(spec.anchors, dtype=torch.float32)
    if has_qualities:
        state[QUALITIES] = torch.tensor(spec.qualities, dtype=torch.float32)
    file = io.BytesIO()
    torch.save({"state_dict": state, "meta": {"convention": "rgb-unit", **meta}}, file)
    return file.getvalue()
