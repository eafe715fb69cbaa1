"""Banks that follow the quality too, in PyTorch and in the graphs of both exporters."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from srcnn.export.export_graph import check_export, make_graph
from srcnn.export.export_spec import DEFAULT_OPSET, ExportSpec
from srcnn.export.find_checkpoint import Source
from srcnn.export.parity import measure_parity
from srcnn.export.srcnn_bank import SrcnnBank
from srcnn.geometry import Factor
from srcnn.graphs.check import check_graph
from srcnn.graphs.check_cases import QUALITIES, Setting, list_scales
from srcnn.graphs.compare_bank_weights import compute_weights_at
from srcnn.graphs.graph_format import round_quality
from srcnn.model.card import ModelCard
from tests.support.graphs import quality_banks
from tests.support.graphs.quality_banks import FACTORS, LEVELS, take_clean

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

OPSETS = [
    *(("torchscript", opset) for opset in (13, 20)),
    *(("dynamo", opset) for opset in (18, 24)),
]
STEPS = [Fraction(step, 48) for step in range(48, 16 * 48, 37)]
PAIRS = [
    *(Factor(height, width) for height, width in zip(STEPS, reversed(STEPS), strict=True)),
    *(Factor(step, step) for step in STEPS),
]

qualities = st.floats(1, 100, width=32)
grids = st.lists(qualities.filter(lambda level: level < 100), min_size=1, max_size=8, unique=True)


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    return quality_banks.make_weights()


@pytest.fixture(scope="module")
def bank() -> SrcnnBank:
    return quality_banks.make_bank()


@pytest.fixture(scope="module")
def clean() -> SrcnnBank:
    """The bank of the factor alone, of the same weights without loss, for BGR 0..255."""
    weights = take_clean(quality_banks.make_weights())
    return SrcnnBank(
        {name: value * (255 if name.endswith("bias") else 1) for name, value in weights.items()}
    )


@pytest.fixture(scope="module")
def graphs(bank: SrcnnBank) -> dict[tuple[str, int], bytes]:
    return {key: quality_banks.export(bank, *key) for key in OPSETS}


def scales(height: float, width: float) -> torch.Tensor:
    return torch.tensor([1, 1, height, width], dtype=torch.float32)


def small_bank(factors: list[float], levels: list[float]) -> SrcnnBank:
    """One number for each layer: enough for hats."""
    number = torch.zeros(len(factors), len(levels), 1)
    names = [f"conv{index}.{kind}" for index in (1, 2, 3) for kind in ("weight", "bias")]
    axes = {"anchors": torch.tensor(factors), "qualities": torch.tensor(levels)}
    return SrcnnBank(dict.fromkeys(names, number) | axes)


@given(levels=grids, quality=qualities, factor=st.floats(1, 16, width=32))
def test_the_hats_are_bilinear_interpolation(
    levels: list[float], quality: float, factor: float
) -> None:
    factors, levels = [1.0, 2.5, 7.0], [*sorted(levels), 100.0]
    bank = small_bank(factors, levels)
    found = bank.compute_hats(scales(factor, factor), torch.tensor([quality])).numpy()
    nearest = round(Fraction(quality) / Fraction(5, 2)) * Fraction(5, 2)  # halves to even
    across = [np.interp(round(16 * Fraction(factor)) / 16, factors, row) for row in np.eye(3)]
    along = [np.interp(float(nearest), levels, row) for row in np.eye(len(levels))]
    # Rows are in the order of the bank: those without loss first.
    expected = np.outer(along[::-1], across).ravel()
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert found.min() >= 0


@pytest.mark.parametrize("row", range(len(FACTORS)))
@pytest.mark.parametrize("column", range(len(LEVELS)))
def test_an_anchor_pair_has_its_own_weights_bit_for_bit(
    row: int, column: int, weights: dict[str, torch.Tensor]
) -> None:
    factor = FACTORS[row]
    network = SrcnnBank(weights).at(scales(factor, factor), LEVELS[column]).state_dict()
    assert all(torch.equal(network[name], weights[name][row, column]) for name in network)


@pytest.mark.parametrize("channels", [1, 3])
def test_without_loss_it_is_the_bank_of_the_factor_bit_for_bit(channels: int) -> None:
    weights = quality_banks.make_weights(channels=channels, seed=3)
    bank, clean = SrcnnBank(weights), SrcnnBank(take_clean(weights))
    image = torch.rand(1, 3, 9, 11)
    for pair in PAIRS:
        factor = torch.from_numpy(list_scales(pair))
        expected = clean.at(factor).state_dict()
        for quality in (100.0, 98.75):
            found = bank.at(factor, quality).state_dict()
            assert all(torch.equal(found[name], expected[name]) for name in expected)
        # PyTorch's matrix product sums more rows in another order on some processors.
        for quality in (None, torch.tensor([100.0])):
            torch.testing.assert_close(bank(image, factor, quality), clean(image, factor))


@pytest.mark.parametrize("key", OPSETS)
@pytest.mark.parametrize("level", [True, False], ids=["optimised", "plain"])
def test_without_loss_so_is_the_graph(
    key: tuple[str, int],
    level: bool,  # noqa: FBT001
    graphs: dict[tuple[str, int], bytes],
    clean: SrcnnBank,
) -> None:
    options = onnxruntime.SessionOptions()
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if level else levels.ORT_DISABLE_ALL
    found, expected = (
        onnxruntime.InferenceSession(content, options)
        for content in (graphs[key], quality_banks.export(clean, *key))
    )
    image = np.random.default_rng(0).uniform(0, 255, (1, 3, 7, 9)).astype(np.float32)
    for pair in PAIRS:
        feeds = {"input": image, "factor": list_scales(pair)}
        (wanted,) = expected.run(None, feeds)
        for quality in ({}, {"quality": np.float32([100])}):
            assert np.array_equal(found.run(None, feeds | quality)[0], wanted)


@pytest.mark.parametrize("key", OPSETS)
def test_the_quality_is_an_input_that_may_be_left_out(
    key: tuple[str, int], graphs: dict[tuple[str, int], bytes]
) -> None:
    model = onnx.load_from_string(graphs[key])
    onnx.checker.check_model(model, full_check=True)
    assert [value.name for value in model.graph.input] == ["input", "factor", "quality"]
    session = onnxruntime.InferenceSession(graphs[key])
    assert [value.name for value in session.get_inputs()] == ["input", "factor"]
    (quality,) = session.get_overridable_initializers()
    assert (quality.name, quality.type, quality.shape) == ("quality", "tensor(float)", [1])
    (default,) = [each for each in model.graph.initializer if each.name == "quality"]
    assert onnx.numpy_helper.to_array(default).tolist() == [100]


@pytest.mark.parametrize("key", OPSETS)
def test_it_passes_the_check_and_agrees_with_pytorch(
    key: tuple[str, int], graphs: dict[tuple[str, int], bytes], bank: SrcnnBank
) -> None:
    assert check_graph(graphs[key]) == []
    rows, findings = measure_parity(graphs[key], bank, None)
    assert findings == []
    assert {row.quality for row in rows} == {None, *QUALITIES}
    assert {row.factor for row in rows if row.quality == 33} >= {"1", "2x3", "3.3x1.3", "2.57x16"}
    assert 0 < max(row.max_abs_error for row in rows) < 0.01


def test_weights_of_three_channels_follow_it_too() -> None:
    bank = quality_banks.make_bank(factors=(1, 3), levels=(75, 100), channels=3, seed=2)
    content = quality_banks.export(bank)
    assert check_graph(content) == []
    assert measure_parity(content, bank, None)[1] == []


@pytest.mark.parametrize("exporter", ["torchscript", "dynamo"])
def test_the_graph_mixes_as_pytorch_does(
    exporter: str, graphs: dict[tuple[str, int], bytes], bank: SrcnnBank
) -> None:
    content = graphs[exporter, DEFAULT_OPSET[exporter]]  # type: ignore[index] # one of the two
    settings = [
        Setting(pair, quality) for pair, quality in zip(PAIRS, range(1, 101, 2), strict=False)
    ]
    found = compute_weights_at(onnx.load_from_string(content), settings)
    for index, (pair, quality) in enumerate(settings):
        assert quality is not None
        network = bank.at(torch.from_numpy(list_scales(pair)), quality).state_dict()
        for values, wanted in zip(found.values(), network.values(), strict=True):
            np.testing.assert_allclose(values[index], wanted.numpy().ravel(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("exporter", ["torchscript", "dynamo"])
def test_the_graph_has_no_superfluous_nodes(
    exporter: str, graphs: dict[tuple[str, int], bytes]
) -> None:
    content = graphs[exporter, DEFAULT_OPSET[exporter]]  # type: ignore[index] # one of the two
    graph = onnx.load_from_string(content).graph
    kinds = Counter(node.op_type for node in graph.node if node.op_type != "Constant")
    upscaling = {"Resize": 1, "Conv": 3, "Relu": 2, "Pad": 1, "ReduceSum": 1, "Add": 1}
    hats = {"Slice": 1, "ReduceMean": 1, "Round": 2, "Div": 4, "Clip": 2, "Sub": 4}
    # Of luma, of both steps, and of both axes.
    products = {"Mul": 4, "MatMul": 6, "Reshape": 4, "Concat": 5}
    assert kinds == upscaling | hats | products
    named = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    assert named["network.conv1.weight"] == (20, 64 * 81)


def test_qualities_are_rounded_to_steps(bank: SrcnnBank) -> None:
    def compute(quality: float) -> torch.Tensor:
        return bank.compute_hats(scales(2, 3), torch.tensor([quality]))

    for same in (73.75, 74.0, 76.0, 76.25):  # halves to even: 30 steps
        assert torch.equal(compute(same), compute(75))
    for other in (72.5, 77.5):
        assert not torch.equal(compute(other), compute(75))


@given(quality=st.floats(1, 100))
def test_a_rounded_quality_has_the_same_weights(quality: float) -> None:
    bank = small_bank([1.0, 2.0], [1.0, 33.0, 97.0, 100.0])
    found, rounded = (
        bank.compute_hats(scales(2, 2), torch.tensor([each]))
        for each in (np.float32(quality), round_quality(float(np.float32(quality))))
    )
    assert torch.equal(found, rounded)
    assert 1 <= round_quality(quality) <= 100


@pytest.mark.parametrize("exporter", ["torchscript", "dynamo"])
def test_a_fixed_factor_is_the_plain_graph_without_loss(
    exporter: Any, bank: SrcnnBank, clean: SrcnnBank
) -> None:
    content = quality_banks.export(bank, exporter, None, "2x3.3")
    assert content == quality_banks.export(clean, exporter, None, "2x3.3")
    assert [value.name for value in onnx.load_from_string(content).graph.input] == ["input"]
    fixed = ExportSpec.of(exporter, None, "2x3.3").factor
    assert measure_parity(content, bank, fixed)[1] == []


def test_the_card_names_the_qualities(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    torch.save(weights, tmp_path / "a.pth")
    checkpoint = (tmp_path / "a.pth").read_bytes()
    source = Source("mine", "mine.pth", (), None, "rgb-unit")
    for scale, expected in ((None, list(LEVELS)), ("3", [])):
        spec = ExportSpec.of("torchscript", None, scale)
        graph = make_graph(checkpoint, source, spec)
        card = ModelCard.from_graph(onnx.load_from_string(graph))
        assert card is not None
        assert card.qualities == expected
        assert check_export(graph, checkpoint, source, spec)


def change_row(content: bytes, row: int) -> bytes:
    model = onnx.load_from_string(content)
    (tensor,) = [each for each in model.graph.initializer if each.name == "network.conv2.weight"]
    rows: npt.NDArray[np.float32] = onnx.numpy_helper.to_array(tensor).copy()
    rows[row, 5] += 0.01
    tensor.CopyFrom(onnx.numpy_helper.from_array(rows, tensor.name))
    return model.SerializeToString()


def test_parity_finds_a_wrong_weight_of_one_pair(
    graphs: dict[tuple[str, int], bytes], bank: SrcnnBank
) -> None:
    row = list(reversed(LEVELS)).index(60) * len(FACTORS) + FACTORS.index(1.5)
    _, findings = measure_parity(change_row(graphs["torchscript", 13], row), bank, None)
    first = next(finding for finding in findings if finding.step == "weights")
    assert first.subject.endswith(", factor 1.5, quality 60")
