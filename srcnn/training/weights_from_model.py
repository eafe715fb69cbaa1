"""Initial weights from the current model: read from its graph, at the anchors of the new bank.

The graph's weights are evaluated at each factor. So the anchors may differ from those that it was
trained with, and its checkpoint is not needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from srcnn.errors import UsageError
from srcnn.graphs.graph_format import FACTOR, INPUT
from srcnn.inference.engine.network_from_onnx import read_network
from srcnn.training.luma_to_rgb import to_luma

if TYPE_CHECKING:
    from collections.abc import Sequence

    from srcnn.inference.engine.network import Network
    from srcnn.model.model_file import Model
    from srcnn.training.luma_network import Luma

_LEVELS = 255  # a graph takes BGR 0..255, training RGB 0..1; see `srcnn.export.convention`
_LAYERS = ("conv1", "conv2", "conv3")


def read_initial_weights(model: Model, anchors: Sequence[float]) -> Luma:
    """Read a luma network for each anchor from a model.

    Args:
        model: an exported graph with the factor as an input.
        anchors: factors.

    Raises:
        UsageError: its graph has another structure, or its weights were not trained on luma.
    """
    networks = read_network(model.content, INPUT, FACTOR)
    if networks is None:
        raise UsageError(
            f"{model.url}: the weights cannot be read from its graph: start from scratch (--start "
            "identity)"
        )
    factors = [np.array([1, 1, anchor, anchor], np.float32) for anchor in anchors]
    try:
        each = [_convert_weights(networks.at(factor)) for factor in factors]
        return to_luma({name: torch.stack([one[name] for one in each]) for name in each[0]})
    # Another network: with other layers, shapes or values.
    except (ValueError, RuntimeError) as error:
        raise UsageError(f"{model.url}: {error} (--start identity)") from error


def _convert_weights(network: Network) -> dict[str, torch.Tensor]:
    """Convert a graph's weights to RGB in [0, 1], by the parameter names of `Srcnn`."""
    weights = {}
    for name, layer in zip(_LAYERS, network.convolutions, strict=True):
        weights[f"{name}.weight"] = torch.tensor(layer.weight)
        weights[f"{name}.bias"] = torch.tensor(layer.bias) / _LEVELS
    weights["conv1.weight"] = weights["conv1.weight"].flip(1)
    weights["conv3.weight"] = weights["conv3.weight"].flip(0)
    weights["conv3.bias"] = weights["conv3.bias"].flip(0)
    return weights
