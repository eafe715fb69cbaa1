"""Both exporters: one interface, dynamic, deterministic, and PyTorch's values."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
import torch

from srcnn.errors import ModelError, UsageError
from srcnn.export.export_graph import make_graph
from srcnn.export.export_spec import DEFAULT_OPSET, OPSETS, ExportSpec
from srcnn.export.exporter import export_graph
from srcnn.export.find_checkpoint import find_checkpoint
from srcnn.export.parity import measure_parity
from srcnn.export.srcnn_network import Srcnn
from srcnn.graphs.check import check_graph
from srcnn.graphs.check_session import open_graph
from srcnn.graphs.graph_format import INPUT_AXES, OUTPUT_AXES, list_resize_attributes
from srcnn.model.card import CheckpointCard, ModelCard, ModelRecord
from srcnn.model.publish import publish_model
from srcnn.storage.download import compute_sha256
from srcnn.storage.folder import Folder

if TYPE_CHECKING:
    from pathlib import Path

LIVE = [
    ("torchscript", 11),
    ("torchscript", 13),
    ("torchscript", 18),
    ("torchscript", 20),
    ("dynamo", 18),
    ("dynamo", 24),
]


@pytest.fixture(scope="module")
def network() -> Srcnn:
    torch.manual_seed(1)
    return Srcnn().eval()


def exported(network: Srcnn, exporter: Any, opset: int, scale: str | None = None) -> bytes:
    return export_graph(network, ExportSpec.of(exporter, opset, scale), {"who": "test"})


def list_axes(value: onnx.ValueInfoProto) -> tuple[Any, ...]:
    return tuple(dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim)


@pytest.fixture(scope="module", params=LIVE, ids=lambda pair: f"{pair[0]}-{pair[1]}")
def live(request: pytest.FixtureRequest, network: Srcnn) -> tuple[int, bytes]:
    exporter, opset = request.param
    return opset, exported(network, exporter, opset)


def test_the_interface_is_the_same(live: tuple[int, bytes]) -> None:
    opset, content = live
    model = onnx.load_from_string(content)
    assert {value.name: list_axes(value) for value in model.graph.input} == {
        "input": INPUT_AXES,
        "factor": (4,),
    }
    assert {value.name: list_axes(value) for value in model.graph.output} == {"output": OUTPUT_AXES}
    assert [item.version for item in model.opset_import] == [opset]
    assert {item.key: item.value for item in model.metadata_props} == {"who": "test"}


def test_every_attribute_of_resize_is_written_out(live: tuple[int, bytes]) -> None:
    opset, content = live
    graph = onnx.load_from_string(content).graph
    (resize,) = [node for node in graph.node if node.op_type == "Resize"]
    found = {item.name: onnx.helper.get_attribute_value(item) for item in resize.attribute}
    expected = list_resize_attributes(opset)
    assert {
        name: value.decode() if isinstance(value, bytes) else value for name, value in found.items()
    } == expected
    assert resize.input[2] == "factor"


def test_nothing_of_this_machine_is_in_the_file(live: tuple[int, bytes]) -> None:
    _, content = live
    assert str(__file__).encode() not in content
    assert b"/srcnn/" not in content


@pytest.mark.parametrize(("exporter", "opset"), [("torchscript", 13), ("dynamo", 18)])
def test_it_passes_the_check_and_agrees_with_pytorch(
    exporter: str, opset: int, network: Srcnn
) -> None:
    content = exported(network, exporter, opset)
    assert check_graph(content) == []
    rows, findings = measure_parity(content, network, None)
    assert findings == []
    assert len(rows) >= 5 * 6
    assert 0 < max(row.max_abs_error for row in rows) < 0.01


def test_opsets_compute_the_same(live: tuple[int, bytes], network: Srcnn) -> None:
    image = np.random.default_rng(0).uniform(0, 255, (1, 3, 40, 7)).astype(np.float32)
    scales = np.array([1, 1, 1.3, 3.3], np.float32)
    found = open_graph(live[1], optimised=True)(image, scales)
    reference = open_graph(exported(network, "torchscript", 13), optimised=False)(image, scales)
    assert found.shape == (1, 3, 52, 23)
    np.testing.assert_allclose(found, reference, atol=0.01)


@pytest.mark.parametrize(("exporter", "opset"), [("torchscript", 11), ("dynamo", 18)])
def test_a_fixed_factor_leaves_one_input(exporter: str, opset: int, network: Srcnn) -> None:
    spec = ExportSpec.of(exporter, opset, "2x3.3")  # type: ignore[arg-type] # one of the two
    content = export_graph(network, spec, {})
    assert [value.name for value in onnx.load_from_string(content).graph.input] == ["input"]
    rows, findings = measure_parity(content, network, spec.factor)
    assert findings == []
    assert {row.factor for row in rows} == {"2x3.3"}


@pytest.mark.parametrize("exporter", ["torchscript", "dynamo"])
def test_the_same_arguments_give_the_same_bytes(exporter: Any, network: Srcnn) -> None:
    opset = DEFAULT_OPSET[exporter]
    assert exported(network, exporter, opset) == exported(network, exporter, opset)


# Hashes of `make_graph` before banks were added, with the versions below.
GRAPHS_OF_OPENMMLAB = {
    ("torchscript", None): "17f3301a84ab0bd68c974932f8024204aaa1ed34b9d5bb367430fdc93a69dea0",
    ("torchscript", "4"): "1f1d5448e91b444e21315cbc1b5f870501f9aeac8bed37ab649dcdaaf7aad99e",
    ("dynamo", None): "f344a15752db02b046f993c3b9b73112bb3928e29516536863c3cbcb5404738a",
    ("dynamo", "2x3"): "5c28bb6519be3bc6a3e0bc870bd011d0d76310e5a83e9282a952875bb3b62a58",
}
VERSIONS = {"torch": "2.13.0", "onnx": "1.23.2", "onnxruntime": "1.32.0"}


@pytest.mark.parametrize(("exporter", "scale"), GRAPHS_OF_OPENMMLAB)
def test_graphs_of_single_checkpoints_are_unchanged_since_before_banks(
    exporter: Any, scale: str | None, reference: Path
) -> None:
    found = {name: version(name).partition("+")[0] for name in VERSIONS}
    if found != VERSIONS:
        pytest.skip(f"these hashes are for {VERSIONS}, not for {found}")
    source = find_checkpoint("openmmlab-x4")
    content = (reference / "checkpoints" / PurePosixPath(source.origin).name).read_bytes()
    graph = make_graph(content, source, ExportSpec.of(exporter, None, scale))
    assert compute_sha256(graph) == GRAPHS_OF_OPENMMLAB[exporter, scale]


def test_a_graph_is_only_published_with_its_record(network: Srcnn) -> None:
    graph = exported(network, "torchscript", 13)
    with pytest.raises(ModelError, match="no card"):
        publish_model(graph, [], "memory://models/none")
    assert not Folder("memory://models/none").exists()
    card = ModelCard(
        name="test",
        checkpoint=CheckpointCard(url="a.pth", sha256="0" * 64, convention="bgr-byte"),
        exporter="torchscript",
        opset=13,
        versions={},
        tolerance=0.02,
    )
    graph = export_graph(network, ExportSpec.of("torchscript", 13, None), card.to_metadata())
    assert publish_model(graph, [], "memory://models/a/") == "memory://models/a/srcnn.onnx"
    folder = Folder("memory://models/a")
    assert folder.read("srcnn.onnx") == graph
    record = ModelRecord.model_validate_json(folder.read("srcnn.json"))
    assert (record.model, record.sha256) == (card, compute_sha256(graph))


def test_parity_finds_wrong_weights_and_names_the_case(network: Srcnn) -> None:
    content = exported(network, "torchscript", 13)
    other = Srcnn().eval()
    other.load_state_dict(network.state_dict())
    with torch.no_grad():
        other.conv3.bias += 0.1
    _, findings = measure_parity(content, other, None)
    assert "1 x 1 px" in findings[0].subject
    assert "0.1" in findings[0].text
    assert findings[-1].text == "41 more like these"


@pytest.mark.parametrize(
    ("exporter", "opset", "scale", "text"),
    [
        ("torchscript", 10, None, "opsets 11 to 20"),
        ("torchscript", 21, None, "opsets 11 to 20"),
        ("dynamo", 17, None, "opsets 18 to 24"),
        ("dynamo", 25, None, "opsets 18 to 24"),
        ("dynamo", None, "width=100", "needs the factor as an input"),
        ("dynamo", None, "17", "from 1 to 16"),
    ],
)
def test_what_cannot_be_exported_is_refused(
    exporter: Any, opset: int | None, scale: str | None, text: str
) -> None:
    with pytest.raises(UsageError, match=text):
        ExportSpec.of(exporter, opset, scale)


def test_default_opsets_are_supported() -> None:
    assert all(DEFAULT_OPSET[exporter] in OPSETS[exporter] for exporter in OPSETS)
