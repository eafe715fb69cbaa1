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
from srcnn.inference.engine.network import Activation
from srcnn.inference.engine.network_from_onnx import read_network
from srcnn.training.checkpoint_weights import from_checkpoint_weights
from srcnn.training.luma_network import FEATURES, MAPPED

if TYPE_CHECKING:
    from srcnn.inference.engine.network import Layer, Network
    from srcnn.model.model_file import Model
    from srcnn.training.luma_network import Luma
    from srcnn.training.training_spec import TrainingSpec

_LEVELS = 255  # a graph takes 0..255, training 0..1; see `srcnn.export.pixel_convention`
_FORM = (
    f"luma 0.114 0.587 0.299, {FEATURES}x1x9x9, Relu, {MAPPED}x{FEATURES}x1x1, Relu, 1x{MAPPED}x5x5"
)


def read_initial_weights(model: Model, spec: TrainingSpec) -> Luma:
    """Read a luma network for each factor and quality from a model.

    Args:
        model: an exported graph with the factor as an input.
        spec: whose anchors to read.

    Raises:
        UsageError: its graph or its network has another form.
    """
    networks = read_network(model.content, INPUT, FACTOR)
    if networks is None:
        raise UsageError(
            f"{model.url}: the weights cannot be read from its graph: start from scratch (--start "
            "identity)"
        )
    each = [
        networks.at(np.array([1, 1, factor, factor], np.float32), quality)
        for factor in spec.anchors
        for quality in spec.qualities
    ]
    form = _describe_form(each[0])
    if form != _FORM:
        raise UsageError(
            f"{model.url}: its network is not one that this version trains (expected {_FORM}; got "
            f"{form}): start from scratch (--start identity)"
        )
    weights = [_convert_weights(network) for network in each]
    return from_checkpoint_weights(
        {name: torch.stack([one[name] for one in weights]) for name in weights[0]}
    )


def _describe_form(network: Network) -> str:
    luma = ["luma " + " ".join(f"{weight:.3f}" for weight in network.luma)] if network.luma else []
    return ", ".join([*luma, *(_describe_layer(layer) for layer in network.layers)])


def _describe_layer(layer: Layer) -> str:
    if isinstance(layer, Activation):
        return layer.operator
    return "x".join(str(length) for length in layer.weight.shape)


def _convert_weights(network: Network) -> dict[str, torch.Tensor]:
    """Convert a graph's weights to [0, 1], by the parameter names of `Srcnn`."""
    weights = {}
    for number, layer in enumerate(network.convolutions, 1):
        weights[f"conv{number}.weight"] = torch.tensor(layer.weight)
        weights[f"conv{number}.bias"] = torch.tensor(layer.bias) / _LEVELS
    return weights
