"""The quality of a lossy WebP is read from the header of its frame."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from srcnn.images.decoding import read_header
from srcnn.images.decoding.webp_quality import find_webp_quality, read_quantiser

WEBPINFO = shutil.which("webpinfo") or ""


def save(picture: Image.Image, **options: object) -> io.BytesIO:
    file = io.BytesIO()
    picture.save(file, "WEBP", **options)
    return file


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    from skimage import data  # noqa: PLC0415 - slow to import

    return Image.fromarray(data.chelsea()[:120, :150])


@pytest.mark.parametrize("method", [0, 4, 6])
def test_a_lower_quality_is_a_coarser_quantiser(picture: Image.Image, method: int) -> None:
    found = [
        read_quantiser(save(picture, quality=quality, method=method))
        for quality in range(1, 101, 3)
    ]
    assert None not in found
    numbers = [number for number in found if number is not None]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[0] > 90
    assert numbers[-1] == 0


@settings(max_examples=30, deadline=None)
@given(quality=st.integers(0, 100), channels=st.sampled_from([3, 4]), spare=st.integers(0, 3000))
def test_the_place_of_the_frame_does_not_matter(quality: int, channels: int, spare: int) -> None:
    noise = np.random.default_rng(quality).integers(0, 256, (40, 50, 4), np.uint8)
    expected = read_quantiser(save(Image.fromarray(noise[:, :, :3]), quality=quality))
    profile = {"icc_profile": bytes(spare)} if spare else {}
    other = save(Image.fromarray(noise[:, :, :channels]), quality=quality, exact=True, **profile)
    # Transparent pixels are another picture to the encoder, but the quality decides.
    assert read_quantiser(other) == pytest.approx(expected, abs=3)


@pytest.mark.skipif(not WEBPINFO, reason="webpinfo, of libwebp, is not installed")
@pytest.mark.parametrize("quality", [3, 30, 75, 90, 99])
@pytest.mark.parametrize("method", [0, 4])
def test_the_quantisers_are_those_that_libwebp_reads(
    picture: Image.Image, tmp_path: Path, quality: int, method: int
) -> None:
    file = tmp_path / "a.webp"
    file.write_bytes(save(picture, quality=quality, method=method).getvalue())
    done = subprocess.run(
        [WEBPINFO, "-bitstream_info", file], capture_output=True, text=True, check=True
    )
    (shown,) = re.findall(r"Quantizer: +([-\d ]+)", done.stdout)
    each = [int(number) for number in shown.split()]
    assert read_quantiser(io.BytesIO(file.read_bytes())) == np.mean(each)


def test_a_lossless_webp_is_clean(picture: Image.Image) -> None:
    assert find_webp_quality(save(picture, lossless=True)) == 100
    assert read_header(save(picture, lossless=True)).quality == 100


@pytest.mark.parametrize(("quality", "expected"), [(30, 74), (75, 91), (95, 98)])
def test_the_header_says_the_quality_of_a_like_jpeg(
    picture: Image.Image, quality: int, expected: float
) -> None:
    assert read_header(save(picture, quality=quality)).quality == pytest.approx(expected, abs=5)
    _, by_opencv = cv2.imencode(
        ".webp", np.asarray(picture)[:, :, ::-1], (cv2.IMWRITE_WEBP_QUALITY, quality)
    )
    found = read_header(io.BytesIO(by_opencv.tobytes())).quality
    assert found == pytest.approx(expected, abs=5)


@given(st.binary(max_size=80))
def test_any_bytes_are_parsed(content: bytes) -> None:
    for start in (
        b"",
        b"RIFF\0\0\0\0WEBPVP8 \0\1\0\0",
        b"RIFF\0\0\0\0WEBPVP8 \0\1\0\0\0\0\0\x9d\1\x2a",
    ):
        quantiser = read_quantiser(io.BytesIO(start + content))
        assert quantiser is None or 0 <= quantiser <= 127


def test_a_truncated_header_ends(photograph: npt.NDArray[np.uint8]) -> None:
    whole = save(Image.fromarray(photograph[:, :, ::-1]), quality=50).getvalue()
    for length in range(60):
        quantiser = read_quantiser(io.BytesIO(whole[:length]))
        assert quantiser is None or 0 <= quantiser <= 127
