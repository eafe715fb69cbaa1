"""Texts and comments: kept where the output has a place for them, else noted."""

from __future__ import annotations

import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from srcnn.geometry import Size
from srcnn.images.decoding import decode
from srcnn.images.prepare import prepare
from srcnn.images.texts_and_comments import Texts, to_chunks, to_comments
from tests.support.image_files import chunk, save, segment
from tests.support.images import to_file
from tests.support.paths import CASES

PROMPT = "a cat, steps: 20, ä"
SIZE = Size(40, 56)
EXIF = b"Exif\0\0II*\0\x08\0\0\0" + bytes(12)


def generated() -> bytes:
    """A PNG with a text of each kind, and what must not be copied with them."""
    texts = PngImagePlugin.PngInfo()
    texts.add_text("parameters", PROMPT)
    texts.add_text("workflow", '{"nodes": []}' * 90, zip=True)
    texts.add_itxt("Title", "Кот", "ru", "Заголовок")
    texts.add_itxt("Description", "Котёнок" * 90, zip=True)
    texts.add_text("Thumb::Image::Width", "56")
    texts.add_text("Raw profile type exif", f"\nexif\n{len(EXIF)}\n{EXIF.hex()}\n")
    return save("PNG", pnginfo=texts)


def read_png(data: bytes) -> dict[str, str]:
    with Image.open(io.BytesIO(data)) as image:
        assert isinstance(image, PngImagePlugin.PngImageFile)
        image.load()
        return dict(image.text)


def read_comments(data: bytes) -> list[bytes]:
    """Read the comments of a JPEG, of which Pillow keeps all under its segments."""
    with Image.open(io.BytesIO(data)) as image:
        return [body for name, body in getattr(image, "applist") if name == "COM"]  # noqa: B009


def test_every_text_of_a_png_is_kept_in_a_png() -> None:
    found = read_png(to_file(decode(generated()), ".png", None, keep_metadata=True))
    assert found == {
        "parameters": PROMPT,
        "workflow": '{"nodes": []}' * 90,
        "Title": "Кот",
        "Description": "Котёнок" * 90,
    }


def test_texts_behind_the_pixels_are_kept() -> None:
    png = save("PNG")
    end = png.rindex(b"IEND") - 4
    late = png[:end] + chunk(b"tEXt", b"Comment\0late") + png[end:]
    written = to_file(decode(late), ".png", None, keep_metadata=True)
    assert read_png(written) == {"Comment": "late"}


def test_texts_of_a_png_become_comments_of_a_jpeg() -> None:
    prepared = prepare(decode(generated()), SIZE, ".jpg", keep_metadata=True)
    assert prepared.notes == ()
    written = to_file(decode(generated()), ".jpg", None, keep_metadata=True)
    assert read_comments(written) == [
        f"parameters: {PROMPT}".encode(),
        b"workflow: " + b'{"nodes": []}' * 90,
        "Title: Кот".encode(),
        ("Description: " + "Котёнок" * 90).encode(),
    ]


def test_comments_of_a_jpeg_are_kept_byte_for_byte() -> None:
    jpeg = save("JPEG")
    jpeg = jpeg[:2] + segment(0xFE, b"scan 12\xe4") + segment(0xFE, b"box 3\0") + jpeg[2:]
    written = to_file(decode(jpeg), ".jpg", None, keep_metadata=True)
    assert read_comments(written) == [b"scan 12\xe4", b"box 3\0"]


@pytest.mark.parametrize(("form", "text"), [("JPEG", "scan 12"), ("JPEG", "Кот"), ("GIF", "gif")])
def test_a_comment_becomes_a_text_of_a_png(form: str, text: str) -> None:
    picture = decode(save(form, comment=text.encode()))
    written = to_file(picture, ".png", None, keep_metadata=True)
    assert read_png(written) == {"Comment": text}


@pytest.mark.parametrize("extension", [".png", ".jpg", ".webp"])
def test_stripped_files_have_none_and_that_is_not_noted(extension: str) -> None:
    for data in (generated(), save("JPEG", comment=b"scan 12")):
        prepared = prepare(decode(data), SIZE, extension, keep_metadata=False)
        assert prepared.notes == ()
        written = to_file(decode(data), extension, None, keep_metadata=False)
        assert b"steps" not in written
        assert b"scan 12" not in written


@pytest.mark.parametrize("extension", [".webp", ".avif", ".tiff", ".bmp", ".ppm"])
def test_formats_that_hold_no_texts_are_noted(extension: str) -> None:
    for data in (generated(), save("JPEG", comment=b"scan 12")):
        (note,) = prepare(decode(data), SIZE, extension, keep_metadata=True).notes
        assert note.startswith("texts or comments were left out")
    assert prepare(decode(save("PNG")), SIZE, extension, keep_metadata=True).notes == ()


@pytest.mark.parametrize(
    "body",
    [
        b"parameters\0\0" + zlib.compress(b"a" * 10**6),
        b"parameters\0\0" + zlib.compress(b"a" * 100)[:9],
        b"parameters\0\0no stream",
    ],
)
def test_a_text_that_a_comment_cannot_hold_is_noted(body: bytes) -> None:
    comments, is_complete = to_comments(Texts(chunks=((b"zTXt", body),)))
    assert comments == []
    assert not is_complete


@given(
    st.lists(
        st.tuples(st.sampled_from([b"tEXt", b"zTXt", b"iTXt"]), st.binary(max_size=40)), max_size=3
    ),
    st.lists(st.binary(max_size=40), max_size=3),
)
def test_any_text_makes_files_that_can_be_read(
    chunks: list[tuple[bytes, bytes]], comments: list[bytes]
) -> None:
    texts = Texts(tuple(chunks), tuple(comments))
    assert len(to_chunks(texts)) == len(chunks) + len(comments)
    kept, is_complete = to_comments(texts)
    assert kept[: len(comments)] == comments
    assert is_complete == (len(kept) == len(chunks) + len(comments))


@pytest.mark.parametrize("name", ["png_text.png", "jpeg_comment.jpg"])
def test_prompts_and_notes_of_scans_are_kept(name: str) -> None:
    path = CASES / name
    if not path.exists():
        pytest.skip("the reference data is absent")
    written = to_file(decode(path.read_bytes()), path.suffix, None, keep_metadata=True)
    if path.suffix == ".jpg":
        assert read_comments(written) == [b"scan 12, box 3"]
    else:
        assert read_png(written) == {"parameters": "a cat, steps: 20", "Copyright": "(c) Someone"}
