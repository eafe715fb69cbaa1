"""A file that is not an image we read is named by what it is, whatever its name says."""

from __future__ import annotations

import gzip
import io
import re
import struct
import tarfile
import zipfile
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from srcnn.errors import DamagedImageError, ImageError, UnsupportedImageError
from srcnn.images.decoding import decode, read_header
from srcnn.images.decoding.file_kinds import START_BYTES, find_kind
from srcnn.images.formats import detect_format

PICTURE = Image.fromarray(
    np.arange(3 * 20 * 24, dtype=np.uint16).astype(np.uint8).reshape(20, 24, 3)
)
# Pillow writes these in kinds that are not read here.
WRITTEN = {
    "ICO": "a Windows icon",
    "ICNS": "an Apple icon",
    "JPEG2000": "a JPEG 2000 image",
    "PDF": "a PDF document",
    "EPS": "a PostScript file",
    "DDS": "a DDS texture",
    "SGI": "an SGI image",
}


def box(major: bytes, *others: bytes) -> bytes:
    brands = major + bytes(4) + b"".join(others)
    return struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + b"\0\0\0\x10meta" + b"\x81" * 40


def zip_file() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.png", b"content")
    return file.getvalue()


def tar_file() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.png"))
    return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def apple_png() -> bytes:
    """Make what Xcode does: a first chunk of its own, and pixels without zlib's frame."""
    header = struct.pack(">IIBBBBB", 2, 1, 8, 6, 0, 0, 0)
    pixels = zlib.compress(bytes(9))[2:-4]
    parts = [(b"CgBI", b"P\0\x20\x02"), (b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


UNSUPPORTED = {
    "HEIF of another codec": (box(b"mif1", b"vvic"), "a HEIF image of another codec"),
    "HEIF of AVC": (box(b"avci", b"mif1"), "a HEIF image of another codec"),
    "JPEG 2000 codestream": (b"\xff\x4f\xff\x51\0\x2f" + bytes(40), "a JPEG 2000 image"),
    "Photoshop": (b"8BPS\0\1" + bytes(40), "a Photoshop document"),
    "Canon raw": (b"II*\0\x10\0\0\0CR\2\0" + bytes(40), "a camera's raw file"),
    "Canon raw of 2018": (box(b"crx ", b"isom"), "a camera's raw file"),
    "Fujifilm raw": (b"FUJIFILMCCD-RAW 0201" + bytes(40), "a camera's raw file"),
    "MP4": (box(b"isom", b"avc1", b"mp41"), "an MP4 video"),
    "QuickTime": (box(b"qt  "), "a QuickTime video"),
    "WebM": (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01", "a WebM or Matroska video"),
    "AVI": (b"RIFF\x10\0\0\0AVI LIST" + bytes(20), "an AVI video"),
    "ZIP": (zip_file(), "a ZIP archive"),
    "gzip": (gzip.compress(b"content"), "a gzip file"),
    "tar": (tar_file(), "a tar archive"),
    "PostScript behind spaces": (b"\n%!PS-Adobe-3.0\n", "a PostScript file"),
    "SVG": (b"<?xml version='1.0'?>\n<!-- a -->\n<svg xmlns='x'/>", "an SVG drawing"),
    "Apple's PNG": (apple_png(), "a PNG in Apple's CgBI form"),
    "DICOM": (bytes(128) + b"DICM" + b"\2\0\0\0UL", "a DICOM image"),
}
LOST = {
    "empty": (b"", "an empty file"),
    "zeros": (bytes(2000), "a file that begins with zeros"),
    "HTML": (b"\n<!DOCTYPE html>\n<html><body>404</body></html>", "a web page"),
    "Git LFS": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        "a Git LFS pointer",
    ),
    "text": ("déjà vu\n".encode(), "a text file"),
    "text in UTF-16": ("\ufefftext\n".encode("utf-16-le"), "a text file"),
    "JSON": (b'{"error": "expired"}', "a text file"),
    "text cut within a letter": ("é".encode() * START_BYTES + b"!", "a text file"),
    "text cut within another": (b"!" + "é".encode() * START_BYTES, "a text file"),
    "PNG with Unix line ends": (b"\x89PNG\n\x1a\n\0\0\0\rIHDR", "an image that was copied as text"),
    "JPEG as UTF-8": (
        b"\xff\xd8\xff\xe0\0\x10JFIF".decode(errors="replace").encode(),
        "an image that was copied as text",
    ),
}


def refuse(content: bytes, kind: type[ImageError], expected: str) -> None:
    for read in (decode, lambda data: read_header(io.BytesIO(data))):
        with pytest.raises(ImageError, match=re.escape(f"it is {expected}")) as caught:
            read(content)
        assert caught.type is kind


@pytest.mark.parametrize("name", sorted(UNSUPPORTED))
def test_a_kind_that_can_be_converted_is_unsupported(name: str) -> None:
    refuse(UNSUPPORTED[name][0], UnsupportedImageError, UNSUPPORTED[name][1])


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_kinds_that_other_programs_write(name: str) -> None:
    file = io.BytesIO()
    PICTURE.save(file, name)
    refuse(file.getvalue(), UnsupportedImageError, WRITTEN[name])


@pytest.mark.parametrize("name", sorted(LOST))
def test_what_is_in_the_place_of_an_image_is_damage(name: str) -> None:
    refuse(LOST[name][0], DamagedImageError, LOST[name][1])


@pytest.mark.parametrize(
    ("frame", "depth", "expected"),
    [
        (0xC1, 12, "a JPEG of 12 bits"),
        (0xC3, 16, "a JPEG of 16 bits"),
        (0xC5, 8, "a hierarchical JPEG of 8 bits"),
        (0xCB, 8, "a lossless arithmetic-coded JPEG of 8 bits"),
        (0xF7, 8, "a JPEG-LS image of 8 bits"),
    ],
)
def test_rare_kinds_of_jpeg(frame: int, depth: int, expected: str) -> None:
    comment = b"\xff\xfe\0\x06text"
    body = struct.pack(">BHHB", depth, 20, 24, 1) + b"\1\x11\0"
    start = b"\xff\xd8" + comment + bytes([0xFF, frame]) + struct.pack(">H", 2 + len(body)) + body
    refuse(start + b"\xff\xda\0\x08\1\1\0\0\x3f\0\x12\x34\xff\xd9", UnsupportedImageError, expected)


@pytest.mark.parametrize("is_raw", [True, False])
def test_a_preview_of_another_picture_is_refused(*, is_raw: bool) -> None:
    """A pyramid has smaller pictures of its first one; a raw file has a larger one."""
    pixels, file = np.asarray(PICTURE), io.BytesIO()
    with tifffile.TiffWriter(file) as tiff:
        tiff.write(pixels, subifds=1, subfiletype=int(is_raw), photometric="rgb")
        tiff.write(pixels[::2, ::2], subfiletype=int(not is_raw), photometric="rgb")
    if is_raw:
        with pytest.raises(UnsupportedImageError, match="its first picture is a preview"):
            decode(file.getvalue())
    else:
        assert np.array_equal(decode(file.getvalue()).pixels, pixels[:, :, ::-1])


def test_the_first_picture_of_an_mpo_is_read() -> None:
    file, alone = io.BytesIO(), io.BytesIO()
    PICTURE.save(file, "MPO", save_all=True, append_images=[PICTURE.rotate(180)], quality=90)
    PICTURE.save(alone, "JPEG", quality=90)
    assert detect_format("a.MPO") == "jpg"
    assert np.array_equal(decode(file.getvalue()).pixels, decode(alone.getvalue()).pixels)


def test_an_apng_of_one_frame_is_read() -> None:
    file = io.BytesIO()
    PICTURE.save(file, "PNG")
    animated = file.getvalue()
    control = struct.pack(">IIIIIHHBB", 0, *PICTURE.size, 0, 0, 1, 10, 0, 0)
    frames = chunk(b"acTL", struct.pack(">II", 1, 0)) + chunk(b"fcTL", control)
    still = animated[:33] + frames + animated[33:]
    assert detect_format("a.apng") == "png"
    assert np.array_equal(decode(still).pixels, np.asarray(PICTURE)[:, :, ::-1])
    several = io.BytesIO()
    PICTURE.save(several, "PNG", save_all=True, append_images=[PICTURE.rotate(180)])
    with pytest.raises(UnsupportedImageError, match="2 frames"):
        decode(several.getvalue())


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "PPM", "GIF", "AVIF"])
@given(length=st.integers(min_value=12, max_value=START_BYTES))
def test_the_start_of_an_image_is_of_no_other_kind(name: str, length: int) -> None:
    file = io.BytesIO()
    PICTURE.save(file, name)
    assert find_kind(file.getvalue()[:length]) is None


@given(
    st.binary(max_size=60), st.sampled_from([b"", b"\xff\xd8", b"\0\0\0\x18ftyp", b"P6\n", b"<"])
)
@example(b"", b"")
def test_any_start_has_a_kind_or_none(content: bytes, start: bytes) -> None:
    kind = find_kind(start + content)
    assert kind is None or (kind.name and kind.advice)
