"""Shrinking, bicubic, PSNR and SSIM against published algorithms and files."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import metrics

import srcnn
from srcnn.geometry import Size
from srcnn.quality.compare import (
    bicubic,
    compute_border_px,
    compute_figures,
    degrade_as_source,
    is_large_enough,
    measure,
    measure_each,
)
from srcnn.quality.conditions import Condition
from srcnn.quality.degradation import (
    BILINEAR,
    BOX,
    LANCZOS,
    Kernel,
    degrade,
    shrink,
    shrink_taps,
)
from srcnn.quality.jpeg import compress
from srcnn.quality.measures import luma, psnr_db, ssim

Pixels = npt.NDArray[np.uint8]
sides = st.integers(1, 40)


def noise(*shape: int) -> Pixels:
    return np.random.default_rng(3).integers(0, 256, shape, np.uint8)


def darker(low: Pixels, size: Size) -> Pixels:
    return bicubic(low, size) // 2


def contributions(pixels_in: int, pixels_out: int) -> list[dict[int, float]]:
    """The function `contributions` of MATLAB's imresize, for one axis, with scalars."""

    def kernel(x: float) -> float:
        x = abs(x)
        if x <= 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0

    scale = pixels_out / pixels_in
    width = 4 / scale
    rows = []
    for x in range(1, pixels_out + 1):
        u = x / scale + 0.5 * (1 - 1 / scale)
        left = math.floor(u - width / 2)
        indices = range(left, left + math.ceil(width) + 2)
        raw = [scale * kernel(scale * (u - index)) for index in indices]
        row: dict[int, float] = {}
        for index, weight in zip(indices, raw, strict=True):
            inside = min(max(index, 1), pixels_in) - 1
            row[inside] = row.get(inside, 0) + weight / sum(raw)
        rows.append(row)
    return rows


@given(sides, sides)
def test_the_taps_are_those_of_imresize(one: int, other: int) -> None:
    pixels_out, pixels_in = sorted((one, other))
    expected = np.zeros((pixels_out, pixels_in))
    for output, row in enumerate(contributions(pixels_in, pixels_out)):
        expected[output, list(row)] = list(row.values())
    found = shrink_taps(pixels_in, pixels_out)
    assert found == pytest.approx(expected, abs=1e-9)
    assert found.sum(axis=1) == pytest.approx(np.ones(pixels_out))


@given(sides, sides, sides, sides, st.sampled_from([(), (3,)]))
def test_a_picture_shrinks_to_any_size(a: int, b: int, c: int, d: int, more: tuple[int]) -> None:
    (height, tall), (width, wide) = sorted((a, b)), sorted((c, d))
    image = noise(tall, wide, *more)
    found = shrink(image, Size(height, width))
    assert found.shape == (height, width, *more)
    assert found.dtype == np.uint8
    exact = (shrink_taps(tall, height) @ image.reshape(tall, -1)).clip(0, 255)
    exact = np.einsum("ij,hjc->hic", shrink_taps(wide, width), exact.reshape(height, wide, -1))
    # Rounding errors of both passes; absolute weights of the second pass sum to 1.5 at most.
    assert np.abs(found.reshape(exact.shape) - exact.clip(0, 255)).max() <= 0.5 + 0.75


def test_shrinking_to_the_same_size_changes_nothing() -> None:
    image = noise(7, 9, 3)
    assert np.array_equal(shrink(image, Size(7, 9)), image)


@pytest.mark.parametrize(("before", "after"), [(4, 5), (4, 0), (0, 0)])
def test_what_does_not_shrink_is_refused(before: int, after: int) -> None:
    with pytest.raises(ValueError, match="cannot shrink"):
        shrink_taps(before, after)


@pytest.mark.parametrize("dataset", ["Set5", "Set14"])
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_shrinking_reproduces_the_files_of_the_benchmarks_bit_for_bit(
    reference: Path, dataset: str, factor: int
) -> None:
    files = sorted((reference / "bench" / dataset / f"image_SRF_{factor}").glob("*_HR.png"))
    assert files
    for file in files:
        low = cv2.imread(str(file).replace("_HR", "_LR"))
        assert np.array_equal(shrink(cv2.imread(str(file)), Size(*low.shape[:2])), low), file


def test_luma_has_the_constants_of_rgb2ycbcr() -> None:
    black, white, blue, green, red = luma(
        np.array([[[0] * 3, [255] * 3, [255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    )[0]
    assert [black, white] == [16, pytest.approx(235)]
    assert [red, green, blue] == pytest.approx([81.481, 144.553, 40.966])


@pytest.mark.parametrize("shape", [(12, 17), (12, 17, 3)])
@pytest.mark.parametrize("border", [0, 1, 5])
def test_psnr_is_scikit_images(shape: tuple[int, ...], border: int) -> None:
    one, other = noise(*shape), noise(*shape)[::-1]
    inner = (slice(border, 12 - border), slice(border, 17 - border))
    expected = metrics.peak_signal_noise_ratio(one[inner], other[inner], data_range=255)
    assert psnr_db(one, other, border) == pytest.approx(expected)


def test_psnr_of_identical_images_is_infinite() -> None:
    assert psnr_db(noise(3, 3), noise(3, 3)) == math.inf


def test_ways_to_enlarge_are_measured_on_the_same_sources_by_any_number_of_threads() -> None:
    pictures, condition = [noise(40, 50, 3), noise(60, 44, 3), noise(33, 70, 3)], Condition(2, 60)
    alone = [measure(enlarge, pictures, condition) for enlarge in (bicubic, darker)]
    for threads in (1, 3):
        assert measure_each([bicubic, darker], pictures, condition, threads) == alone


def test_a_picture_without_an_error_keeps_means_finite() -> None:
    """A page of one colour among photographs must not make their mean infinite."""
    flat = np.full((40, 40, 3), 128, np.uint8)
    row = measure(bicubic, [flat, noise(40, 40, 3)], Condition(2))
    alone = measure(bicubic, [noise(40, 40, 3)], Condition(2))
    for of_both, of_one in (
        (row.psnr_db, alone.psnr_db),
        (row.rgb_psnr_db, alone.rgb_psnr_db),
    ):
        assert of_both == pytest.approx((100 + of_one) / 2)


@pytest.mark.parametrize("found", [noise(9, 8), noise(8, 8, 3)])
def test_pictures_that_cannot_be_compared_are_refused(found: Pixels) -> None:
    with pytest.raises(ValueError, match="of one shape"):
        psnr_db(found, noise(8, 8))


def test_a_border_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="larger than a border of 4 px"):
        psnr_db(noise(8, 9), noise(8, 9), 4)


def ssim_by_the_paper(one: Any, other: Any) -> float:
    """Wang et al. (2004), equation 13, with the 11x11 Gaussian window where it fits whole."""

    def mean(values: Any) -> Any:
        return cv2.GaussianBlur(values, (11, 11), 1.5)[5:-5, 5:-5]

    x, y = one.astype(float), other.astype(float)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    spread = mean(x * x) - mean(x) ** 2 + mean(y * y) - mean(y) ** 2
    together = mean(x * y) - mean(x) * mean(y)
    level = (2 * mean(x) * mean(y) + c1) / (mean(x) ** 2 + mean(y) ** 2 + c1)
    return float((level * (2 * together + c2) / (spread + c2)).mean())


def test_ssim_is_that_of_the_paper(photograph: Pixels) -> None:
    original = luma(photograph)
    found = luma(cv2.GaussianBlur(photograph, (0, 0), 1.1))
    assert ssim(found, original) == pytest.approx(ssim_by_the_paper(found, original), abs=1e-6)
    cropped = ssim_by_the_paper(found[7:-7, 7:-7], original[7:-7, 7:-7])
    assert ssim(found, original, 7) == pytest.approx(cropped, abs=1e-6)
    assert ssim(original, original) == pytest.approx(1)


@given(st.integers(8, 60), st.integers(8, 60), st.integers(10, 80))
def test_a_picture_is_cut_to_what_its_factor_reaches(height: int, width: int, tenths: int) -> None:
    factor = tenths / 10
    sharp, low = degrade(noise(height, width, 3), factor)
    for before, cut, small in zip((height, width), sharp.shape, low.shape, strict=False):
        assert small == before * 10 // tenths
        assert cut == round(Fraction(small * tenths, 10))
        assert before - factor - 0.5 <= cut <= before


def test_the_factor_is_taken_as_it_is_written() -> None:
    sharp, low = degrade(noise(33, 33, 3), 1.1)  # in floats, 33 / 1.1 is less than 30
    assert (sharp.shape, low.shape) == ((33, 33, 3), (30, 30, 3))


@pytest.mark.parametrize("size", [Size(70, 77), Size(100, 125), Size(150, 210), Size(50, 70)])
def test_bicubic_is_the_graphs_upsampling(photograph: Pixels, size: Size) -> None:
    low = np.ascontiguousarray(photograph[:50, :70])
    found = bicubic(low, size)
    # Alpha is enlarged by the cubic alone, in the engine.
    alpha = srcnn.Upscaler.load().to_size(np.dstack([low, low[:, :, 1]]), size)[:, :, 3]
    assert np.abs(found[:, :, 1].astype(int) - alpha).max() <= 1
    assert (found[:, :, 1] != alpha).mean() < 0.001
    planes = cv2.resize(low.astype(np.float32), size[::-1], interpolation=cv2.INTER_CUBIC)
    assert np.abs(found - planes.clip(0, 255)).max() < 0.501


def test_figures_are_means_over_the_pictures(photograph: Pixels) -> None:
    pictures = [photograph, np.ascontiguousarray(photograph[40:120, 30:141])]
    three = measure(bicubic, pictures, Condition(3))
    each = []
    for picture in pictures:
        sharp, low = degrade(picture, 3)
        each.append(compute_figures(bicubic(low, Size(*sharp.shape[:2])), sharp, 3))
    assert three.psnr_db == pytest.approx((each[0].psnr_db + each[1].psnr_db) / 2)
    assert three.ssim == pytest.approx((each[0].ssim + each[1].ssim) / 2)
    assert three.rgb_psnr_db == pytest.approx((each[0].rgb_psnr_db + each[1].rgb_psnr_db) / 2)
    two = measure(bicubic, pictures, Condition(2))
    assert two.psnr_db > three.psnr_db
    assert two.ssim > three.ssim


@pytest.mark.parametrize("factor", [1.1, 2, 2.5, 8])
def test_the_smallest_picture_that_can_be_compared(factor: float) -> None:
    side = next(side for side in range(200) if is_large_enough(noise(side + 1, 200, 3), factor))
    assert math.isfinite(measure(bicubic, [noise(side + 1, 200, 3)], Condition(factor)).ssim)
    assert side + 1 <= 2 * compute_border_px(factor) + 11 + factor
    with pytest.raises(ValueError, match="too small for x"):
        measure(bicubic, [noise(side, 200, 3)], Condition(factor))


@given(st.integers(30, 64), st.integers(30, 64), st.sampled_from([BOX, BILINEAR, LANCZOS]))
@settings(max_examples=40)
def test_kernels_are_those_of_pillow(height: int, width: int, kernel: Kernel) -> None:
    height, width = 2 * height + 1, 2 * width + 1  # odd: no pixel is at the edge of two boxes
    image = 96 + noise(131, 131) // 4  # no overshoot: Pillow clips after each axis
    names = {BOX: "BOX", BILINEAR: "BILINEAR", LANCZOS: "LANCZOS"}
    pillow = Image.fromarray(image).resize((width, height), Image.Resampling[names[kernel]])
    found = shrink_taps(131, height, kernel) @ image @ shrink_taps(131, width, kernel).T
    # Pillow rounds to 8 bits after each axis, and repeats no border: weights outside are dropped.
    inside = (slice(6, -6), slice(6, -6))
    assert np.abs(found - np.asarray(pillow))[inside].max() < 1.2


@pytest.mark.parametrize("quality", [30, 75, 95])
def test_the_luma_of_a_jpeg_is_that_of_a_grey_one(photograph: Pixels, quality: float) -> None:
    """So luma can be trained without colours."""
    grey, colour = to_grey(photograph), to_grey(compress(photograph, quality))
    damage = np.square(colour - grey.astype(np.float64)).mean()
    other = np.square(colour - compress(grey, quality).astype(np.float64)).mean()
    assert other < 0.1 * damage


def to_grey(picture: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


@pytest.mark.parametrize(
    ("text", "condition"), [("x2", Condition(2)), ("x1.5 q75", Condition(1.5, 75))]
)
def test_conditions_are_read_as_they_are_written(text: str, condition: Condition) -> None:
    assert condition.text == text
    assert Condition.parse(text) == condition
    assert Condition.parse(text.removeprefix("x")) == condition


def test_another_text_is_no_condition() -> None:
    with pytest.raises(ValueError, match="'2 by 3': expected a condition such as x2"):
        Condition.parse("2 by 3")


def test_a_source_that_is_not_shrunk_is_made_of_a_halved_picture(photograph: Pixels) -> None:
    sharp, low = degrade_as_source(photograph, Condition(1, 50))
    assert np.array_equal(sharp, degrade(photograph, 2)[1])
    assert np.array_equal(low, compress(sharp, 50))


def test_no_pictures_are_an_error() -> None:
    with pytest.raises(ValueError, match="no image"):
        measure(bicubic, [], Condition(2))
