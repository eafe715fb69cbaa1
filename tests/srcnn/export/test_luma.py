"""Weights with one channel: the graph takes luma, and adds to the upsampled colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch")

from onnxruntime import InferenceSession  # noqa: E402

from srcnn.export.export_spec import ExportSpec  # noqa: E402
from srcnn.export.exporter import export_graph  # noqa: E402
from srcnn.export.parity import measure_parity  # noqa: E402
from srcnn.export.pixel_convention import build_network  # noqa: E402
from srcnn.export.srcnn_bank import SrcnnBank  # noqa: E402
from srcnn.export.srcnn_network import Srcnn  # noqa: E402
from srcnn.export.torch_operators import upsample  # noqa: E402
from srcnn.graphs.check import check_graph  # noqa: E402
from srcnn.graphs.graph_format import LUMA  # noqa: E402
from srcnn.inference.engine.network_from_onnx import read_network  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

OPSETS = [
    *(("torchscript", opset) for opset in (11, 13, 18, 20)),
    *(("dynamo", opset) for opset in (18, 24)),
]


@pytest.fixture(scope="module")
def bank(make_bank: Callable[..., dict[str, torch.Tensor]]) -> SrcnnBank:
    network = build_network(make_bank(1, 1.5, 2, 4, channels=1), "rgb-unit")
    assert isinstance(network, SrcnnBank)
    return network


@pytest.fixture(scope="module")
def graphs(bank: SrcnnBank) -> dict[tuple[str, int], bytes]:
    return {
        (exporter, opset): export_graph(bank, ExportSpec.of(exporter, opset, None), {})
        for exporter, opset in OPSETS
    }


@pytest.mark.parametrize("key", OPSETS)
def test_the_form_needs_no_more_nodes(
    key: tuple[str, int], graphs: dict[tuple[str, int], bytes]
) -> None:
    """torch's TorchScript exporter computes the pads in the graph, by 15 nodes."""
    nodes = [node.op_type for node in onnx.load_from_string(graphs[key]).graph.node]
    counts = {name: nodes.count(name) for name in ("Resize", "ReduceSum", "Pad", "Conv", "Add")}
    assert counts == {"Resize": 1, "ReduceSum": 1, "Pad": 1, "Conv": 3, "Add": 1}
    assert not {"ConstantOfShape", "Transpose", "Cast", "Expand"}.intersection(nodes)


@pytest.mark.parametrize("key", OPSETS)
def test_the_graph_passes_the_check_and_agrees_with_pytorch(
    key: tuple[str, int], graphs: dict[tuple[str, int], bytes], bank: SrcnnBank
) -> None:
    assert check_graph(graphs[key]) == []
    _, findings = measure_parity(graphs[key], bank, None)
    assert findings == []


@pytest.mark.parametrize("key", OPSETS)
def test_the_engine_reads_it(
    key: tuple[str, int], graphs: dict[tuple[str, int], bytes], bank: SrcnnBank
) -> None:
    networks = read_network(graphs[key], "input", "factor")
    assert networks is not None
    scales = np.array([1, 1, 2.5, 2.5], np.float32)
    found, expected = networks.at(scales), bank.at(torch.from_numpy(scales))
    assert found.luma == pytest.approx(LUMA)
    for layer, module in zip(
        found.convolutions, (expected.conv1, expected.conv2, expected.conv3), strict=True
    ):
        np.testing.assert_allclose(layer.weight, module.weight.detach(), atol=1e-6)
        np.testing.assert_allclose(layer.bias, module.bias.detach(), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("exporter", ["torchscript", "dynamo"])
def test_a_fixed_factor_and_a_single_network(exporter: Any, bank: SrcnnBank) -> None:
    torch.manual_seed(5)
    single = Srcnn(1).eval()
    for network, scale in ((bank, "3"), (single, "2x3"), (single, None)):
        spec = ExportSpec.of(exporter, None, scale)
        content = export_graph(network, spec, {})
        _, findings = measure_parity(content, network, spec.factor)
        assert findings == []


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (17, 20)])
@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_a_flat_picture_stays_flat(
    size: tuple[int, int], level: int, graphs: dict[tuple[str, int], bytes]
) -> None:
    session = InferenceSession(graphs["torchscript", 13])
    image = np.full((1, 3, *size), level, np.float32)
    for factor in (1.0, 1.3, 2.0, 2.5, 4.0, 7.3):
        scales = np.array([1, 1, factor, factor], np.float32)
        (result,) = session.run(None, {"input": image, "factor": scales})
        assert np.ptp(result) < 1e-3


def test_the_same_is_added_to_all_colours(bank: SrcnnBank) -> None:
    image = torch.rand(1, 3, 12, 15) * 255
    scales = torch.tensor([1.0, 1, 2, 2])
    upsampled = upsample(image, scales)
    added = bank(upsampled, scales) - upsampled
    assert float(added.abs().max()) > 1
    torch.testing.assert_close(added[:, 0], added[:, 2], atol=1e-3, rtol=0)
    torch.testing.assert_close(added[:, 0], added[:, 1], atol=1e-3, rtol=0)
    grey = (image * torch.tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True).expand(-1, 3, -1, -1)
    larger = upsample(grey.contiguous(), scales)
    torch.testing.assert_close(bank(larger, scales) - larger, added, atol=1e-2, rtol=0)
