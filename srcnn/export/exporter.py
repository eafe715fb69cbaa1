"""PyTorch network to ONNX bytes, by either of torch's exporters, with one interface.

Knows nothing of checkpoints, files or checks.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from typing import TYPE_CHECKING

import onnx
import torch
from torch import nn

from srcnn.export.ops import dynamo_translations, upsample
from srcnn.export.srcnn_network import SrcnnBank
from srcnn.graphs.cases import scales_of
from srcnn.graphs.contract import FACTOR, INPUT, INPUT_AXES, OUTPUT, OUTPUT_AXES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from srcnn.export.graph_spec import GraphSpec
    from srcnn.export.srcnn_network import Network
    from srcnn.geometry import Factor

_EXAMPLE = (
    2,
    3,
    8,
    12,
)  # any size but 1, which torch.export takes for a constant; N, H, W are dynamic
_DYNAMIC = {axis: name for axis, name in enumerate(INPUT_AXES) if isinstance(name, str)}


class LiveUpscale(nn.Module):
    """Upsampling by a factor given with each image, then the network of that factor."""

    def __init__(self, network: Network) -> None:
        """Wrap a network whose weights take BGR 0..255."""
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        """Upscale (N, 3, H, W) float32 by (4,) float32 [1, 1, fh, fw]."""
        upsampled = upsample(image, factor)
        follows = (factor,) if isinstance(self.network, SrcnnBank) else ()
        enlarged: torch.Tensor = self.network(upsampled, *follows)
        return enlarged


class FixedUpscale(nn.Module):
    """Upsampling by a factor that is a constant of the graph, then the network of that factor."""

    scales: torch.Tensor

    def __init__(self, network: Network, factor: Factor) -> None:
        """Wrap a network whose weights take BGR 0..255."""
        super().__init__()
        scales = torch.from_numpy(scales_of(factor))
        self.network = network.at(scales)
        self.register_buffer("scales", scales)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Upscale (N, 3, H, W) float32."""
        enlarged: torch.Tensor = self.network(upsample(image, self.scales))
        return enlarged


def export_graph(network: Network, spec: GraphSpec, metadata: Mapping[str, str]) -> bytes:
    """Write a network as one ONNX file, the same bytes for the same arguments.

    Args:
        network: with weights that take BGR 0..255; a bank whose factor is fixed gives the plain
            graph of that factor.
        spec: exporter, opset, and the factor if it is to be fixed.
        metadata: names and texts to put into the file.

    Returns:
        A graph with the inputs and output of `srcnn.graphs.contract`.
    """
    image = torch.zeros(_EXAMPLE)
    module: nn.Module
    arguments: tuple[torch.Tensor, ...]
    if spec.factor is None:
        module, arguments = LiveUpscale(network), (image, torch.tensor([1.0, 1.0, 2.0, 2.0]))
    else:
        module, arguments = FixedUpscale(network, spec.factor), (image,)
    write = {"torchscript": _by_torchscript, "dynamo": _by_dynamo}[spec.exporter]
    with torch.no_grad(), _without_known_noise():
        graph = write(module.eval(), arguments, spec.opset)
    return _finished(graph, metadata)


def _by_torchscript(
    module: nn.Module, arguments: tuple[torch.Tensor, ...], opset: int
) -> onnx.ModelProto:
    file = io.BytesIO()
    torch.onnx.export(
        module,
        arguments,
        file,  # type: ignore[arg-type] # this exporter writes to file objects too
        dynamo=False,
        opset_version=opset,
        input_names=[INPUT, FACTOR][: len(arguments)],
        output_names=[OUTPUT],
        dynamic_axes={INPUT: _DYNAMIC},
    )
    return onnx.load_from_string(file.getvalue())


def _by_dynamo(
    module: nn.Module, arguments: tuple[torch.Tensor, ...], opset: int
) -> onnx.ModelProto:
    program = torch.onnx.export(
        module,
        arguments,
        dynamo=True,
        opset_version=opset,
        input_names=[INPUT, FACTOR][: len(arguments)],
        output_names=[OUTPUT],
        dynamic_shapes=(_DYNAMIC, None)[: len(arguments)],
        custom_translation_table=dynamo_translations(),
        external_data=False,
        verbose=False,
    )
    if program is None:
        raise RuntimeError("torch.onnx.export(dynamo=True) returned no program")
    return program.model_proto


def _finished(graph: onnx.ModelProto, metadata: Mapping[str, str]) -> bytes:
    """Make the two exporters' files alike, and free of what differs from machine to machine."""
    for node in graph.graph.node:
        del node.metadata_props[:]  # the dynamo exporter's stack traces, with local paths
        node.doc_string = ""
    del graph.graph.value_info[:]  # named after axes that are renamed here
    _name_axes(graph.graph.input[0], INPUT_AXES)
    _name_axes(graph.graph.output[0], OUTPUT_AXES)
    graph.graph.name = "srcnn"
    graph.producer_version = graph.producer_version.partition("+")[0]
    onnx.helper.set_model_props(graph, dict(metadata))
    finished: bytes = graph.SerializeToString(deterministic=True)
    return finished


def _name_axes(value: onnx.ValueInfoProto, axes: Sequence[str | int]) -> None:
    """Give dynamic axes their names. One that is static stays so, for the check to find."""
    for axis, name in zip(value.type.tensor_type.shape.dim, axes, strict=True):
        if isinstance(name, str) and not axis.HasField("dim_value"):
            axis.dim_param = name


@contextlib.contextmanager
def _without_known_noise() -> Iterator[None]:
    """Leave out what torch says on every export, whatever the model, and nothing else."""
    registry = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = registry.level
    with warnings.catch_warnings():
        # The TorchScript exporter is on its way out. It is asked for by name here, being the
        # one that writes opsets below 18.
        warnings.filterwarnings(
            "ignore", "You are using the legacy TorchScript", DeprecationWarning
        )
        warnings.filterwarnings("ignore", "The feature will be removed", DeprecationWarning)
        # torch.export copies its own deprecated tree specifications.
        warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)`", FutureWarning)
        registry.setLevel(logging.ERROR)  # "torchvision is not installed", four times
        try:
            yield
        finally:
            registry.setLevel(level)
