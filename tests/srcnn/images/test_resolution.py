"""The resolution of a source, in every format that can say one."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from srcnn.images.decoding import decode
from srcnn.images.picture import Picture, Traits
from srcnn.images.resolution import Resolution
from tests.support.image_files import save
from tests.support.images import to_file
from tests.support.paths import CASES

HOLDERS = [".jpg", ".png", ".bmp", ".tiff", ".webp", ".avif"]
TURNED = Image.Exif()
TURNED[0x0112] = 6
BY_EXIF = Image.Exif()
BY_EXIF[0x011A], BY_EXIF[0x011B], BY_EXIF[0x0128] = 118.0, 59.0, 3  # dots per centimetre


def read(data: bytes) -> tuple[float, float] | None:
    """Read the resolution with Pillow: the format's field, or EXIF where it has none."""
    with Image.open(io.BytesIO(data)) as image:
        exif = image.getexif()
        if image.format in ("WEBP", "AVIF", "TIFF"):  # Pillow makes one up for a TIFF
            return (float(exif[0x011A]), float(exif[0x011B])) if 0x011A in exif else None
        found: Any = image.info.get("dpi")
        return found and (float(found[0]), float(found[1]))


@pytest.mark.parametrize("extension", HOLDERS)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP", "TIFF"])
def test_every_format_gets_the_resolution_of_every_other(form: str, extension: str) -> None:
    picture = decode(save(form, dpi=(300, 150)))
    found = read(to_file(picture, extension, None, keep_metadata=True))
    assert found == pytest.approx((300, 150), abs=0.02)
    assert read(to_file(picture, extension, None, keep_metadata=False)) is None


@pytest.mark.parametrize("extension", HOLDERS)
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_a_file_without_resolution_gets_none(form: str, extension: str) -> None:
    assert read(to_file(decode(save(form)), extension, None, keep_metadata=True)) is None


@pytest.mark.parametrize("extension", [".png", ".jpg"])
def test_the_resolution_of_exif_is_written_to_the_field_too(extension: str) -> None:
    picture = decode(save("WEBP", exif=BY_EXIF))
    written = to_file(picture, extension, None, keep_metadata=True)
    assert read(written) == pytest.approx((299.72, 149.86), abs=0.3)
    with Image.open(io.BytesIO(written)) as image:
        assert image.getexif()[0x011A] == 118


def test_exif_without_a_resolution_gets_it_in_a_tiff() -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    picture = decode(save("PNG", dpi=(300, 150), exif=exif))
    written = to_file(picture, ".tiff", None, keep_metadata=True)
    assert read(written) == pytest.approx((300, 150), abs=0.02)
    with Image.open(io.BytesIO(written)) as image:
        assert image.getexif()[0x010F] == "Maker"


def test_the_resolution_turns_with_the_pixels() -> None:
    picture = decode(save("JPEG", dpi=(300, 150), exif=TURNED))
    assert picture.traits.resolution == (150, 300)


@pytest.mark.parametrize("extension", [".tiff", ".png", ".webp"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_resolution_of_a_tiff_turns_with_the_pixels(orientation: int, extension: str) -> None:
    data = save("TIFF", dpi=(204, 98), tiffinfo={0x0112: orientation})  # as a fax's
    expected = (98, 204) if orientation > 4 else (204, 98)
    picture = decode(data)
    assert picture.traits.resolution == expected
    written = to_file(picture, extension, None, keep_metadata=True)
    assert read(written) == pytest.approx(expected, abs=0.02)


def test_dots_per_centimetre_are_read() -> None:
    data = bytearray(save("JPEG", dpi=(118, 118)))
    data[13] = 2
    assert decode(bytes(data)).traits.resolution == pytest.approx((299.72, 299.72))


def test_exif_without_a_resolution_does_not_make_one_up() -> None:
    assert decode(save("JPEG", exif=TURNED)).traits.resolution is None


@given(st.floats(1e-6, 1e300), st.sampled_from([".jpg", ".png", ".bmp"]))
def test_a_field_holds_the_number_or_is_left_out(dots: float, extension: str) -> None:
    traits = Traits(resolution=Resolution(dots, dots))
    picture = Picture(np.zeros((2, 2, 3), np.uint8), traits=traits)
    written = to_file(picture, extension, None, keep_metadata=True)
    found = decode(written).traits.resolution
    step, most = (0.51, 65_535.5) if extension == ".jpg" else (0.013, 54_546_093.0)
    if step < dots < most:
        assert found is not None
        assert found.x == pytest.approx(dots, abs=step, rel=1e-6)
    else:
        assert found is None or found.x < 1


def test_a_resolution_of_zero_or_without_end_is_ignored() -> None:
    png = save("PNG", dpi=(300, 300))
    at = png.index(b"pHYs")
    assert decode(png).traits.resolution is not None
    body = b"pHYs" + struct.pack(">IIB", 0, 0, 1)
    broken = png[:at] + body + zlib.crc32(body).to_bytes(4) + png[at + 17 :]
    assert decode(broken).traits.resolution is None


@pytest.mark.parametrize("name", ["jpeg_300_dpi.jpg", "png_300_dpi.png", "bmp_300_dpi.bmp"])
def test_a_scan_of_300_dpi_stays_one(name: str) -> None:
    path = CASES / name
    if not path.exists():
        pytest.skip("the reference data is absent")
    written = to_file(decode(path.read_bytes()), path.suffix, None, keep_metadata=True)
    assert read(written) == pytest.approx((300, 300), abs=0.02)
