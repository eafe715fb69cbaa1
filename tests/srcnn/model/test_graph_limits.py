"""Graphs without an end, or without a bound, are refused before they are run."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import srcnn
from srcnn.graphs.check import check_graph
from srcnn.inference.engine.network_from_onnx import read_network
from tests.support.graphs.hostile import add_weights, make_endless, make_huge, make_model

ENDLESS, HUGE = make_endless(), make_huge()


def save(folder: Path, model: onnx.ModelProto) -> str:
    path = folder / "x.onnx"
    path.write_bytes(model.SerializeToString())
    return str(path)


@pytest.mark.parametrize("name", ENDLESS)
def test_what_may_never_end_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(srcnn.ModelError, match=r"export the model|has more than 100,000 operators"):
        srcnn.Upscaler.load(save(tmp_path, ENDLESS[name]))
    content = ENDLESS[name].SerializeToString()
    assert [finding.step for finding in check_graph(content)] == ["file"]
    with pytest.raises(srcnn.ModelError):
        read_network(content, "image", "factor")


@pytest.mark.parametrize("name", HUGE)
def test_what_needs_more_memory_than_there_is_is_refused(name: str, tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(
        srcnn.ModelError, match=r"more memory than this process may use|sparse|maximum of"
    ):
        srcnn.Upscaler.load(save(tmp_path, HUGE[name]))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024  # KiB


def test_a_branch_runs(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info("result", TensorProto.FLOAT, None)
    then, other = (
        helper.make_graph([helper.make_node(name, ["larger"], ["result"])], name, [], [value])
        for name in ("Identity", "Neg")
    )
    node = helper.make_node("If", ["yes"], ["result"], then_branch=then, else_branch=other)
    yes = numpy_helper.from_array(np.ones((), dtype=bool), "yes")
    upscale = srcnn.Upscaler.load(save(tmp_path, make_model(node, constants=[yes])))
    assert (upscale(np.full((4, 5, 3), 7, dtype=np.uint8)) == 7).all()


def test_a_graph_writes_nothing_to_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its names and its errors come in our own message, which is one short line."""
    huge = TensorProto(name="\x1b[31m", data_type=1, dims=[2**40] * 2, raw_data=b"")
    many = make_model(helper.make_node("Identity", ["larger"], ["result"]))
    for number in range(10_000):
        value = helper.make_tensor_value_info(f"input {number}", TensorProto.FLOAT, [1])
        many.graph.input.append(value)
    for model in (make_model(add_weights(huge.name), constants=[huge]), many):
        with pytest.raises(srcnn.ModelError) as raised:
            srcnn.Upscaler.load(save(tmp_path, model))
        assert len(str(raised.value)) < 1000
        assert capfd.readouterr() == ("", "")
