"""Files of which a part was lost are refused: zeros or nothing in its place, or other bytes."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images.decoding import decode

Array = npt.NDArray[Any]
DAMAGED = r"^the file is (truncated|damaged)|^not a readable image: "
HEIGHT, WIDTH = 120, 160
Y, X = np.mgrid[:HEIGHT, :WIDTH]
NOISE = np.random.default_rng(3).integers(0, 30, (HEIGHT, WIDTH, 3))
PHOTO = np.clip(np.dstack([X, Y, X + Y]) + NOISE, 0, 255).astype(np.uint8)


def save(array: Array, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, form, **options)
    return file.getvalue()


def save_cmyk(**options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PHOTO).convert("CMYK").save(file, "JPEG", **options)
    return file.getvalue()


JPEGS = {
    "baseline": save(PHOTO, "JPEG", quality=90),
    "optimised": save(PHOTO, "JPEG", quality=75, optimize=True),
    "progressive": save(PHOTO, "JPEG", progressive=True),
    "restarts": save(PHOTO, "JPEG", restart_marker_rows=1),
    "grey": save(PHOTO[:, :, 0], "JPEG"),
    "cmyk": save_cmyk(),
}


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_with_a_part_of_zeros_or_a_gap_is_damaged(name: str) -> None:
    content = JPEGS[name]
    decode(content)
    start = content.index(b"\xff\xda") + 14
    length = len(content) - 2 - start
    for share in (0.1, 0.3, 0.5, 0.7, 0.85):
        at = start + int(length * share)
        with pytest.raises(DamagedImageError, match=DAMAGED):
            decode(content[:at] + bytes(len(content) - 2 - at) + content[-2:])
        if name == "progressive":  # one that lacks whole scans is coarse
            continue
        with pytest.raises(DamagedImageError, match=DAMAGED):
            decode(content[:at] + content[at + length // 12 :])


@pytest.mark.parametrize(
    "padding", [b"\x11\x22", bytes(700), b"\xff" * 9], ids=["few", "zeros", "ff"]
)
@pytest.mark.parametrize("name", ["baseline", "optimised", "progressive", "grey"])
def test_a_jpeg_with_padding_before_its_end_is_complete(name: str, padding: bytes) -> None:
    content = JPEGS[name]
    padded = content[:-2] + padding + content[-2:]
    assert np.array_equal(decode(padded).pixels, decode(content).pixels)


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"WEBP"
    for name, content in chunks:
        body += name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def lossless(array: Array) -> bytes:
    content = save(array, "WEBP", lossless=True)
    return content[20 : 20 + struct.unpack("<I", content[16:20])[0]]


REST = np.random.default_rng(7).integers(0, 256, 60_000).astype(np.uint8).tobytes()


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("place", ["behind the RIFF", "zeros behind the RIFF", "in another chunk"])
def test_a_lossless_webp_is_not_completed_by_other_bytes(place: str, share: float) -> None:
    picture = lossless(PHOTO)
    part = (b"VP8L", picture[: int(len(picture) * share)])
    content = {
        "behind the RIFF": riff(part) + REST,
        "zeros behind the RIFF": riff(part) + bytes(len(REST)),
        "in another chunk": riff(part, (b"XMP ", REST)),
    }[place]
    with pytest.raises(DamagedImageError, match=DAMAGED):
        decode(content)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_lossless_webp_with_a_part_of_zeros_is_damaged(share: float) -> None:
    picture = lossless(PHOTO)
    at = int(len(picture) * share)
    with pytest.raises(DamagedImageError, match=DAMAGED):
        decode(riff((b"VP8L", picture[:at] + bytes(len(picture) - at))))
    with pytest.raises(DamagedImageError, match=DAMAGED):
        decode(riff((b"VP8L", picture[:at] + bytes(2000) + picture[at + 2000 :])))


@pytest.mark.parametrize(
    "array",
    [
        PHOTO,
        np.dstack([PHOTO, X.astype(np.uint8) | 1]),
        np.zeros((300, 300, 3), np.uint8),
        np.full((50, 50, 4), 255, np.uint8),
        NOISE.astype(np.uint8) // 16 * 255,
        np.zeros((1, 1, 3), np.uint8),
    ],
    ids=["photo", "alpha", "black", "white", "two levels", "one pixel"],
)
def test_a_sound_lossless_webp_is_decoded(array: Array) -> None:
    picture = lossless(array)
    expected = decode(save(array, "WEBP", lossless=True)).pixels
    for content in (
        riff((b"VP8L", picture)) + REST,
        riff((b"VP8L", picture + bytes(500))),
        riff((b"VP8L", picture), (b"EXIF", b"II*\0")),
    ):
        assert np.array_equal(decode(content).pixels, expected)
    assert np.array_equal(expected[:, :, :3], array[:, :, 2::-1])


# Files that would take longer than their pixels are worth.


def test_a_jpeg_of_endless_scans_is_unsupported() -> None:
    content = JPEGS["progressive"]
    last = content[content.rindex(b"\xff\xda") : -2]
    with pytest.raises(UnsupportedImageError, match="scans, more than the 100"):
        decode(content[:-2] + 2000 * last + content[-2:])


def test_a_png_of_many_compressed_texts_is_unsupported() -> None:
    content = save(PHOTO, "PNG")
    body = b"zTXtname\0\0" + zlib.compress(bytes(1_000_000))
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    for count, refused in ((20, False), (600, True)):
        changed = content[:-12] + count * chunk + content[-12:]
        if not refused:
            assert np.array_equal(decode(changed).pixels, decode(content).pixels)
            continue
        with pytest.raises(UnsupportedImageError, match="600 compressed texts"):
            decode(changed)


def test_a_pnm_of_comments_is_refused_by_its_first_bytes() -> None:
    content = b"P5\n" + 5_000_000 * b"#\n" + b"2 1 255\n\x10\x20"
    with pytest.raises(DamagedImageError, match="does not end within 65536 bytes"):
        decode(content)
    assert decode(b"P5\n# one\n2 1 #two\n255\n\x10\x20").pixels.tolist() == [[16, 32]]


def test_comments_among_the_numbers_of_a_pnm_are_skipped() -> None:
    text = b"P2 2 1 1000\n" + 300_000 * b"# a\n" + b"1000 # b\n 0"
    assert decode(text).pixels.tolist() == [[65_535, 0]]
    assert decode(b"P3 1 1 5\n5 0 5").pixels.tolist() == [[[255, 0, 255]]]
    assert decode(b"P1 3 1\n1#\n01").pixels.tolist() == [[0, 255, 0]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"P2 2 1 1000\n1000", "truncated: a part of its pixels is missing"),
        (b"P2 2 1 9\n3 x", "damaged: its pixels are not numbers"),
        (b"P2 2 1 9\n3 10", "damaged: a sample is larger than 9"),
        (b"P5 2 2 255\nabc", "truncated: a part of its pixels is missing"),
        (b"P1 3 1\n120", "damaged: its pixels are not bits"),
    ],
    ids=["short", "letter", "above white", "few bytes", "no bit"],
)
def test_a_pnm_without_all_of_its_samples_is_damaged(content: bytes, words: str) -> None:
    with pytest.raises(DamagedImageError, match=words):
        decode(content)


@pytest.mark.parametrize("shape", [(3000, 3000, 3), (3000, 3000, 4)], ids=["colour", "alpha"])
def test_an_avif_whose_frames_are_larger_than_it_says_is_damaged(shape: tuple[int, ...]) -> None:
    content = bytearray(save(np.full(shape, 90, np.uint8), "AVIF", speed=10))
    decode(bytes(content))
    at = content.index(b"ispe") + 8
    content[at : at + 8] = struct.pack(">II", 64, 64)
    with pytest.raises(DamagedImageError, match="4096 pixels, but a frame has 3000x3000"):
        decode(bytes(content))
