"""Headers and structures of millions of parts are refused by a limit, or read in linear time."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images.decoding import decode, read_header
from srcnn.images.decoding.avif_frames import _read_frame_size
from srcnn.images.decoding.png_stream import check_stream
from srcnn.images.decoding.tiff_check_tags import check_directories

pytestmark = pytest.mark.timeout(60)

MILLION = 1_000_000
PIXELS = np.random.default_rng(1).integers(0, 256, (16, 24, 3)).astype(np.uint8)


def save(form: str, mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(file, form, **options)
    return file.getvalue()


JPEG, GIF, WEBP, AVIF, BMP = (save(form) for form in ("JPEG", "GIF", "WEBP", "AVIF", "BMP"))
PNG_START, PNG_BODY = (
    b"\x89PNG\r\n\x1a\n",
    zlib.compress(b"".join(b"\0" + row.tobytes() for row in PIXELS)),
)
FRAME = GIF.index(b",", 13 + 3 * 2 ** ((GIF[10] & 7) + 1))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(before: bytes = b"", after: bytes = b"") -> bytes:
    size = chunk(b"IHDR", struct.pack(">IIBBBBB", 24, 16, 8, 2, 0, 0, 0))
    return PNG_START + size + before + chunk(b"IDAT", PNG_BODY) + after + chunk(b"IEND", b"")


def in_jpeg(segments: bytes) -> bytes:
    return JPEG[:2] + segments + JPEG[2:]


def in_gif(blocks: bytes) -> bytes:
    return GIF[:FRAME] + blocks + GIF[FRAME:]


def riff(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def extended(flags: int = 0) -> bytes:
    return b"VP8X" + struct.pack("<II", 10, flags) + b"\x17\0\0\x0f\0\0"


def tiff(*entries: tuple[int, int, int, int], rest: int = 0) -> bytes:
    size = [(256, 3, 1, 24), (257, 3, 1, 16), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    given = {entry[0] for entry in entries}
    places = [(273, 4, 1, 400), (277, 3, 1, 1), (278, 3, 1, 16), (279, 4, 1, 384)]
    every = [entry for entry in size + places if entry[0] not in given] + list(entries)
    directory = b"".join(struct.pack("<HHII", *entry) for entry in sorted(every))
    head = b"II*\0" + struct.pack("<IH", 8, len(every)) + directory + bytes(4)
    return head.ljust(400, b"\0") + bytes(384 + rest)


REFUSED: dict[str, Callable[[], bytes]] = {
    "JPEG of comments": lambda: in_jpeg(b"\xff\xfe\0\3x" * MILLION),
    "JPEG of EXIF": lambda: in_jpeg((b"\xff\xe1\xea\x62Exif\0\0" + bytes(59_994)) * 2000),
    "JPEG of tables": lambda: in_jpeg(b"\xff\xdd\0\4\0\0" * MILLION),
    "JPEG of padding": lambda: in_jpeg(b"\xff" * 20 * MILLION),
    "GIF of comments": lambda: in_gif(b"!\xfe\1x\0" * MILLION),
    "GIF of one comment": lambda: in_gif(b"!\xfe" + b"\1x" * 5 * MILLION + b"\0"),
    "GIF of extensions": lambda: in_gif(b"!\xff\1x\0" * MILLION),
    "GIF of other bytes": lambda: in_gif(b"a" * 10 * MILLION),
    "GIF of blocks behind its pixels": lambda: GIF[:-1] + b"!\xfe\1x\0" * MILLION + b";",
    "PNG of texts": lambda: png(chunk(b"tEXt", b"a\0b") * MILLION),
    "PNG of empty pixels": lambda: png(chunk(b"IDAT", b"") * MILLION),
    "PNG of texts behind its pixels": lambda: png(after=chunk(b"tEXt", b"a\0b") * MILLION),
    "AVIF of empty boxes": lambda: AVIF + b"\0\0\0\x08free" * MILLION,
    "PNG of a large EXIF": lambda: png(chunk(b"eXIf", b"II*\0" + bytes(2 * MILLION))),
    "PNG of a large EXIF behind": lambda: png(after=chunk(b"eXIf", b"II*\0" + bytes(2 * MILLION))),
    "WebP of a large XMP": lambda: save("WEBP", xmp=bytes(20 * MILLION)),
    "TIFF of fractions": lambda: tiff((305, 5, 5 * MILLION, 400), rest=40 * MILLION),
    "TIFF of numbers": lambda: tiff((700, 3, 20 * MILLION, 400), rest=40 * MILLION),
    "TIFF of strips": lambda: tiff((273, 4, 5 * MILLION, 400), rest=20 * MILLION),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_of_millions_of_parts_is_unsupported(name: str) -> None:
    with pytest.raises(UnsupportedImageError, match="save it again"):
        decode(REFUSED[name]())


def test_a_directory_of_65535_tags_is_unsupported() -> None:
    entries = struct.pack("<HHII", 256, 4, 1, 24) * 65_535
    with pytest.raises(UnsupportedImageError, match="65535 tags"):
        read_header(io.BytesIO(b"II*\0" + struct.pack("<IH", 8, 65_535) + entries + bytes(4)))


def test_empty_runs_of_a_bmp_are_unsupported() -> None:
    content = save("BMP", "P")
    start = int.from_bytes(content[10:14], "little")
    runs = content[:30] + b"\1\0\0\0" + content[34:start] + b"\0\0" * MILLION + b"\0\1"
    with pytest.raises(UnsupportedImageError, match="save it again"):
        decode(runs)


def test_stuffed_bytes_and_comments_are_skipped_in_linear_time() -> None:
    with pytest.raises(DamagedImageError):
        decode(JPEG[:-2] + b"\xff\0" * 10 * MILLION + JPEG[-2:])
    content = b"P2 2 1 255\n" + b"#\n" * 10 * MILLION + b"7#c\n9"
    assert decode(content).pixels.tolist() == [[7, 9]]


def test_a_tag_twice_is_damage() -> None:
    content = tiff()
    count = struct.unpack_from("<H", content, 8)[0]
    twice = struct.pack("<HHII", 256, 4, 1, 20_000) + content[10 : 10 + 12 * count]
    with pytest.raises(DamagedImageError, match="256 appears twice"):
        decode((content[:8] + struct.pack("<H", count + 1) + twice).ljust(400, b"\0") + bytes(384))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [3, 4], ids=["16 bits", "32 bits"])
def test_the_strips_of_a_tiff_may_be_as_many_as_its_pixels_need(order: str, kind: int) -> None:
    """However its size is written: a 16-bit number stands in the first half of its field."""

    def check(side: int, strips: int) -> None:
        size = side << 16 if kind == 3 and order == ">" else side
        entries = [(256, kind, 1, size), (257, kind, 1, size), (273, 4, strips, 400)]
        start = b"II*\0" if order == "<" else b"MM\0*"
        directory = b"".join(struct.pack(f"{order}HHII", *entry) for entry in entries)
        check_directories(io.BytesIO(start + struct.pack(f"{order}IH", 8, 3) + directory))

    check(16, 65_540)
    check(6400, 705_536)
    for side, strips in ((16, 65_541), (6400, 705_537)):
        with pytest.raises(UnsupportedImageError, match=f"tag 273 has {strips} values"):
            check(side, strips)


def sequence_header(*fields: tuple[int, int]) -> bytes:
    """Numbers and how many bits each has, as AV1 writes them (section 5.5.1)."""
    bits = "".join(f"{value:0{count}b}" for value, count in fields)
    return int(bits.ljust(-len(bits) % 8 + len(bits), "0"), 2).to_bytes((len(bits) + 7) // 8)


def test_the_size_of_a_frame_is_found_behind_every_optional_field() -> None:
    """Behind what times and buffers say, which files of cameras and video encoders have."""
    plain = [(0, 3), (0, 1), (0, 1)]  # profile, not still, no reduced header
    timing = [(1, 1), (1, 32), (25, 32), (1, 1), (0b00101, 5)]  # equal intervals, 2 zeros
    decoder = [(1, 1), (9, 5), (1, 32), (9, 5), (9, 5)]  # delays have 10 bits
    display = [(1, 1)]
    points = [(1, 5)]  # two
    high = [(0, 12), (8, 5), (1, 1), (1, 1), (700, 10), (700, 10), (1, 1), (1, 1), (5, 4)]
    low = [(0, 12), (7, 5), (0, 1), (0, 1)]
    size = [(11, 4), (10, 4), (3999, 12), (1999, 11)]
    header = sequence_header(*plain, *timing, *decoder, *display, *points, *high, *low, *size)
    assert _read_frame_size(header) == (4000, 2000)
    without = [(0, 1), (0, 1), (0, 5), (0, 12), (8, 5), (0, 1)]
    assert _read_frame_size(sequence_header(*plain, *without, *size)) == (4000, 2000)
    reduced = [(0, 3), (1, 1), (1, 1), (8, 5)]
    assert _read_frame_size(sequence_header(*reduced, *size)) == (4000, 2000)


def test_a_second_header_of_a_png_is_damage() -> None:
    second = chunk(b"IHDR", struct.pack(">IIBBBBB", 9000, 9000, 8, 2, 0, 0, 0))
    for content in (png(second), png(after=second)):
        with pytest.raises(DamagedImageError):
            decode(content)


def test_a_png_of_more_pixels_than_its_header_says_is_damage() -> None:
    size = chunk(b"IHDR", struct.pack(">IIBBBBB", 24, 16, 8, 2, 0, 0, 0))
    pixels = zlib.compress(bytes(100 * MILLION))
    parts = [pixels[at : at + 1000] for at in range(0, len(pixels), 1000)]
    for bodies in ([pixels], parts):
        content = PNG_START + size + b"".join(chunk(b"IDAT", body) for body in bodies)
        with pytest.raises(DamagedImageError, match="more pixels than its header says"):
            decode(content + chunk(b"IEND", b""))


@pytest.mark.parametrize("interlaced", [0, 1])
@pytest.mark.parametrize(
    ("depth", "colours", "samples"), [(1, 0, 1), (4, 3, 1), (8, 4, 2), (16, 6, 4)]
)
def test_the_length_of_the_pixels_of_a_png(
    depth: int, colours: int, samples: int, interlaced: int
) -> None:
    # PNG specification, section 8.2: the pass of each pixel of a block of 8x8.
    places = np.array([[1, 6, 4, 6, 2, 6, 4, 6], [7] * 8, [5, 6] * 4, [7] * 8] * 2)
    places[4, :8:4] = 3
    ignored = 65_536
    for height, width in ((1, 1), (2, 3), (5, 5), (9, 4), (33, 70)):
        passes = np.tile(places, (5, 9))[:height, :width] * interlaced
        rows = [row[row == number].size for number in range(8) for row in passes]
        length = sum(1 + -(-pixels * depth * samples // 8) for pixels in rows if pixels)
        header = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, interlaced)
        check_stream(memoryview(header), [memoryview(zlib.compress(bytes(length + ignored)))])
        more = memoryview(zlib.compress(bytes(length + ignored + 1)))
        with pytest.raises(DamagedImageError):
            check_stream(memoryview(header), [more])


def test_a_second_header_of_a_jpeg_is_damage() -> None:
    at = JPEG.index(b"\xff\xc0")
    frame = JPEG[at : at + 2 + int.from_bytes(JPEG[at + 2 : at + 4])]
    large = frame[:5] + struct.pack(">HH", 9000, 9000) + frame[9:]
    end = at + len(frame)
    for frames in (frame + large, large + frame):
        with pytest.raises(DamagedImageError):
            decode(JPEG[:at] + frames + JPEG[end:])


def test_a_webp_whose_picture_is_larger_than_its_canvas_is_damage() -> None:
    picture = bytearray(save("WEBP", lossless=True)[12:])
    picture[9:13] = (7999 | 7999 << 14).to_bytes(4, "little")
    with pytest.raises(DamagedImageError):
        decode(riff(extended(), bytes(picture)))


@pytest.mark.parametrize("content", [JPEG, GIF, WEBP, AVIF, BMP, png(), tiff()])
def test_sound_files_are_read(content: bytes) -> None:
    assert read_header(io.BytesIO(content)).size == (16, 24)
    assert decode(content).pixels.shape[:2] == (16, 24)


@pytest.mark.parametrize("at", [2**62, 2**63 - 1, 2**64 - 1])
def test_a_directory_behind_what_a_disk_can_hold_is_damage(at: int, tmp_path: Path) -> None:
    """A disk refuses such a position, which memory takes."""
    content = b"II" + struct.pack("<HHHQ", 43, 8, 0, at) + bytes(100)
    (tmp_path / "a.tif").write_bytes(content)
    with (tmp_path / "a.tif").open("rb") as file, pytest.raises(DamagedImageError):
        read_header(file)
    with pytest.raises(DamagedImageError):
        read_header(io.BytesIO(content))
