"""Banks: weights that depend on the factor, in PyTorch and in the graphs of both exporters."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from srcnn.export.export_graph import check_export, make_graph
from srcnn.export.export_spec import ExportSpec
from srcnn.export.exporter import export_graph
from srcnn.export.find_checkpoint import Source
from srcnn.export.parity import measure_parity
from srcnn.export.srcnn_bank import SrcnnBank
from srcnn.export.srcnn_network import Srcnn
from srcnn.geometry import Factor
from srcnn.graphs.check import check_graph
from srcnn.graphs.check_cases import Setting, list_scales
from srcnn.graphs.check_session import open_session
from srcnn.graphs.compare_bank_weights import compute_weights_at
from srcnn.model.card import ModelCard

if TYPE_CHECKING:
    from collections.abc import Callable

ANCHORS = (1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
EXPORTERS = [("torchscript", 13), ("dynamo", 18)]
OPSETS = [("torchscript", 11), ("torchscript", 18), ("torchscript", 20), ("dynamo", 24)]
SOURCE = Source("mine", "mine.pth", (), None, "rgb-unit")

factors = st.floats(1, 16, width=32)
anchors = st.lists(st.floats(1, 16, width=32), min_size=2, max_size=9, unique=True).map(sorted)


@pytest.fixture(scope="module")
def weights(make_bank: Callable[..., dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    return make_bank(*ANCHORS)


@pytest.fixture(scope="module")
def bank(weights: dict[str, torch.Tensor]) -> SrcnnBank:
    return SrcnnBank(weights).eval()


@pytest.fixture(scope="module")
def graphs(bank: SrcnnBank) -> dict[str, bytes]:
    return {exporter: exported(bank, exporter, opset) for exporter, opset in EXPORTERS}


def exported(bank: SrcnnBank, exporter: Any, opset: int, scale: str | None = None) -> bytes:
    return export_graph(bank, ExportSpec.of(exporter, opset, scale), {"who": "test"})


def scales(height: float, width: float) -> torch.Tensor:
    return torch.tensor([1, 1, height, width], dtype=torch.float32)


def small_bank(*anchors: float) -> SrcnnBank:
    """One number for each layer: enough for hats."""
    number = torch.zeros(len(anchors), 1)
    names = [f"conv{index}.{kind}" for index in (1, 2, 3) for kind in ("weight", "bias")]
    return SrcnnBank(dict.fromkeys(names, number) | {"anchors": torch.tensor(anchors)})


def nearest_sixteenth(height: float, width: float) -> float:
    """Exactly, with halves to even, as Python rounds fractions."""
    return round(8 * (Fraction(height) + Fraction(width))) / 16


def saved(content: Any, folder: Any) -> bytes:
    path = folder / "a.pth"
    torch.save(content, path)
    return bytes(path.read_bytes())


@given(anchors=anchors, height=factors, width=factors)
def test_the_hats_are_linear_interpolation(
    anchors: list[float], height: float, width: float
) -> None:
    found = small_bank(*anchors).compute_hats(scales(height, width)).numpy()
    # float32 takes the mean of two numbers that differ in size with an error in the last place.
    mean = np.float32((np.float32(height) + np.float32(width)) / 2)
    factor = nearest_sixteenth(float(mean), float(mean))
    expected = [np.interp(factor, anchors, row) for row in np.eye(len(anchors))]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.min() >= 0


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        (1 + 1 / 32, 1),
        (1 + 3 / 32, 1.125),  # halves to even: 18 sixteenths
        (1.3, 1.3125),
        (2.04, 2.0625),
        (2.03, 2),
    ],
)
def test_the_factor_is_rounded_to_sixteenths(
    factor: float, expected: float, bank: SrcnnBank
) -> None:
    found, rounded = (
        bank.compute_hats(scales(factor, factor)),
        bank.compute_hats(scales(expected, expected)),
    )
    assert torch.equal(found, rounded)


@pytest.mark.parametrize("index", range(len(ANCHORS)))
def test_an_anchor_has_its_own_weights_bit_for_bit(
    index: int, bank: SrcnnBank, weights: dict[str, torch.Tensor]
) -> None:
    network = bank.at(scales(ANCHORS[index], ANCHORS[index])).state_dict()
    assert all(torch.equal(network[name], weights[name][index]) for name in network)


def test_beyond_its_anchors_a_bank_is_constant() -> None:
    bank = small_bank(2, 3)
    below, lowest = bank.compute_hats(scales(1.2, 1.2)), bank.compute_hats(scales(2, 2))
    above, highest = bank.compute_hats(scales(16, 16)), bank.compute_hats(scales(3, 3))
    assert torch.equal(below, lowest)
    assert torch.equal(above, highest)
    assert not torch.equal(lowest, highest)


@given(height=factors, width=factors)
def test_height_and_width_count_alike(height: float, width: float) -> None:
    bank = small_bank(1, 16)
    assert torch.equal(
        bank.compute_hats(scales(height, width)), bank.compute_hats(scales(width, height))
    )


def test_the_network_of_a_factor_computes_what_the_bank_computes(bank: SrcnnBank) -> None:
    image, factor = torch.rand(2, 3, 9, 11), scales(2.5, 3.75)
    torch.testing.assert_close(bank.at(factor)(image), bank(image, factor))


@pytest.mark.parametrize("count", [2, 8])
@pytest.mark.parametrize(("exporter", "opset"), EXPORTERS)
def test_a_bank_passes_the_check_and_agrees_with_pytorch(
    count: int, exporter: Any, opset: int, make_bank: Any
) -> None:
    bank = SrcnnBank(make_bank(*ANCHORS[:count], seed=count)).eval()
    content = exported(bank, exporter, opset)
    assert check_graph(content) == []
    rows, findings = measure_parity(content, bank, None)
    assert findings == []
    assert 0 < max(row.max_abs_error for row in rows) < 0.01


@pytest.mark.parametrize(("exporter", "opset"), OPSETS)
def test_opsets_compute_the_same(exporter: Any, opset: int, bank: SrcnnBank) -> None:
    content = exported(bank, exporter, opset)
    _, findings = measure_parity(content, bank, None)
    assert findings == []
    assert onnx.load_from_string(content).opset_import[0].version == opset


@pytest.mark.parametrize("exporter", ["torchscript", "dynamo"])
def test_the_graph_mixes_as_pytorch_does_at_any_factor(
    exporter: str, graphs: dict[str, bytes], bank: SrcnnBank
) -> None:
    steps = [Fraction(step, 48) for step in range(48, 16 * 48, 37)]
    pairs = [Factor(height, width) for height, width in zip(steps, reversed(steps), strict=True)]
    pairs += [Factor(step, step) for step in steps]
    found = compute_weights_at(onnx.load_from_string(graphs[exporter]), [*map(Setting, pairs)])
    assert [values.shape[1] for values in found.values()] == [15552, 64, 2048, 32, 2400, 3]
    for index, pair in enumerate(pairs):
        network = bank.at(torch.from_numpy(list_scales(pair))).state_dict()
        for values, wanted in zip(found.values(), network.values(), strict=True):
            np.testing.assert_allclose(values[index], wanted.numpy().ravel(), atol=1e-6)


@pytest.mark.parametrize("optimised", [False, True])
@pytest.mark.parametrize("exporter", ["torchscript", "dynamo"])
def test_an_anchor_of_the_graph_is_the_network_of_its_weights(
    exporter: str,
    optimised: bool,  # noqa: FBT001
    graphs: dict[str, bytes],
    weights: dict[str, torch.Tensor],
) -> None:
    session = open_session(graphs[exporter], optimised=optimised)
    image = np.random.default_rng(0).uniform(0, 255, (1, 3, 5, 7)).astype(np.float32)
    spec = ExportSpec.of("torchscript", None, None)
    for index, anchor in enumerate(ANCHORS):
        single = Srcnn()
        single.load_state_dict({name: weights[name][index] for name in single.state_dict()})
        feeds = {"input": image, "factor": scales(anchor, anchor).numpy()}
        alone = open_session(export_graph(single.eval(), spec, {}), optimised=optimised)
        (found,), (expected,) = session.run(None, feeds), alone.run(None, feeds)
        np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("exporter", ["torchscript", "dynamo"])
def test_the_graph_has_no_superfluous_nodes(exporter: str, graphs: dict[str, bytes]) -> None:
    graph = onnx.load_from_string(graphs[exporter]).graph
    kinds = Counter(node.op_type for node in graph.node if node.op_type != "Constant")
    upscaling = {"Resize": 1, "Conv": 3, "Relu": 2}
    hats = {"Slice": 1, "ReduceMean": 1, "Mul": 1, "Round": 1, "Div": 2, "Clip": 1}
    assert kinds == upscaling | hats | {"Concat": 2, "Sub": 2, "MatMul": 6, "Reshape": 3}
    assert {node.domain for node in graph.node} == {""}
    assert [node.input[2] for node in graph.node if node.op_type == "Resize"] == ["factor"]
    attributes = [item for node in graph.node for item in node.attribute]
    kernels = [list(item.ints) for item in attributes if item.name == "kernel_shape"]
    assert kernels == [[9, 9], [1, 1], [5, 5]]
    named = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    assert named["network.conv1.weight"] == (8, 15552)
    assert named["network.conv3.bias"] == (8, 3)
    assert not any(name.startswith("onnx::") for name in named)


@pytest.mark.parametrize(("exporter", "opset"), EXPORTERS)
def test_the_same_bank_gives_the_same_bytes(
    exporter: Any, opset: int, graphs: dict[str, bytes], weights: dict[str, torch.Tensor]
) -> None:
    assert exported(SrcnnBank(weights).eval(), exporter, opset) == graphs[exporter]


@pytest.mark.parametrize(("exporter", "opset"), EXPORTERS)
def test_a_fixed_factor_folds_the_bank(exporter: Any, opset: int, bank: SrcnnBank) -> None:
    content = exported(bank, exporter, opset, "2x3.3")
    network = bank.at(scales(2, 3.3))
    assert content == export_graph(
        network, ExportSpec.of(exporter, opset, "2x3.3"), {"who": "test"}
    )
    _, findings = measure_parity(content, bank, ExportSpec.of(exporter, opset, "2x3.3").factor)
    assert findings == []


@pytest.mark.parametrize("scale", [None, "3"])
def test_the_card_names_the_anchors_of_a_live_bank(
    scale: str | None, weights: dict[str, torch.Tensor], tmp_path: Any
) -> None:
    spec = ExportSpec.of("torchscript", None, scale)
    checkpoint = saved(weights, tmp_path)
    graph = make_graph(checkpoint, SOURCE, spec)
    card = ModelCard.from_graph(onnx.load_from_string(graph))
    assert card is not None
    assert card.anchors == ([] if scale else list(ANCHORS))
    assert check_export(graph, checkpoint, SOURCE, spec)


def test_parity_finds_a_frozen_bank(bank: SrcnnBank) -> None:
    spec = ExportSpec.of("torchscript", None, None)
    frozen = export_graph(bank.at(scales(2, 2)), spec, {})
    assert check_graph(frozen) == []  # without a card there is nothing to find
    _, findings = measure_parity(frozen, bank, None)
    assert {finding.step for finding in findings} == {"parity", "weights"}


def test_parity_finds_a_wrong_weight_at_an_anchor_that_no_case_uses(
    bank: SrcnnBank, graphs: dict[str, bytes]
) -> None:
    model = onnx.load_from_string(graphs["torchscript"])
    (tensor,) = [each for each in model.graph.initializer if each.name == "network.conv2.weight"]
    rows = onnx.numpy_helper.to_array(tensor).copy()
    rows[ANCHORS.index(6.0), 5] += 0.01
    tensor.CopyFrom(onnx.numpy_helper.from_array(rows, tensor.name))
    content = model.SerializeToString()
    _, findings = measure_parity(content, bank, None)
    assert {finding.subject.partition(", ")[2] for finding in findings} == {
        "factor 5",
        "factor 6",
        "factor 7",
    }
