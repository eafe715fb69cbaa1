"""The resolution of colours: that of the source, and full from quality 90 on."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from srcnn.images.decoding import decode
from srcnn.images.picture import Picture
from tests.support.image_files import PHOTO, save
from tests.support.images import to_file
from tests.support.paths import CASES

EXIF_TURNED = Image.Exif()
EXIF_TURNED[0x0112] = 6


def sampling(data: bytes) -> list[tuple[int, int]]:
    """Samples of each component across and down, by Pillow's reading of the header."""
    with Image.open(io.BytesIO(data)) as image:
        return [(layer[1], layer[2]) for layer in getattr(image, "layer")]  # noqa: B009 - untyped


def avif_sampling(data: bytes) -> int:
    """The bits that halve the colours of an AVIF across (8) and down (4)."""
    return data[data.index(b"av1C") + 6] & 12


@pytest.mark.parametrize(
    ("subsampling", "quality", "luma"),
    [
        ("4:4:4", 50, (1, 1)),
        ("4:2:2", 50, (2, 1)),
        ("4:2:0", 50, (2, 2)),
        ("4:2:0", 89, (2, 2)),
        ("4:2:0", 90, (1, 1)),
        ("4:2:2", None, (1, 1)),
    ],
)
def test_a_jpeg_keeps_the_resolution_of_its_colours_below_quality_90(
    subsampling: str, quality: int | None, luma: tuple[int, int]
) -> None:
    picture = decode(save("JPEG", subsampling=subsampling))
    written = to_file(picture, ".jpg", quality, keep_metadata=True)
    assert sampling(written) == [luma, (1, 1), (1, 1)]


def test_a_quarter_of_the_colours_is_kept_too() -> None:
    flags = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411]
    source = cv2.imencode(".jpg", PHOTO, flags)[1].tobytes()
    assert sampling(to_file(decode(source), ".jpg", 89, keep_metadata=True))[0] == (4, 1)


@pytest.mark.parametrize(("subsampling", "luma"), [("4:2:2", (1, 2)), ("4:2:0", (2, 2))])
def test_the_resolution_turns_with_the_pixels(subsampling: str, luma: tuple[int, int]) -> None:
    picture = decode(save("JPEG", subsampling=subsampling, exif=EXIF_TURNED))
    assert picture.pixels.shape == (56, 40, 3)
    assert sampling(to_file(picture, ".jpg", 80, keep_metadata=True))[0] == luma


@pytest.mark.parametrize("form", ["PNG", "WEBP", "BMP", "TIFF"])
def test_sources_that_do_not_separate_colours_get_half_of_them_below_quality_90(form: str) -> None:
    picture = decode(save(form))
    assert sampling(to_file(picture, ".jpg", 89, keep_metadata=True))[0] == (2, 2)
    assert sampling(to_file(picture, ".jpg", None, keep_metadata=True))[0] == (1, 1)


@pytest.mark.parametrize("steps", [(1, 1), (2, 1)])
def test_a_tiff_of_jpeg_keeps_the_resolution_of_its_colours(
    steps: tuple[int, int],
) -> None:
    picture = decode(save("TIFF", "YCbCr", compression="jpeg", tiffinfo={530: steps}))
    assert sampling(to_file(picture, ".jpg", 80, keep_metadata=True))[0] == steps


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_greys_and_inks_are_written(mode: str) -> None:
    picture = decode(save("JPEG", mode))
    assert len(sampling(to_file(picture, ".jpg", 80, keep_metadata=True))) == (
        1 if mode == "L" else 3
    )


@pytest.mark.parametrize(
    ("subsampling", "quality", "halved"),
    [("4:4:4", 60, 0), ("4:2:0", 60, 12), ("4:2:0", 90, 0), ("4:2:0", None, 0)],
)
@pytest.mark.parametrize("form", ["JPEG", "AVIF"])
def test_an_avif_keeps_the_resolution_too(
    form: str, subsampling: str, quality: int | None, halved: int
) -> None:
    picture = decode(save(form, subsampling=subsampling))
    assert avif_sampling(to_file(picture, ".avif", quality, keep_metadata=True)) == halved


@pytest.mark.parametrize("channels", [3, 4])
def test_an_avif_at_full_resolution_shows_the_picture(channels: int) -> None:
    picture = decode(save("PNG"))
    if channels == 4:
        alpha = np.full((40, 56), 128, np.uint8)
        picture = Picture(np.dstack([picture.pixels, alpha]))
    written = to_file(picture, ".avif", 99, keep_metadata=True)
    with Image.open(io.BytesIO(written)) as image:
        shown: Any = np.asarray(image)
    order = [2, 1, 0, 3][:channels]
    assert shown.shape == picture.pixels.shape
    assert np.abs(shown.astype(int) - picture.pixels[:, :, order]).mean() < 2


@pytest.mark.parametrize("name", ["red_lines_444.jpg", "red_lines.png"])
@pytest.mark.parametrize("extension", [".jpg", ".avif"])
def test_coloured_lines_stay_sharp(name: str, extension: str) -> None:
    path = CASES / name
    if not path.exists():
        pytest.skip("the reference data is absent")
    picture = decode(path.read_bytes())
    with Image.open(io.BytesIO(to_file(picture, extension, None, keep_metadata=True))) as image:
        shown = np.asarray(image.convert("RGB"))[:, :, ::-1]
    error = shown.astype(float) - picture.pixels
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 41  # dB; 37.6 with half of the colours
