"""Training from the model in use: its weights read off its graph, at the anchors of the new bank.

What is read is what the graph computes at each factor, so that the anchors may be others
than those that it was trained with, and no checkpoint is needed beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from srcnn.errors import UsageError
from srcnn.graphs.contract import FACTOR, INPUT
from srcnn.inference.engine.network_from_onnx import read_network
from srcnn.training.luma_to_rgb import to_luma

if TYPE_CHECKING:
    from collections.abc import Sequence

    from srcnn.inference.engine.network import Network
    from srcnn.model.model_file import Model
    from srcnn.training.luma_network import Luma

_LEVELS = 255  # a graph takes BGR 0..255, training RGB 0..1; see `srcnn.export.convention`
_LAYERS = ("conv1", "conv2", "conv3")


def read_start(model: Model, anchors: Sequence[float]) -> Luma:
    """A luma network for each anchor, as a model has them.

    Args:
        model: an exported graph with a live factor.
        anchors: factors.

    Raises:
        UsageError: it has another form, or was not trained here.
    """
    networks = read_network(model.content, INPUT, FACTOR)
    if networks is None:
        raise UsageError(
            f"{model.url}: its weights cannot be read off its graph: begin from scratch (--start "
            "identity)"
        )
    factors = [np.array([1, 1, anchor, anchor], np.float32) for anchor in anchors]
    try:
        each = [_weights(networks.at(factor)) for factor in factors]
        return to_luma({name: torch.stack([one[name] for one in each]) for name in each[0]})
    # It is another network: of other layers, shapes, or values.
    except (ValueError, RuntimeError) as error:
        raise UsageError(f"{model.url}: {error} (--start identity)") from error


def _weights(network: Network) -> dict[str, torch.Tensor]:
    """The weights of a network for RGB in [0, 1], by the parameter names of `Srcnn`."""
    weights = {}
    for name, layer in zip(_LAYERS, network.convolutions, strict=True):
        weights[f"{name}.weight"] = torch.tensor(layer.weight)
        weights[f"{name}.bias"] = torch.tensor(layer.bias) / _LEVELS
    weights["conv1.weight"] = weights["conv1.weight"].flip(1)
    weights["conv3.weight"] = weights["conv3.weight"].flip(0)
    weights["conv3.bias"] = weights["conv3.bias"].flip(0)
    return weights
