"""Filters that are zero get random weights, which change nothing until they are trained."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from srcnn.quality.conditions import Condition  # noqa: E402 - behind the skip
from srcnn.training.gradients import compute_gradients  # noqa: E402
from srcnn.training.initial_weights import create_identity, reinitialise_zero_filters  # noqa: E402
from srcnn.training.luma_network import Luma, sharpen  # noqa: E402
from srcnn.training.patches import Patches  # noqa: E402
from srcnn.training.weight_interpolation import weights_at  # noqa: E402

FEATURES, MAPPED = slice(61, 64), slice(29, 32)
MIDWAY = torch.tensor([0.5, 0.5])


def make_stack_with_zero_filters() -> Luma:
    """Two networks, of which three filters of each layer are zero in both."""
    torch.manual_seed(3)
    stack = create_identity(2, 1).map(lambda matrix: matrix + 0.05 * torch.randn(matrix.shape))
    stack.first[:, FEATURES] = 0
    stack.second[:, MAPPED] = 0
    stack.second[:, :, FEATURES] = 0
    stack.third[:, :, MAPPED] = 0
    return stack


@pytest.mark.parametrize("shares", [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
def test_reinitialised_filters_change_no_result(shares: list[float]) -> None:
    stack = make_stack_with_zero_filters()
    picture = torch.rand(1, 20, 24)
    before, after = (
        sharpen(picture, weights_at(each, torch.tensor(shares)))
        for each in (stack, reinitialise_zero_filters(stack, 4))
    )
    torch.testing.assert_close(after, before, atol=1e-6, rtol=0)


def test_reinitialised_filters_have_gradients() -> None:
    texture = np.random.default_rng(1).integers(0, 256, (200, 200), np.uint8)
    batch = Patches([texture]).draw(Condition(2.0), np.random.default_rng(0))
    stack = make_stack_with_zero_filters()
    zero, changed = (
        compute_gradients(batch, each, MIDWAY, None).gradients
        for each in (stack, reinitialise_zero_filters(stack, 4))
    )
    assert not zero[1][:, FEATURES].any()
    assert not zero[2][:, MAPPED].any()
    assert changed[1][:29, FEATURES].abs().sum(0).all()
    assert changed[2][:, MAPPED].abs().sum(0).all()


def test_only_filters_that_are_zero_throughout_are_reinitialised() -> None:
    stack = make_stack_with_zero_filters()
    stack.first[1, 61, 40] = 1.0  # at one anchor, one input
    stack.second[0, 3, 62] = 1.0  # one output
    stack.third[1, 12, 31] = 1.0
    changed, again = (reinitialise_zero_filters(stack, 4) for _ in range(2))
    assert torch.equal(changed.first[:, :63], stack.first[:, :63])
    assert changed.first[:, 63, :-1].all()
    assert torch.equal(changed.second[:, [*range(29), 31]], stack.second[:, [*range(29), 31]])
    assert changed.second[:, 29:31, :-1].all()
    for first, second in zip(changed.matrices, again.matrices, strict=True):
        assert torch.equal(first, second)
