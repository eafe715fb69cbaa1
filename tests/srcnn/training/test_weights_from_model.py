"""Initial weights are read from the graph of a model."""

from __future__ import annotations

import io

import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from srcnn.errors import UsageError  # noqa: E402 - behind the skip
from srcnn.export.export_spec import ExportSpec  # noqa: E402
from srcnn.export.find_checkpoint import Source  # noqa: E402
from srcnn.export.pipeline import make_graph  # noqa: E402
from srcnn.export.srcnn_network import Srcnn  # noqa: E402
from srcnn.model.model_file import Model  # noqa: E402
from srcnn.training.initial_weights import create_identity  # noqa: E402
from srcnn.training.save_checkpoint import to_checkpoint  # noqa: E402
from srcnn.training.weights_from_model import read_initial_weights  # noqa: E402


def make_model(checkpoint: bytes) -> Model:
    source = Source("own", "own", (), None, "rgb-unit")
    return Model(
        "own", make_graph(checkpoint, source, ExportSpec.of("torchscript", None, None)), ""
    )


def test_weights_are_read_at_any_anchors() -> None:
    torch.manual_seed(3)
    stack = create_identity(2, 1).map(lambda matrix: matrix + 0.05 * torch.randn(matrix.shape))
    found = read_initial_weights(make_model(to_checkpoint(stack, (1.0, 3.0), {})), (1.0, 2.0, 3.0))
    for read, (one, three) in zip(found.matrices, stack.matrices, strict=True):
        expected = torch.stack([one, (one + three) / 2, three])
        torch.testing.assert_close(read, expected, atol=1e-6, rtol=1e-5)


def test_a_network_of_another_form_is_refused() -> None:
    file = io.BytesIO()
    torch.save(Srcnn().state_dict(), file)
    with pytest.raises(UsageError, match=r"expected luma .*; got 64x3x9x9, .*--start identity"):
        read_initial_weights(make_model(file.getvalue()), (1.0, 2.0))
