"""Pictures to planes and back, level by level."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from srcnn.errors import UnsupportedImageError
from srcnn.geometry import Size
from srcnn.pixels import check_picture, grey_of, to_integers, to_planes, upsample

DEPTHS = [np.dtype(np.uint8), np.dtype(np.uint16)]
SHAPES = [(5, 7), (5, 7, 3), (5, 7, 4)]


def levels(depth: np.dtype[Any]) -> np.ndarray:
    return np.arange(np.iinfo(depth).max + 1).astype(depth).reshape(16, -1)


def noise(shape: tuple[int, ...], depth: np.dtype[Any]) -> np.ndarray:
    top = np.iinfo(depth).max
    return np.random.default_rng(1).integers(0, top, shape, endpoint=True).astype(depth)


@pytest.mark.parametrize("depth", DEPTHS, ids=str)
def test_every_level_survives_the_way_to_planes_and_back(depth: np.dtype[Any]) -> None:
    image = levels(depth)
    planes, alpha = to_planes(image)
    assert alpha is None
    assert planes.dtype == np.float32
    assert (planes.min(), planes.max()) == (0, 255)
    back = to_integers(planes, depth, "nearest")
    assert back.dtype == depth
    assert all(np.array_equal(back[:, :, channel], image) for channel in range(3))


def test_every_level_of_eight_bits_survives_truncation() -> None:
    image = levels(np.dtype(np.uint8))
    assert np.array_equal(to_integers(to_planes(image)[0], image.dtype, "truncate")[:, :, 0], image)


@pytest.mark.parametrize("depth", DEPTHS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_planes_hold_colour_and_alpha_apart(shape: tuple[int, ...], depth: np.dtype[Any]) -> None:
    image = noise(shape, depth)
    planes, alpha = to_planes(image)
    assert planes.shape == (5, 7, 3)
    assert planes.flags.c_contiguous
    colour = image[:, :, :3] if image.ndim == 3 else np.dstack([image] * 3)
    assert np.array_equal(to_integers(planes, depth, "nearest"), colour)
    if len(shape) == 3 and shape[2] == 4:
        assert alpha is not None
        assert np.array_equal(to_integers(alpha, depth, "nearest"), image[:, :, 3])
    else:
        assert alpha is None


def test_a_picture_is_left_as_it_was() -> None:
    image = noise((5, 7, 4), np.dtype(np.uint8))
    before = image.copy()
    planes, _ = to_planes(image)
    planes[:] = 0
    assert np.array_equal(image, before)


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
def test_eight_bits_are_rounded_or_cut_as_asked(value: float, nearest: int, truncated: int) -> None:
    planes = np.full((2, 2, 3), value, dtype=np.float32)
    assert (to_integers(planes, np.dtype(np.uint8), "nearest") == nearest).all()
    assert (to_integers(planes, np.dtype(np.uint8), "truncate") == truncated).all()


def test_sixteen_bits_have_257_levels_for_each_of_eight() -> None:
    planes = np.array([[0, 1, 254.998, 255, 255.5, -1, np.inf, -np.inf]], dtype=np.float32)
    result = to_integers(planes, np.dtype(np.uint16), "nearest")
    assert result.tolist() == [[0, 257, 65534, 65535, 65535, 0, 65535, 0]]


@pytest.mark.parametrize("depth", DEPTHS, ids=str)
def test_integers_do_not_change_the_planes_they_come_from(depth: np.dtype[Any]) -> None:
    planes = np.full((2, 2), 3.7, dtype=np.float32)
    to_integers(planes, depth, "nearest")
    assert (planes == np.float32(3.7)).all()


@pytest.mark.parametrize("size", [Size(1, 1), Size(7, 13), Size(8, 8), Size(31, 9)], ids=str)
@pytest.mark.parametrize("channels", [(), (1,), (3,), (4,)], ids=str)
def test_upsampling_makes_the_size_asked_for(size: Size, channels: tuple[int, ...]) -> None:
    planes = np.full((5, 7, *channels), 42, dtype=np.float32)
    result = upsample(planes, size)
    assert result.shape[:2] == size
    assert result.dtype == np.float32
    assert result == pytest.approx(42, abs=1e-3)


def test_upsampling_to_the_same_size_changes_nothing() -> None:
    planes = noise((5, 7, 3), np.dtype(np.uint8)).astype(np.float32)
    assert np.array_equal(upsample(planes, Size(5, 7)), planes)


def test_upsampling_is_half_pixel_cubic() -> None:
    impulse = np.zeros((1, 9), dtype=np.float32)
    impulse[0, 4] = 1
    beside = upsample(impulse, Size(1, 18))[0, 6]  # 1.25 px from the impulse
    assert beside == pytest.approx(-0.75 * (1.25**3 - 5 * 1.25**2 + 8 * 1.25 - 4), abs=1e-5)


@pytest.mark.parametrize("depth", DEPTHS, ids=str)
@pytest.mark.parametrize("shape", [*SHAPES, (1, 1), (1, 1, 3), (1, 9, 4)], ids=str)
def test_pictures_are_accepted(shape: tuple[int, ...], depth: np.dtype[Any]) -> None:
    check_picture(np.zeros(shape, dtype=depth))


@pytest.mark.parametrize(
    "shape",
    [(), (5,), (0, 7), (5, 0), (0, 0, 3), (5, 7, 0), (5, 7, 1), (5, 7, 2), (5, 7, 5), (1, 5, 7, 3)],
    ids=str,
)
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UnsupportedImageError, match="expected pixels"):
        check_picture(np.zeros(shape, dtype=np.uint8))


@pytest.mark.parametrize("kind", ["bool", "int8", "int16", "uint32", "float16", "float32", "O"])
def test_other_types_are_refused(kind: str) -> None:
    with pytest.raises(UnsupportedImageError, match="uint8 or uint16"):
        check_picture(np.zeros((5, 7, 3), dtype=kind))


@pytest.mark.parametrize("depth", DEPTHS, ids=str)
def test_grey_repeated_three_times_is_that_grey(depth: np.dtype[Any]) -> None:
    grey = levels(depth)
    result = grey_of(np.dstack([grey] * 3))
    assert result.dtype == depth
    assert np.array_equal(result, grey)


@pytest.mark.parametrize("depth", DEPTHS, ids=str)
def test_grey_is_the_rounded_mean_and_favours_no_channel(depth: np.dtype[Any]) -> None:
    colour = noise((9, 9, 3), depth)
    exact = (2 * colour.astype(np.int64).sum(axis=2) + 3) // 6
    assert np.array_equal(grey_of(colour), exact)
    assert np.array_equal(grey_of(colour[:, :, ::-1].copy()), exact)
