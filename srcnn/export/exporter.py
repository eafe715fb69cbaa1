"""Convert a PyTorch network to ONNX bytes with either of torch's exporters.

Independent of checkpoints, files and checks.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from srcnn.export.srcnn_bank import SrcnnBank
from srcnn.export.torch_operators import make_dynamo_translations, upsample
from srcnn.graphs.check_cases import list_scales
from srcnn.graphs.graph_format import (
    CLEAN,
    FACTOR,
    INPUT,
    INPUT_AXES,
    OUTPUT,
    OUTPUT_AXES,
    QUALITY,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from srcnn.export.export_spec import ExportSpec
    from srcnn.export.srcnn_bank import Network
    from srcnn.geometry import Factor

# N, H and W are dynamic; any size but 1, which torch.export would treat as a constant.
_EXAMPLE = (2, 3, 8, 12)
_INPUTS = [INPUT, FACTOR, QUALITY]
_DYNAMIC = {axis: name for axis, name in enumerate(INPUT_AXES) if isinstance(name, str)}


class LiveUpscale(nn.Module):
    """Upsamples by a factor that is an input, then applies its network, or that of a quality."""

    def __init__(self, network: Network) -> None:
        """Wrap a network whose weights take BGR 0..255."""
        super().__init__()
        self.network = network

    def forward(
        self, image: torch.Tensor, factor: torch.Tensor, quality: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Upscale an image.

        Args:
            image: (N, 3, H, W) float32.
            factor: (4,) float32 [1, 1, fh, fw].
            quality: (1,) float32; None for a source without loss. Ignored without qualities.
        """
        upsampled = upsample(image, factor)
        arguments = (factor, quality) if isinstance(self.network, SrcnnBank) else ()
        enlarged: torch.Tensor = self.network(upsampled, *arguments)
        return enlarged


class FixedUpscale(nn.Module):
    """Upsamples by a constant factor, then applies its network for sources without loss."""

    scales: torch.Tensor

    def __init__(self, network: Network, factor: Factor) -> None:
        """Wrap a network whose weights take BGR 0..255."""
        super().__init__()
        scales = torch.from_numpy(list_scales(factor))
        self.network = network.at(scales)
        self.register_buffer("scales", scales)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Upscale (N, 3, H, W) float32."""
        enlarged: torch.Tensor = self.network(upsample(image, self.scales))
        return enlarged


def export_graph(network: Network, spec: ExportSpec, metadata: Mapping[str, str]) -> bytes:
    """Export a network as one ONNX file; the same arguments always give the same bytes.

    Args:
        network: with weights for BGR 0..255. With a fixed factor, a bank gives the plain graph
            of that factor, for sources without loss.
        spec: exporter, opset, and the fixed factor, if any.
        metadata: keys and values to store in the file.

    Returns:
        The ONNX file, with the inputs and output of `srcnn.graphs.graph_format`.
    """
    image = torch.zeros(_EXAMPLE)
    module: nn.Module
    arguments: tuple[torch.Tensor, ...]
    if spec.factor is None:
        module, arguments = LiveUpscale(network), (image, *_make_examples(network))
    else:
        module, arguments = FixedUpscale(network, spec.factor), (image,)
    export = {"torchscript": _export_by_torchscript, "dynamo": _export_by_dynamo}[spec.exporter]
    with torch.no_grad(), _suppress_known_warnings():
        graph = export(module.eval(), arguments, spec.opset)
    return _normalise(graph, metadata)


def _make_examples(network: Network) -> Iterator[torch.Tensor]:
    """Make the inputs besides the image."""
    yield torch.tensor([1.0, 1.0, 2.0, 2.0])
    if isinstance(network, SrcnnBank) and network.quality:
        yield torch.tensor([CLEAN])


def _export_by_torchscript(
    module: nn.Module, arguments: tuple[torch.Tensor, ...], opset: int
) -> onnx.ModelProto:
    file = io.BytesIO()
    torch.onnx.export(
        module,
        arguments,
        file,  # type: ignore[arg-type] # this exporter writes to file objects too
        dynamo=False,
        opset_version=opset,
        input_names=_INPUTS[: len(arguments)],
        output_names=[OUTPUT],
        dynamic_axes={INPUT: _DYNAMIC},
    )
    return onnx.load_from_string(file.getvalue())


def _export_by_dynamo(
    module: nn.Module, arguments: tuple[torch.Tensor, ...], opset: int
) -> onnx.ModelProto:
    program = torch.onnx.export(
        module,
        arguments,
        dynamo=True,
        opset_version=opset,
        input_names=_INPUTS[: len(arguments)],
        output_names=[OUTPUT],
        dynamic_shapes=(_DYNAMIC, None, None)[: len(arguments)],
        custom_translation_table=make_dynamo_translations(),
        external_data=False,
        verbose=False,
    )
    if program is None:
        raise RuntimeError("the exporter dynamo made no graph: use --exporter torchscript")
    return program.model_proto


def _normalise(graph: onnx.ModelProto, metadata: Mapping[str, str]) -> bytes:
    """Make the files of both exporters alike, and remove what depends on the machine."""
    for node in graph.graph.node:
        del node.metadata_props[:]  # the dynamo exporter's stack traces, with local paths
        node.doc_string = ""
    del graph.graph.value_info[:]  # named after axes that are renamed here
    _name_axes(graph.graph.input[0], INPUT_AXES)
    _name_axes(graph.graph.output[0], OUTPUT_AXES)
    if QUALITY in {value.name for value in graph.graph.input}:
        # An input that is also an initializer may be left out.
        graph.graph.initializer.append(
            numpy_helper.from_array(np.array([CLEAN], np.float32), QUALITY)
        )
    graph.graph.name = "srcnn"
    graph.producer_version = graph.producer_version.partition("+")[0]
    onnx.helper.set_model_props(graph, dict(metadata))
    content: bytes = graph.SerializeToString(deterministic=True)
    return content


def _name_axes(value: onnx.ValueInfoProto, axes: Sequence[str | int]) -> None:
    """Name the dynamic axes. A static axis is left as it is, so that the check reports it."""
    for axis, name in zip(value.type.tensor_type.shape.dim, axes, strict=True):
        if isinstance(name, str) and not axis.HasField("dim_value"):
            axis.dim_param = name


@contextlib.contextmanager
def _suppress_known_warnings() -> Iterator[None]:
    """Suppress the warnings that torch gives for every export of any model, and no others."""
    registry = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = registry.level
    with warnings.catch_warnings():
        # The TorchScript exporter is deprecated. It is used on purpose: only it can write
        # opsets below 18.
        warnings.filterwarnings(
            "ignore", "You are using the legacy TorchScript", DeprecationWarning
        )
        warnings.filterwarnings("ignore", "The feature will be removed", DeprecationWarning)
        # torch.export copies tree specifications that torch itself has deprecated.
        warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)`", FutureWarning)
        registry.setLevel(logging.ERROR)  # "torchvision is not installed", four times
        try:
            yield
        finally:
            registry.setLevel(level)
