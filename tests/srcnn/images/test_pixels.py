"""Pixel arrays: valid kinds, their parts, and rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from srcnn.errors import UnsupportedImageError
from srcnn.images.pixels import check_picture, has_alpha, split_alpha, to_integers

DEPTHS = [np.dtype(np.uint8), np.dtype(np.uint16)]
# And how many channels are colours.
SHAPES = [((5, 7), 1), ((5, 7, 2), 1), ((5, 7, 3), 3), ((5, 7, 4), 3)]


def noise(shape: tuple[int, ...], depth: np.dtype[Any]) -> np.ndarray:
    top = np.iinfo(depth).max
    return np.random.default_rng(1).integers(0, top, shape, endpoint=True).astype(depth)


@pytest.mark.parametrize("depth", DEPTHS, ids=str)
@pytest.mark.parametrize(("shape", "colours"), SHAPES, ids=str)
def test_colours_and_alpha_are_views(
    shape: tuple[int, ...], colours: int, depth: np.dtype[Any]
) -> None:
    image = noise(shape, depth)
    colour, alpha = split_alpha(image)
    assert colour.shape == (5, 7, colours)
    assert np.shares_memory(colour, image)
    channels = image.reshape(5, 7, -1)
    assert np.array_equal(colour, channels[:, :, :colours])
    assert has_alpha(image) == (channels.shape[2] > colours) == (alpha is not None)
    if alpha is not None:
        assert np.array_equal(alpha, channels[:, :, colours:])


@pytest.mark.parametrize(
    ("value", "nearest", "truncated"),
    [
        (0.4, 0, 0),
        (0.6, 1, 0),
        (99.999, 100, 99),
        (254.6, 255, 254),
        (-3.0, 0, 0),
        (300.0, 255, 255),
    ],
)
def test_eight_bits_are_rounded_or_truncated(value: float, nearest: int, truncated: int) -> None:
    planes = np.full((2, 2, 3), value, dtype=np.float32)
    assert (to_integers(planes, np.dtype(np.uint8), "nearest") == nearest).all()
    assert (to_integers(planes, np.dtype(np.uint8), "truncate") == truncated).all()


def test_sixteen_bits_have_257_levels_for_each_of_eight() -> None:
    planes = np.array([[0, 1, 254.998, 255, 255.5, -1, np.inf, -np.inf]], dtype=np.float32)
    result = to_integers(planes, np.dtype(np.uint16), "nearest")
    assert result.tolist() == [[0, 257, 65534, 65535, 65535, 0, 65535, 0]]


@pytest.mark.parametrize("depth", DEPTHS, ids=str)
def test_to_integers_does_not_change_its_input(depth: np.dtype[Any]) -> None:
    planes = np.full((2, 2), 3.7, dtype=np.float32)
    to_integers(planes, depth, "nearest")
    assert (planes == np.float32(3.7)).all()


@pytest.mark.parametrize("depth", DEPTHS, ids=str)
@pytest.mark.parametrize(
    "shape", [(5, 7), (5, 7, 2), (5, 7, 3), (1, 1), (1, 1, 3), (1, 9, 4)], ids=str
)
def test_pictures_are_accepted(shape: tuple[int, ...], depth: np.dtype[Any]) -> None:
    check_picture(np.zeros(shape, dtype=depth))


@pytest.mark.parametrize(
    "shape",
    [(), (5,), (0, 7), (5, 0), (0, 0, 3), (5, 7, 0), (5, 7, 1), (5, 7, 5), (1, 5, 7, 3)],
    ids=str,
)
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UnsupportedImageError, match="expected pixels"):
        check_picture(np.zeros(shape, dtype=np.uint8))


@pytest.mark.parametrize("kind", ["bool", "int8", "int16", "uint32", "float16", "float32", "O"])
def test_other_types_are_refused(kind: str) -> None:
    with pytest.raises(UnsupportedImageError, match="uint8 or uint16"):
        check_picture(np.zeros((5, 7, 3), dtype=kind))
