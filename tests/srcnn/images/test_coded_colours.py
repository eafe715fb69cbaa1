"""Colours described by numbers: kept as a profile, converted, or noted."""

from __future__ import annotations

import io
import struct
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from srcnn.geometry import Size
from srcnn.images.decoding import decode
from srcnn.images.decoding.coded_colours import read_coded_colours
from srcnn.images.make_profile import Colours, make_profile
from srcnn.images.picture import Picture
from srcnn.images.prepare import prepare
from tests.support.image_files import chunk, save
from tests.support.images import to_file
from tests.support.paths import CASES

ICC = cv2.IMAGE_METADATA_ICCP
HOLDERS = [".png", ".jpg", ".webp", ".tiff", ".avif"]
SIZE = Size(40, 56)
D65 = (0.3127, 0.3290)
P3 = Colours((*D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060))
ADOBE = Colours((*D65, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06), 563 / 256)
SRGB = Colours((*D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06))
LINEAR = SRGB._replace(gamma=1.0)
# X, Y and Z of red, green and blue in the profiles that Apple, Adobe and the ICC publish.
PUBLISHED = {
    P3: ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),
    ADOBE: ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)),
    SRGB: ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)),
}
LINEAR_GAMA, SRGB_GAMA = (chunk(b"gAMA", struct.pack(">I", n)) for n in (100_000, 45_455))
ADOBE_CHRM = chunk(
    b"cHRM", struct.pack(">8I", *(round(100_000 * number) for number in ADOBE.primaries))
)
ADOBE_GAMA = chunk(b"gAMA", struct.pack(">I", 45_470))


def cicp(primaries: int, transfer: int) -> bytes:
    return chunk(b"cICP", bytes([primaries, transfer, 0, 1]))


def png(*chunks: bytes, mode: str = "RGB", **options: Any) -> bytes:
    plain = save("PNG", mode, **options)
    return plain[:33] + b"".join(chunks) + plain[33:]


def avif(primaries: int, transfer: int, mode: str = "RGB") -> bytes:
    data = save("AVIF", mode, subsampling="4:4:4" if mode == "RGB" else "4:0:0")
    at = data.index(b"colrnclx") + 8
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


def open_profile(data: bytes) -> Any:
    """Read the profile of a file with LittleCMS."""
    with Image.open(io.BytesIO(data)) as image:
        return ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"])).profile


def colorants(profile: Any) -> list[tuple[float, ...]]:
    return [
        each[0] for each in (profile.red_colorant, profile.green_colorant, profile.blue_colorant)
    ]


def to_light(samples: Any, colours: Colours) -> Any:
    """Linear light of samples 0..255: IEC 61966-2-1, or a power."""
    share = np.asarray(samples) / 255
    if colours.gamma is not None:
        return share**colours.gamma
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def as_srgb(red_green_blue: tuple[int, int, int], colours: Colours) -> Any:
    """Samples of sRGB for samples of other colours, by the published colorants."""
    matrix = np.array(PUBLISHED[colours._replace(gamma=None) if colours is LINEAR else colours]).T
    light = np.linalg.solve(np.array(PUBLISHED[SRGB]).T, matrix @ to_light(red_green_blue, colours))
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255


@pytest.mark.parametrize("colours", PUBLISHED)
def test_a_profile_has_the_colorants_that_are_published_for_its_colours(colours: Colours) -> None:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(make_profile(colours, grey=False))).profile
    assert np.abs(np.array(colorants(profile)) - PUBLISHED[colours]).max() < 4e-4
    assert profile.xcolor_space.strip() == "RGB"


@pytest.mark.parametrize("extension", HOLDERS)
@pytest.mark.parametrize(
    ("data", "colours"),
    [
        (png(cicp(12, 13)), P3),
        (avif(12, 13), P3),
        (png(ADOBE_GAMA, ADOBE_CHRM), ADOBE),
        (png(cicp(12, 13), icc_profile=make_profile(ADOBE, grey=False)), P3),
    ],
    ids=["cICP", "nclx", "cHRM", "cICP and iCCP"],
)
def test_every_format_gets_a_profile_of_the_colours(
    data: bytes, colours: Colours, extension: str
) -> None:
    picture = decode(data)
    assert picture.notes == ()
    written = to_file(picture, extension, None, keep_metadata=True)
    assert np.abs(np.array(colorants(open_profile(written))) - PUBLISHED[colours]).max() < 4e-4
    assert b"cICP" not in written


@pytest.mark.parametrize("extension", [".png", ".bmp"])
@pytest.mark.parametrize(
    ("chunks", "colours"),
    [((cicp(12, 13),), P3), ((ADOBE_GAMA, ADOBE_CHRM), ADOBE), ((LINEAR_GAMA,), LINEAR)],
    ids=["cICP", "cHRM", "gAMA"],
)
def test_stripped_pixels_become_srgb(
    chunks: tuple[bytes, ...], colours: Colours, extension: str
) -> None:
    picture = decode(png(*chunks))
    colour = (120, 130, 90)
    picture.pixels[:] = colour[::-1]
    written = to_file(picture, extension, None, keep_metadata=False)
    with Image.open(io.BytesIO(written)) as image:
        assert "icc_profile" not in image.info
        assert np.abs(np.asarray(image)[5, 5] - as_srgb(colour, colours)).max() <= 1.5


def test_greys_of_another_curve_get_a_profile_of_greys() -> None:
    picture = decode(png(LINEAR_GAMA, mode="L"))
    written = to_file(picture, ".png", None, keep_metadata=True)
    assert open_profile(written).xcolor_space == "GRAY"
    picture.pixels[:] = 55
    stripped = decode(to_file(picture, ".png", None, keep_metadata=False))
    assert np.abs(stripped.pixels.astype(int) - 128).max() <= 1


@pytest.mark.parametrize(
    "data",
    [
        png(cicp(1, 13)),
        png(cicp(1, 1)),
        png(cicp(2, 2)),
        png(SRGB_GAMA),
        png(chunk(b"sRGB", b"\0"), LINEAR_GAMA, ADOBE_CHRM),
        png(cicp(1, 13), icc_profile=make_profile(ADOBE, grey=False)),
        avif(1, 13),
        avif(2, 2),
        save("AVIF"),
        save("PNG"),
    ],
)
def test_srgb_needs_no_profile(data: bytes) -> None:
    picture = decode(data)
    assert ICC not in picture.metadata
    assert picture.notes == ()


def test_a_profile_counts_more_than_gamma_and_nclx() -> None:
    profile = make_profile(ADOBE, grey=False)
    assert decode(png(LINEAR_GAMA, icc_profile=profile)).metadata[ICC] == profile
    data = save("AVIF", icc_profile=profile)
    assert decode(data).metadata[ICC] == profile


def test_adobe_rgb_by_exif_gets_its_profile() -> None:
    """Cameras mark it by a name in the directory of interoperability, some without a profile."""
    entry = struct.Struct("<HHII")
    exif = b"II*\0" + struct.pack("<I", 8)
    exif += struct.pack("<H", 1) + entry.pack(0x8769, 4, 1, 26) + bytes(4)
    exif += struct.pack("<H", 1) + entry.pack(0xA005, 4, 1, 44) + bytes(4)
    exif += struct.pack("<HHHI4s", 1, 1, 2, 4, b"R03\0") + bytes(4)
    picture = decode(save("JPEG", exif=b"Exif\0\0" + exif))
    written = to_file(picture, ".jpg", None, keep_metadata=True)
    assert np.abs(np.array(colorants(open_profile(written))) - PUBLISHED[ADOBE]).max() < 4e-4
    plain = decode(save("JPEG", exif=b"Exif\0\0" + exif.replace(b"R03", b"R98")))
    assert ICC not in plain.metadata


# PQ and HLG.


@pytest.mark.parametrize("transfer", [16, 18])
@pytest.mark.parametrize("keep", [True, False])
def test_pq_and_hlg_keep_their_numbers_in_png_and_avif(transfer: int, *, keep: bool) -> None:
    for data in (png(cicp(9, transfer)), avif(9, transfer)):
        picture = decode(data)
        written = to_file(picture, ".png", None, keep_metadata=keep)
        assert cicp(9, transfer) in written
        assert written.index(b"cICP") < written.index(b"IDAT")
        for quality in (80, 95, 100):
            written = to_file(picture, ".avif", quality, keep_metadata=keep)
            assert written[written.index(b"colrnclx") + 8 :][:4] == struct.pack(">HH", 9, transfer)
            assert decode(written).traits.hdr == (9, transfer)


@pytest.mark.parametrize("extension", [".jpg", ".webp", ".tiff", ".bmp", ".ppm"])
@pytest.mark.parametrize("keep", [True, False])
def test_pq_in_other_formats_is_noted(extension: str, *, keep: bool) -> None:
    prepared = prepare(decode(png(cicp(9, 16))), SIZE, extension, keep_metadata=keep)
    kind = {".ppm": "pnm"}.get(extension, extension[1:])
    assert prepared.notes == (f"its colours are PQ (HDR), which {kind} cannot say: they look pale",)


def test_a_profile_of_pq_converts_it_when_it_is_stripped() -> None:
    data = png(cicp(9, 16), icc_profile=make_profile(ADOBE, grey=False))
    prepared = prepare(decode(data), SIZE, ".bmp", keep_metadata=False)
    assert prepared.notes == ()
    assert prepared.traits.hdr is None
    kept = prepare(decode(data), SIZE, ".png", keep_metadata=True)
    assert kept.traits.hdr == (9, 16)
    assert ICC in kept.metadata


# What is not known.


@pytest.mark.parametrize("chunks", [cicp(12, 9), cicp(200, 13), chunk(b"cICP", b"\x0c\x0d\0\0")])
def test_numbers_that_are_not_known_are_noted(chunks: bytes) -> None:
    picture = decode(png(chunks))
    assert [note for note in picture.notes if "not known: taken as sRGB" in note]
    assert ICC not in picture.metadata


@given(
    st.one_of(st.none(), st.integers(0, 2**31 - 1)),
    st.one_of(st.none(), st.lists(st.integers(0, 2**31 - 1), min_size=8, max_size=8)),
    st.one_of(st.none(), st.lists(st.integers(0, 100_000), min_size=8, max_size=8)),
)
def test_any_gamma_and_primaries_give_a_profile_that_can_be_read_or_a_note(
    gamma: int | None, wild: list[int] | None, possible: list[int] | None
) -> None:
    numbers = wild or possible
    chunks = [] if gamma is None else [chunk(b"gAMA", struct.pack(">I", gamma))]
    chunks += [] if numbers is None else [chunk(b"cHRM", struct.pack(">8I", *numbers))]
    data = png(*chunks)
    with Image.open(io.BytesIO(png())) as image:
        found = read_coded_colours(image, data)
    if found.colours is not None:
        profile = make_profile(found.colours, grey=False)
        assert ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip() == "RGB"
    else:
        assert bool(found.note) or not chunks or abs((gamma or 45_455) / 100_000 - 1 / 2.2) < 0.005


# Profiles that do not fit the pixels.


@pytest.mark.parametrize("extension", [".png", ".jpg", ".tiff", ".avif"])
def test_greys_with_a_profile_of_colours_are_converted(extension: str) -> None:
    pixels = np.full((16, 16), 55, np.uint8)
    picture = Picture(pixels, {ICC: make_profile(LINEAR, grey=False)}, is_grey=True)
    written = to_file(picture, extension, 100, keep_metadata=True)
    with Image.open(io.BytesIO(written)) as image:
        assert image.mode == "L"
        assert "icc_profile" not in image.info
        assert np.abs(np.asarray(image).astype(int) - 128).max() <= 1


def test_deep_greys_with_a_profile_of_colours_are_noted_unless_it_is_srgb() -> None:
    pixels = np.full((40, 56), 20_000, np.uint16)
    for colours, notes in (
        (LINEAR, ("a profile of colours was dropped: 16 bits are not converted",)),
        (SRGB, ()),
    ):
        picture = Picture(pixels, {ICC: make_profile(colours, grey=False)}, is_grey=True)
        prepared = prepare(picture, SIZE, ".png", keep_metadata=True)
        assert prepared.notes == notes
        assert prepared.metadata == {}
        assert np.array_equal(prepared.pixels, pixels)


def test_colours_with_a_profile_of_greys_are_noted() -> None:
    picture = Picture(decode(save("PNG")).pixels, {ICC: make_profile(SRGB, grey=True)})
    prepared = prepare(picture, SIZE, ".jpg", keep_metadata=True)
    assert prepared.notes == ("an ICC profile that does not fit the pixels was dropped",)
    assert prepared.metadata == {}


def test_deep_colours_in_a_format_without_profiles_are_noted() -> None:
    pixels = np.full((40, 56, 3), 20_000, np.uint16)
    picture = Picture(pixels, {ICC: make_profile(P3, grey=False)})
    (note,) = prepare(picture, SIZE, ".ppm", keep_metadata=True).notes
    assert note.startswith("a profile was dropped, which pnm cannot hold")


@pytest.mark.parametrize(
    ("name", "colours"),
    [("png_cicp_p3.png", P3), ("png_chrm_adobe.png", ADOBE), ("png_gama_linear.png", SRGB)],
)
def test_wide_and_linear_pictures_stay_what_they_are(name: str, colours: Colours) -> None:
    path = CASES / name
    if not path.exists():
        pytest.skip("the reference data is absent")
    written = to_file(decode(path.read_bytes()), ".png", None, keep_metadata=True)
    assert np.abs(np.array(colorants(open_profile(written))) - PUBLISHED[colours]).max() < 4e-4


def test_a_pq_picture_stays_one() -> None:
    path = CASES / "png_cicp_pq.png"
    if not path.exists():
        pytest.skip("the reference data is absent")
    assert b"cICP\x09\x10\0\1" in to_file(
        decode(path.read_bytes()), ".png", None, keep_metadata=True
    )
