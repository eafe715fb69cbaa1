"""Initial weights are read from the graph of a model."""

from __future__ import annotations

import io

import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from srcnn.errors import UsageError  # noqa: E402 - behind the skip
from srcnn.export.export_graph import make_graph  # noqa: E402
from srcnn.export.export_spec import ExportSpec  # noqa: E402
from srcnn.export.find_checkpoint import Source  # noqa: E402
from srcnn.export.srcnn_network import Srcnn  # noqa: E402
from srcnn.graphs.graph_format import CLEAN  # noqa: E402
from srcnn.model.model_file import Model  # noqa: E402
from srcnn.training.initial_weights import create_identity  # noqa: E402
from srcnn.training.save_checkpoint import to_checkpoint  # noqa: E402
from srcnn.training.training_spec import TrainingSpec  # noqa: E402
from srcnn.training.weights_from_model import read_initial_weights  # noqa: E402


def make_spec(*factors: float, qualities: tuple[float, ...] = (CLEAN,)) -> TrainingSpec:
    return TrainingSpec.of(factors=factors, qualities=qualities, steps=1)


def make_model(checkpoint: bytes) -> Model:
    source = Source("own", "own", (), None, "rgb-unit")
    return Model(
        "own", make_graph(checkpoint, source, ExportSpec.of("torchscript", None, None)), ""
    )


def test_weights_are_read_at_any_anchors() -> None:
    torch.manual_seed(3)
    stack = create_identity(2, 1).map(lambda matrix: matrix + 0.05 * torch.randn(matrix.shape))
    found = read_initial_weights(
        make_model(to_checkpoint(stack, make_spec(3.0), {})), make_spec(2.0, 3.0)
    )
    for read, (one, three) in zip(found.matrices, stack.matrices, strict=True):
        expected = torch.stack([one, (one + three) / 2, three])
        torch.testing.assert_close(read, expected, atol=1e-6, rtol=1e-5)


def test_a_model_with_one_axis_gives_every_quality_the_same_weights() -> None:
    torch.manual_seed(3)
    stack = create_identity(2, 1).map(lambda matrix: matrix + 0.05 * torch.randn(matrix.shape))
    model = make_model(to_checkpoint(stack, make_spec(3.0), {}))
    found = read_initial_weights(model, make_spec(3.0, qualities=(50.0, CLEAN)))
    for read, (one, three) in zip(found.matrices, stack.matrices, strict=True):
        torch.testing.assert_close(
            read, torch.stack([one, one, three, three]), atol=1e-6, rtol=1e-5
        )


def test_weights_are_read_at_any_qualities() -> None:
    torch.manual_seed(3)
    stack = create_identity(4, 1).map(lambda matrix: matrix + 0.05 * torch.randn(matrix.shape))
    spec = make_spec(3.0, qualities=(50.0, CLEAN))
    found = read_initial_weights(
        make_model(to_checkpoint(stack, spec, {})), make_spec(3.0, qualities=(50.0, 75.0, CLEAN))
    )
    for read, weights in zip(found.matrices, stack.matrices, strict=True):
        poor, clean = weights[0::2], weights[1::2]
        expected = torch.stack([poor, (poor + clean) / 2, clean], 1).flatten(0, 1)
        torch.testing.assert_close(read, expected, atol=1e-6, rtol=1e-5)


def test_a_network_of_another_form_is_refused() -> None:
    file = io.BytesIO()
    torch.save(Srcnn().state_dict(), file)
    with pytest.raises(UsageError, match=r"expected luma .*; got 64x3x9x9, .*--start identity"):
        read_initial_weights(make_model(file.getvalue()), make_spec(2.0))
