"""The upsampling operator against torch, and against the two promises it adds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from srcnn.export.torch_operators import upsample


def scales(height: float, width: float) -> torch.Tensor:
    return torch.tensor([1.0, 1.0, height, width])


@pytest.mark.parametrize("factor", [(1, 1), (2, 2), (3, 4), (2.5, 1.5), (1.3, 3.3)])
def test_it_computes_what_interpolate_computes(factor: tuple[float, float]) -> None:
    image = torch.rand(2, 3, 11, 21)
    # float32 first, as the graph's input is.
    exact = [float(np.float32(axis)) for axis in factor]
    expected = functional.interpolate(
        image, scale_factor=exact, mode="bicubic", align_corners=False
    )
    torch.testing.assert_close(upsample(image, scales(*factor)), expected)


def test_the_size_follows_onnxruntime_where_torch_differs() -> None:
    # float32(1.3) is a little below 1.3: the float64 product is floored to 51.
    image = torch.rand(1, 3, 40, 40)
    factor = float(np.float32(1.3))
    theirs = functional.interpolate(image, scale_factor=factor, mode="bicubic")
    assert theirs.shape[2:] == (51, 51)
    assert upsample(image, scales(1.3, 1.3)).shape == (1, 3, 52, 52)


def test_the_coordinates_follow_the_factor_and_not_the_sizes() -> None:
    image = torch.arange(7.0).repeat(1, 1, 7, 1)
    ours = upsample(image, scales(1, 2.5))  # 17 px of 17.5
    by_size = functional.interpolate(image, size=(7, 17), mode="bicubic")
    assert ours.shape == by_size.shape
    # The centre of pixel 7 lies at 7.5 / 2.5 - 0.5, half-way between two pixels of the ramp.
    assert ours[0, 0, 0, 7] == pytest.approx(2.5, abs=1e-5)
    assert by_size[0, 0, 0, 7] != pytest.approx(2.5, abs=0.05)


@pytest.mark.parametrize(
    "factor", [(1, 1, 0, 2), (1, 1, 2, -1), (2, 1, 2, 2), (1, 1, float("nan"), 2)]
)
def test_a_factor_that_resize_refuses_is_refused(factor: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \[1, 1, fh, fw\]"):
        upsample(torch.rand(1, 3, 4, 4), torch.tensor(factor))
