"""Damage in parts that hold no pixels costs these parts alone; libpng and browsers do the same."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from srcnn.errors import DamagedImageError
from srcnn.geometry import Size
from srcnn.images.decoding import decode, read_header
from srcnn.images.decoding.cut_damaged_parts import GappedFile, Part, cut
from tests.support.image_files import PHOTO, chunk, save, segment
from tests.support.paths import CASES

PNG, JPEG = save("PNG"), save("JPEG", quality=90)
BGR = PHOTO[:, :, ::-1]
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
EXIF = b"Exif\0\0" + b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0x0131, 2, 4, 0x00636261, 0)
ICC = b"ICC_PROFILE\0"

SHORT = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"pHYs": 9, b"tIME": 7, b"sBIT": 3, b"bKGD": 6}
SHORT |= {b"cICP": 4, b"acTL": 8}


def in_png(part: bytes, *, behind: bool = False) -> bytes:
    at = len(PNG) - 12 if behind else 33
    return PNG[:at] + part + PNG[at:]


def in_jpeg(*parts: bytes) -> bytes:
    return JPEG[:2] + b"".join(parts) + JPEG[2:]


@pytest.mark.parametrize("behind", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"prVt", *SHORT])
def test_a_wrong_checksum_costs_a_png_that_chunk_alone(kind: bytes, *, behind: bool) -> None:
    content = in_png(chunk(kind, bytes(SHORT.get(kind, 40)), sound=False), behind=behind)
    assert read_header(io.BytesIO(content)).size == Size(40, 56)
    picture = decode(content)
    assert np.array_equal(picture.pixels, BGR)
    assert picture.notes == (
        f"a damaged {kind.decode()} chunk, which holds no pixels, was dropped",
    )


@pytest.mark.parametrize("length", [0, 1, 2, 100])
@pytest.mark.parametrize("kind", [b"iCCP", *SHORT])
def test_a_chunk_of_a_wrong_length_is_dropped(kind: bytes, length: int) -> None:
    if length == SHORT.get(kind) or (kind in (b"sBIT", b"bKGD") and length in (1, 2)):
        return
    content = in_png(chunk(kind, bytes(length)))
    assert read_header(io.BytesIO(content)).size == Size(40, 56)
    picture = decode(content)
    assert np.array_equal(picture.pixels, BGR)
    assert len(picture.notes) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"name\0\0" + zlib.compress(PROFILE)[:-8],
        b"name\0\1" + zlib.compress(PROFILE),
        b"name\0\0" + zlib.compress(PROFILE[:100]),
        b"name\0\0" + zlib.compress(PROFILE[:200]),
        80 * b"n" + b"\0\0" + zlib.compress(PROFILE),
        b"name\0\0" + zlib.compress(PROFILE[:36] + b"none" + PROFILE[40:]),
    ],
    ids=["cut off", "method", "short", "shorter than it says", "name", "signature"],
)
def test_a_damaged_profile_of_a_png_is_dropped(body: bytes) -> None:
    picture = decode(in_png(chunk(b"iCCP", body)))
    assert np.array_equal(picture.pixels, BGR)
    assert picture.metadata == {}
    assert len(picture.notes) == 1


def raw_profile(kind: bytes, block: bytes, claimed: int, name: bytes = b"exif") -> bytes:
    """Make a text that holds EXIF as ImageMagick writes it."""
    text = b"\n%s\n%8d\n%s\n" % (name, claimed, block.hex().encode())
    packed = {b"tEXt": text, b"zTXt": b"\0" + zlib.compress(text)}
    return chunk(kind, b"Raw profile type " + name + b"\0" + packed[kind])


@pytest.mark.parametrize("name", [b"exif", b"APP1"])
@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt"])
@pytest.mark.parametrize(
    ("block", "claimed"),
    [
        *((EXIF, claimed) for claimed in (0, 1, 2, 3, 4, 7, len(EXIF) + 1, 10**9)),
        *((EXIF[:length], length) for length in (0, 1, 2, 3, 4, 6, 7, 8, 10, 13)),
        *((EXIF[6 : 6 + length], length) for length in (1, 4, 7)),
    ],
)
def test_exif_in_a_text_costs_nothing_else(
    kind: bytes, name: bytes, block: bytes, claimed: int
) -> None:
    picture = decode(in_png(raw_profile(kind, block, claimed, name)))
    assert np.array_equal(picture.pixels, BGR)
    assert picture.notes == ("a damaged EXIF block was dropped",)
    assert picture.metadata == {}


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt"])
def test_sound_exif_in_a_text_is_kept(kind: bytes) -> None:
    picture = decode(in_png(raw_profile(kind, EXIF, len(EXIF))))
    assert picture.metadata == {cv2.IMAGE_METADATA_EXIF: EXIF[6:]}
    assert picture.notes == ()


@pytest.mark.parametrize("block", [b"", b"II", b"II*\0", b"II*\0\x08\0\0", b"garbage behind"])
def test_damaged_exif_in_its_own_chunk_is_dropped_with_a_note(block: bytes) -> None:
    picture = decode(in_png(chunk(b"eXIf", block)))
    assert picture.metadata == {}
    assert picture.notes == ("a damaged EXIF block was dropped",)


def test_sound_chunks_beside_damaged_ones_are_kept() -> None:
    damaged = chunk(b"tIME", b"", sound=True)
    profile = chunk(b"iCCP", b"name\0\0" + zlib.compress(PROFILE))
    exif = chunk(b"eXIf", EXIF[6:])
    picture = decode(in_png(damaged + profile + exif + damaged))
    assert picture.metadata == {cv2.IMAGE_METADATA_ICCP: PROFILE, cv2.IMAGE_METADATA_EXIF: EXIF[6:]}
    assert len(picture.notes) == 1


@pytest.mark.parametrize("kind", [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"])
def test_a_wrong_checksum_in_what_holds_pixels_is_damage(kind: bytes) -> None:
    content = save("PNG", "P", transparency=3)
    at = content.index(kind)
    end = at + 4 + int.from_bytes(content[at - 4 : at])
    decode(content)
    with pytest.raises(DamagedImageError):
        decode(content[:end] + bytes([content[end] ^ 1]) + content[end + 1 :])


@pytest.mark.parametrize(
    ("parts", "note"),
    [
        ([segment(0xE0, b"JFIF\0")], "a damaged JFIF segment"),
        ([segment(0xE0, b"JFIF")], "a damaged JFIF segment"),
        ([segment(0xE0, b"")], ""),
        ([segment(0xEE, b"Adobe")], "a damaged Adobe segment"),
        ([segment(0xE2, ICC)], "a damaged ICC profile"),
        ([segment(0xE2, ICC + b"\1")], "a damaged ICC profile"),
        ([segment(0xE2, ICC + b"\1\2" + PROFILE)], "a damaged ICC profile"),
        ([segment(0xE2, ICC + b"\2\2" + PROFILE)] * 2, "a damaged ICC profile"),
        ([segment(0xE2, ICC + b"\1\1" + PROFILE[:50])], "a damaged ICC block"),
        ([segment(0xE2, ICC + b"\1\1" + PROFILE[:-1])], "a damaged ICC block"),
        ([segment(0xE2, b"MPF\0")], ""),
        ([segment(0xE2, b"MPF\0II*\0" + bytes(9))], ""),
        ([segment(0xED, b"Photoshop 3.0\x008BIM\4")], ""),
        ([segment(0xE1, b"Exif\0\0garbage")], "a damaged EXIF block"),
        ([segment(0xE1, b"http://ns.adobe.com/xap/1.0/")], ""),
    ],
)
def test_a_damaged_segment_costs_a_jpeg_that_segment_alone(parts: list[bytes], note: str) -> None:
    content = in_jpeg(*parts)
    assert read_header(io.BytesIO(content)).size == Size(40, 56)
    picture = decode(content)
    assert np.array_equal(picture.pixels, decode(JPEG).pixels)
    assert picture.metadata == {}
    assert [text[: len(note)] for text in picture.notes] == [note] * bool(note)


def test_a_second_exif_segment_of_a_jpeg_is_ignored() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    for first, orientation in ((EXIF, 1), (turned.tobytes(), 6)):
        content = in_jpeg(segment(0xE1, first), segment(0xE1, turned.tobytes()))
        size = Size(56, 40) if orientation == 6 else Size(40, 56)
        picture = decode(content)
        assert read_header(io.BytesIO(content)).size == Size(*picture.pixels.shape[:2]) == size
        assert len(picture.metadata[cv2.IMAGE_METADATA_EXIF]) == len(first) - 6
        assert picture.notes == ("a second EXIF segment was ignored",)


def test_a_profile_in_segments_in_any_order_is_kept() -> None:
    parts = [PROFILE[:200], PROFILE[200:300], PROFILE[300:]]
    segments = [segment(0xE2, ICC + bytes([n + 1, 3]) + part) for n, part in enumerate(parts)]
    picture = decode(in_jpeg(segments[2], segments[0], segments[1]))
    assert picture.metadata == {cv2.IMAGE_METADATA_ICCP: PROFILE}
    assert picture.notes == ()


@settings(max_examples=100)
@given(
    st.binary(max_size=60),
    st.lists(st.integers(0, 60), max_size=6, unique=True).map(sorted),
    st.lists(st.tuples(st.integers(0, 70), st.integers(0, 2), st.integers(-1, 70)), max_size=8),
)
def test_a_file_with_gaps_reads_like_its_content(
    data: bytes, places: list[int], reads: list[tuple[int, int, int]]
) -> None:
    parts = [Part(*pair) for pair in zip(places[::2], places[1::2], strict=False)]
    parts = [part for part in parts if part.end <= len(data)]
    expected = io.BytesIO(cut(data, parts))
    file = GappedFile(io.BytesIO(data), parts)
    for position, whence, size in reads:
        end = len(expected.getvalue())
        base = (0, expected.seek(0, io.SEEK_CUR), end)[whence]
        place = expected.seek(min(base + position, end))
        assert file.seek(position, whence) == place
        assert file.read(size) == expected.read(size)


@pytest.mark.skipif(not CASES.exists(), reason="needs the reference data")
@pytest.mark.parametrize(
    "name",
    [
        *("png_wrong_crc_tEXt.png", "png_wrong_crc_pHYs.png", "png_wrong_crc_tIME.png"),
        *("png_short_gAMA.png", "png_short_iCCP.png", "jpeg_short_icc.jpg"),
    ],
)
def test_reported_files_with_a_damaged_part_are_read(name: str) -> None:
    picture = decode((CASES / name).read_bytes())
    whole = "png_300_dpi.png" if name.startswith("png") else "jpeg_300_dpi.jpg"
    expected = decode((CASES / whole).read_bytes())
    assert np.array_equal(picture.pixels, expected.pixels)
    assert len(picture.notes) == 1
