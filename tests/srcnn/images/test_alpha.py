"""The colour of transparent pixels, which must not cause halos; and flattening."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import srcnn.images.alpha
from srcnn.errors import UsageError
from srcnn.images.alpha import REACH_PX, bleed, flatten, is_opaque
from srcnn.images.colour import parse_colour
from srcnn.inference.upscaler import Upscaler

SIDES = st.integers(1, 60)
DEPTHS = st.sampled_from([np.uint8, np.uint16])


@pytest.fixture(scope="module")
def upscaler() -> Upscaler:
    return Upscaler.load(threads=1)


def spotted(height: int, width: int, depth: type, share: float, seed: int) -> Any:
    """Random colours, of which a share is visible; the rest has arbitrary colours."""
    rng = np.random.default_rng(seed)
    white = np.iinfo(depth).max
    image = rng.integers(0, white, (height, width, 4), dtype=depth, endpoint=True)
    image[:, :, 3] = np.where(rng.random((height, width)) < share, image[:, :, 3], 0)
    return image


def icon(depth: type = np.uint8) -> Any:
    """An opaque red disc on transparent black, with an antialiased edge."""
    white = np.iinfo(depth).max
    fine = np.zeros((48 * 8, 48 * 8), dtype=np.float32)
    cv2.circle(fine, (192, 192), 130, 1.0, cv2.FILLED)
    alpha = cv2.resize(fine, (48, 48), interpolation=cv2.INTER_AREA)
    image = np.zeros((48, 48, 4), dtype=depth)
    image[:, :, 3] = np.rint(alpha * white)
    image[:, :, 2] = np.where(image[:, :, 3] > 0, white, 0)
    return image


@settings(max_examples=150)
@given(SIDES, SIDES, DEPTHS, st.sampled_from([0.01, 0.1, 0.5, 0.99]), st.integers(0, 99))
def test_visible_pixels_and_alpha_do_not_change(
    height: int, width: int, depth: type, share: float, seed: int
) -> None:
    image = spotted(height, width, depth, share, seed)
    before = image.copy()
    result = bleed(image)
    assert np.array_equal(image, before)
    assert (result.shape, result.dtype) == (image.shape, image.dtype)
    seen = image[:, :, 3] > 0
    assert np.array_equal(result[seen], image[seen])
    assert np.array_equal(result[:, :, 3], image[:, :, 3])


@settings(max_examples=60)
@given(SIDES, SIDES, DEPTHS, st.sampled_from([0.003, 0.05, 0.5]), st.integers(0, 99))
def test_transparent_pixels_get_the_colour_of_a_nearest_visible_pixel(
    height: int, width: int, depth: type, share: float, seed: int
) -> None:
    image = spotted(height, width, depth, share, seed)
    result = bleed(image)
    seen = np.argwhere(image[:, :, 3])
    for row, column in np.argwhere(image[:, :, 3] == 0)[:: max(1, height * width // 50)]:
        offsets = np.abs(seen - (row, column))
        if not len(seen) or offsets.max(axis=1).min() > REACH_PX:
            assert np.array_equal(result[row, column], image[row, column])
            continue
        distances = np.hypot(*offsets.T)
        # The distances of the transform are exact to 2 %, each in its own direction.
        near = seen[distances <= distances.min() * 1.05 + 1e-6]
        assert result[row, column, :3].tolist() in image[near[:, 0], near[:, 1], :3].tolist()


def test_strips_give_the_same_as_the_whole() -> None:
    image = spotted(300, 9000, np.uint8, 0.002, 0)  # three strips
    assert len(list(srcnn.images.alpha._split_with_reach(*image.shape[:2]))) == 3
    sizes = [(rows.start, rows.stop) for rows in srcnn.images.alpha.strips(image)]
    assert sizes == [(0, 111), (111, 222), (222, 333)]
    expected = bleed(np.ascontiguousarray(image[:, :700]))[:, :600]  # one strip
    # Of two pixels at the same distance either may be used; nothing else differs.
    assert (bleed(image)[:, :600] != expected).any(axis=2).mean() < 0.02


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_pictures_without_edges_are_returned_unchanged(depth: type) -> None:
    image = spotted(20, 30, depth, 1, 0)
    for alpha in (0, 1, np.iinfo(depth).max):
        image[:, :, 3] = alpha
        assert bleed(image) is image
    assert bleed(image[:, :, :3]) is not None
    grey = np.ascontiguousarray(image[:, :, 0])
    assert bleed(grey) is grey


def redness(pixels: Any) -> float:
    """Return the darkest red of the visible pixels, 0 to 255."""
    seen = pixels[:, :, 3] > 0
    return float(pixels[:, :, 2][seen].min()) / np.iinfo(pixels.dtype).max * 255


@pytest.mark.parametrize("factor", [1.5, 2, 3, 4])
def test_a_bicubic_icon_has_no_dark_rim(factor: float) -> None:
    def enlarged(image: Any) -> Any:
        return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)

    assert redness(enlarged(icon())) < 128  # the halo
    assert redness(enlarged(bleed(icon()))) == 255


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("factor", [1.0, 1.5, 2.0, 4.0])
def test_an_upscaled_icon_has_no_dark_rim(upscaler: Upscaler, factor: float, depth: type) -> None:
    bled = upscaler(icon(depth), factor)
    # Compare with plain red: what the network does to a plain colour is not an edge.
    plain = icon(depth)
    plain[:, :, 2] = np.iinfo(depth).max
    everywhere = upscaler(plain, factor)
    seen = bled[:, :, 3] > 0
    level = np.iinfo(depth).max / 255
    assert np.abs(bled[seen].astype(float) - everywhere[seen]).max() <= level
    if factor > 1:
        halo = np.dstack([upscaler(icon(depth)[:, :, :3], factor), bled[:, :, 3]])
        assert redness(bled) > redness(halo) + 50


def test_opacity_is_alpha_at_its_top() -> None:
    image = spotted(5, 6, np.uint16, 1, 0)
    image[:, :, 3] = 65_535
    assert is_opaque(image)
    image[4, 5, 3] = 65_534
    assert not is_opaque(image)
    assert is_opaque(image[:, :, :3])
    assert is_opaque(image[:, :, 0])


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("white", (255, 255, 255)),
        ("Black", (0, 0, 0)),
        ("#0080ff", (0, 128, 255)),
        ("#fff", (255, 255, 255)),
        ("rgb(1, 2, 3)", (1, 2, 3)),
    ],
)
def test_colours_are_read(text: str, colour: tuple[int, int, int]) -> None:
    assert parse_colour(text) == colour


@pytest.mark.parametrize("text", ["", "nocolour", "#12", "#ffffff80", "rgba(1,2,3,0)", "255"])
def test_invalid_or_transparent_colours_are_rejected(text: str) -> None:
    with pytest.raises(UsageError, match=r"#rrggbb"):
        parse_colour(text)


@settings(max_examples=60)
@given(DEPTHS, st.integers(0, 999), st.sampled_from(["white", "black", "#123456"]))
def test_flattening_is_the_weighted_mean_rounded(depth: type, seed: int, colour: str) -> None:
    image = spotted(7, 9, depth, 0.8, seed)
    white = np.iinfo(depth).max
    share = image[:, :, 3:].astype(float) / white
    page = np.array(parse_colour(colour)[::-1]) * (white / 255)
    expected = image[:, :, :3] * share + page * (1 - share)
    result = flatten(image, parse_colour(colour))
    assert result.dtype == depth
    assert np.abs(result - expected).max() <= 0.5001


def test_grey_with_alpha_bleeds_like_colours() -> None:
    image = spotted(40, 50, np.uint8, 0.3, 0)
    image[:, :, :3] = image[:, :, :1]
    grey = bleed(image[:, :, 2:])
    assert np.array_equal(grey, bleed(image)[:, :, 2:])
    assert not np.array_equal(grey, image[:, :, 2:])


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_bleeding_does_not_depend_on_the_memory_layout(depth: type) -> None:
    """A view of ABGR as BGRA, every second plane, reversed rows, a transposed view."""
    image = spotted(20, 30, depth, 0.3, 0)
    wide = np.repeat(image, 2, axis=2)
    views = [image[:, :, [3, 2, 1, 0]][:, :, ::-1], wide[:, :, ::2], image[::-1, ::-1]]
    for view in [*views, image.transpose(1, 0, 2)]:
        assert np.array_equal(bleed(view), bleed(np.array(view, order="C")))
