"""The network in training computes what the exported network computes."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from srcnn.export.srcnn_network import Srcnn  # noqa: E402 - behind the skip
from srcnn.graphs.graph_format import LUMA  # noqa: E402 - as above
from srcnn.training.checkpoint_weights import (  # noqa: E402
    from_checkpoint_weights,
    to_checkpoint_weights,
)
from srcnn.training.initial_weights import create_identity  # noqa: E402
from srcnn.training.luma_network import Luma, sharpen  # noqa: E402


def make_random_stack(anchors: int) -> Luma:
    """Networks with random weights that differ from anchor to anchor."""
    torch.manual_seed(3)
    return create_identity(anchors, 1).map(lambda matrix: matrix + 0.05 * torch.randn(matrix.shape))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1), (3, 4), (13, 17)])
def test_it_is_the_exported_network_and_has_its_gradients(size: tuple[int, int]) -> None:
    stack = make_random_stack(3)
    network = Srcnn(1)
    network.load_state_dict({name: row[2] for name, row in to_checkpoint_weights(stack).items()})
    picture = torch.rand(2, 3, *size) * 1.7 - 0.35  # with the cubic's overshoots
    luma = (picture * torch.tensor(LUMA).view(3, 1, 1)).sum(1)
    weights = stack.map(lambda matrix: matrix[2].clone().requires_grad_())
    added, expected = sharpen(luma, weights) - luma, network(picture) - picture
    assert expected.abs().max() > 0.01
    torch.testing.assert_close(added, expected[:, 0], atol=1e-5, rtol=0)
    torch.testing.assert_close(expected, added[:, None].expand_as(expected), atol=1e-5, rtol=0)
    cotangent = torch.rand_like(added)
    gradients = torch.autograd.grad((added * cotangent).sum(), weights.matrices)
    (expected[:, 0] * cotangent).sum().backward()
    found = to_checkpoint_weights(Luma(*(gradient[None] for gradient in gradients)))
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(found[name][0], parameter.grad, atol=1e-4, rtol=1e-4)


def test_what_is_flat_stays_flat_at_the_border() -> None:
    one = make_random_stack(1).map(lambda matrix: matrix[0])
    result = sharpen(torch.full((1, 9, 12), 0.6), one)
    torch.testing.assert_close(result, result[:, 4:5, 4:5].expand_as(result), atol=1e-6, rtol=0)


def test_weights_of_a_checkpoint_convert_back() -> None:
    stack = make_random_stack(3)
    back = from_checkpoint_weights(to_checkpoint_weights(stack))
    for found, expected in zip(back.matrices, stack.matrices, strict=True):
        assert torch.equal(found, expected)
