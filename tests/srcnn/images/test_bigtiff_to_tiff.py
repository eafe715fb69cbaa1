"""BigTIFF in big-endian order: read as in little-endian order, and refused for the same reasons."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from srcnn.errors import DamagedImageError, ImageError, UnsupportedImageError
from srcnn.images.decoding import decode, read_header
from tests.support.image_files import PHOTO
from tests.support.paths import CASES

Array = npt.NDArray[Any]
DEEP = PHOTO.astype(np.uint16) * 257 + 3


def save(values: Array, order: str = ">", **options: Any) -> bytes:
    file = io.BytesIO()
    options = {"photometric": "rgb", "metadata": None, **options}
    tifffile.imwrite(file, values, bigtiff=True, byteorder=order, **options)
    return file.getvalue()


KINDS: dict[str, tuple[Array, dict[str, Any]]] = {
    "plain": (PHOTO, {}),
    "deflate in strips": (PHOTO, {"compression": "zlib", "rowsperstrip": 7, "predictor": True}),
    "deflate in tiles": (PHOTO, {"compression": "zlib", "tile": (16, 32)}),
    "grey": (PHOTO[:, :, 0], {"photometric": "minisblack"}),
    "white is zero": (PHOTO[:, :, 0], {"photometric": "miniswhite"}),
    "black and white": (PHOTO[:, :, 0] > 99, {"photometric": "minisblack"}),
    "alpha": (np.dstack([PHOTO, PHOTO[:, :, :1]]), {"extrasamples": ["unassalpha"]}),
    "16 bits": (DEEP, {}),
    "16 bits, deflate": (DEEP, {"compression": "zlib", "rowsperstrip": 9, "predictor": True}),
    "16 bits in planes": (np.moveaxis(DEEP, 2, 0).copy(), {"planarconfig": "separate"}),
    "16 bits, grey and alpha": (
        DEEP[:, :, :2],
        {"photometric": "minisblack", "extrasamples": ["unassalpha"]},
    ),
    "described": (
        PHOTO,
        {
            "description": "words and words",
            "resolution": (300, 200),
            "resolutionunit": "INCH",
            "iccprofile": b"\0" * 128,
            "extratags": [(274, 3, 1, 6, True), (700, 1, 9, b"<x:xmp/> ", True)],
        },
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_it_is_read_as_in_the_other_order(name: str) -> None:
    values, options = KINDS[name]
    big, little = save(values, ">", **options), save(values, "<", **options)
    found, expected = decode(big), decode(little)
    assert read_header(io.BytesIO(big)).size == expected.pixels.shape[:2]
    assert found.pixels.dtype == expected.pixels.dtype
    assert np.array_equal(found.pixels, expected.pixels)
    assert (found.traits, found.notes) == (expected.traits, expected.notes)
    assert found.metadata.keys() == expected.metadata.keys()
    # A header takes as much memory as is accounted, and no pixel.
    assert read_header(io.BytesIO(big)).decoding_bytes == pytest.approx(
        read_header(io.BytesIO(little)).decoding_bytes
    )


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_a_part_of_it_is_damage(name: str, share: float) -> None:
    values, options = KINDS[name]
    content = save(values, **options)
    with pytest.raises(DamagedImageError):
        decode(content[: int(share * len(content))])


def test_half_zeroed_pixels_are_damage() -> None:
    content = save(PHOTO, compression="zlib")
    with pytest.raises(DamagedImageError, match="strip 0"):
        decode(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))


def test_other_kinds_are_refused_by_what_they_are() -> None:
    with pytest.raises(UnsupportedImageError, match="RGB, 3 floating-point samples of 32 bits"):
        decode(save(PHOTO.astype(np.float32)))
    two = np.stack([PHOTO[:, :, 0]] * 2)
    for read in (decode, lambda content: read_header(io.BytesIO(content))):
        with pytest.raises(UnsupportedImageError, match="several frames or pages"):
            read(save(two, photometric="minisblack"))


def test_places_beyond_4_gb_are_refused() -> None:
    content = save(PHOTO)
    entry = content.index(b"\x01\x11\x00\x10")  # StripOffsets, of 64 bits
    far = content[: entry + 12] + (2**33).to_bytes(8) + content[entry + 20 :]
    with pytest.raises(UnsupportedImageError, match="up to 4 GB: save it in little-endian order"):
        decode(far)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(KINDS)),
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=4),
)
def test_changed_bytes_raise_nothing_else(name: str, changes: list[tuple[float, bytes]]) -> None:
    values, options = KINDS[name]
    content = bytearray(save(values, **options))
    directory = int.from_bytes(content[8:16])
    for share, new in changes:  # most of them where the directory is
        at = directory + int(share * 600) if share < 0.9 else int(share * len(content))
        content[at : at + len(new)] = new
    for read in (decode, lambda data: read_header(io.BytesIO(data))):
        with contextlib.suppress(ImageError):
            read(bytes(content))


@pytest.mark.skipif(not CASES.exists(), reason="needs the reference data")
def test_the_reported_file_is_read() -> None:
    path = CASES / "tiff_big_bigendian.tif"
    assert np.array_equal(decode(path.read_bytes()).pixels[:, :, ::-1], tifffile.imread(path))
