"""Pictures made smaller, compared with Pillow."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from srcnn.geometry import Size
from srcnn.images.pixels import Pixels
from srcnn.inference import shrink as module
from srcnn.inference.shrink import shrink

SIZES = [Size(37, 61), Size(12, 5), Size(120, 40), Size(1, 1), Size(119, 159)]


@pytest.fixture(scope="module")
def picture() -> Pixels:
    """(120, 160, 3) uint8: gradients, sharp edges and noise."""
    rows, columns = np.mgrid[:120, :160]
    noise = np.random.default_rng(7).integers(0, 256, (120, 160))
    planes = (rows * 2, np.where((columns // 9 + rows // 5) % 2, 250, 3), noise)
    return np.stack(planes, axis=2).astype(np.uint8)


def resize_exactly(planes: npt.NDArray[Any], size: Size) -> npt.NDArray[np.float64]:
    """By Pillow in floats, each plane alone."""
    shape = (size.width, size.height)
    resized = [
        np.asarray(Image.fromarray(planes[:, :, each].astype(np.float32)).resize(shape, 3))
        for each in range(planes.shape[2])
    ]
    return np.stack(resized, axis=2).astype(np.float64)


def round_to(values: npt.NDArray[Any], depth: np.dtype[Any]) -> Pixels:
    rounded: Pixels = np.rint(values.clip(0, np.iinfo(depth).max)).astype(depth)
    return rounded


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_it_is_what_pillow_makes(picture: Pixels, size: Size) -> None:
    made = shrink(picture, size)
    assert made.dtype == np.uint8
    exact = resize_exactly(picture, size)
    assert np.abs(made - exact.clip(0, 255)).max() < 0.5001
    # In 8 bits, Pillow rounds after each pass, and clips: of what needs no clip it makes the same.
    pale = picture // 2 + 60
    pillow = np.asarray(Image.fromarray(pale).resize((size.width, size.height), 3))
    assert np.abs(shrink(pale, size).astype(int) - pillow).max() <= 1


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_sixteen_bits_are_exact_in_sixteen_bits(picture: Pixels, size: Size) -> None:
    deep = picture.astype(np.uint16) * 257 - (picture > 100) * np.uint16(77)
    made = shrink(deep, size)
    assert made.dtype == np.uint16
    exact = resize_exactly(deep, size).clip(0, 65535)
    assert np.abs(made - exact).max() < 0.51  # Pillow's floats have 24 bits


def test_grey_is_as_one_plane_of_a_picture(picture: Pixels) -> None:
    grey = shrink(picture[:, :, 1], Size(37, 61))
    np.testing.assert_array_equal(grey, shrink(picture, Size(37, 61))[:, :, 1])


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [2, 4])
def test_colours_count_as_much_as_they_are_opaque(
    picture: Pixels, channels: int, depth: type[np.uint8 | np.uint16]
) -> None:
    size, white = Size(37, 61), np.iinfo(depth).max
    factor = depth(white // 255)
    alpha = np.maximum(picture[:, :, :1], 20)
    image = np.concatenate([picture[:, :, : channels - 1], alpha], axis=2).astype(depth) * factor
    weighted = image.astype(np.float64)
    weighted[:, :, :-1] *= weighted[:, :, -1:] / white
    exact = resize_exactly(weighted, size)
    exact[:, :, :-1] *= white / exact[:, :, -1:]
    difference = shrink(image, size) - exact.clip(0, white)
    assert np.abs(difference).max() < (0.51 if depth is np.uint8 else 0.6)


def test_the_colour_of_what_is_transparent_does_not_show() -> None:
    """A red square on transparent green stays red at its edges, and around them."""
    image = np.zeros((64, 64, 4), np.uint8)
    image[:, :] = (0, 255, 0, 0)
    image[17:47, 17:47] = (0, 0, 255, 255)
    made = shrink(image, Size(16, 16))
    assert 0 < made[4, 8, 3] < 255
    assert made[4, 8].tolist()[:3] == [0, 0, 255]
    assert made[2, 8].tolist() == [0, 0, 255, 0]
    assert not made[:, :, 1].any()


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_a_flat_picture_stays_flat(height: int, width: int, data: st.DataObject) -> None:
    size = Size(data.draw(st.integers(1, height)), data.draw(st.integers(1, width)))
    value = data.draw(st.integers(0, 65535))
    made = shrink(np.full((height, width, 3), value, np.uint16), size)
    assert (made == value).all()


@pytest.mark.parametrize("kind", ["grey", "colours", "alpha"])
def test_some_pixels_at_a_time_are_the_whole(
    picture: Pixels, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alpha = np.concatenate([picture, picture[:, :, 1:2]], axis=2)
    image = {"grey": picture[:, :, 1], "colours": picture, "alpha": alpha}[kind]
    whole = shrink(image, Size(37, 61))
    monkeypatch.setattr(module, "_BLOCK_BYTES", 1)
    monkeypatch.setattr(module, "_CACHE_BYTES", 2000)
    calls: list[None] = []
    parts = shrink(image, Size(37, 61), lambda: calls.append(None))
    # Sums in another order: what lies in the middle between two levels may become either.
    assert np.abs(parts.astype(int) - whole).max() <= 1
    assert (parts != whole).mean() < 0.02
    assert len(calls) == 37  # a row at a time
