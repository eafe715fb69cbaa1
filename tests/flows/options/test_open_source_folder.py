"""`--src` of a single file that is not an image we read: the reason names what it is."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from flows.options.open_source_folder import open_source
from srcnn.errors import UsageError
from srcnn.storage.atomic_files import write_file
from srcnn.storage.one_file import OneFile
from srcnn.storage.retries import DEFAULT_LIMITS
from tests.support.image_files import save

PSD = b"8BPS" + bytes(40)
FILES = {
    "photo.psd": (PSD, "photo.psd: it is a Photoshop .* not supported: convert it to PNG"),
    "photo": (PSD, "photo: it is a Photoshop .* not supported: convert it to PNG"),
    "a.qoi": (b"qoif" + bytes(40), "it is a QOI image, which is not supported: convert it"),
    "b.JP2": (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40), "it is a JPEG 2000 image, .*: convert it"),
    "c.pdf": (b"%PDF-1.7\n", "it is a PDF document, which is not supported: export its pages"),
    "d.zip": (b"PK\3\4" + bytes(40), "it is a ZIP archive, which is not supported: unpack it"),
    "e.svg": (b"<svg/>", "it is an SVG drawing, which is not supported: export it as PNG"),
    "f.mov": (b"\0\0\0\x14ftypqt  " + bytes(40), r"a QuickTime video \(MOV\), .* --exclude"),
    "g.nef": (save("TIFF", tiffinfo={254: 1, 330: 8}), "a preview, as in a camera's raw file"),
    "h.txt": (b"hello\n", r"h\.txt is a text file; expected a folder, or an image \(\.png \.jpg"),
    "i.html": (b"<html>", r"is a web page \(HTML\); expected a folder, or an image"),
    "j.psd": (b"", "is an empty file; expected a folder, or an image"),
    "k.bin": (b"\1\2\3\4\5", r"k\.bin is a file; expected a folder, or an image \(\.png"),
    "l.dat": (save("PNG"), "an image by its content, but not by its name: rename it to end in"),
    "m.pdf": (b"\x89PNG\r\n\x1a\n", r"m\.pdf is a file; expected a folder"),
}


@pytest.mark.parametrize(
    ("place", "name"),
    [("path", name) for name in FILES]
    # Without an extension, it is the prefix of a folder.
    + [("memory", name) for name in FILES if "." in name],
)
def test_the_reason_names_what_it_is(place: str, name: str, tmp_path: Path) -> None:
    root = str(tmp_path) if place == "path" else f"memory://{uuid.uuid4().hex}"
    content, words = FILES[name]
    write_file(f"{root}/{name}", content)
    with pytest.raises(UsageError, match=words):
        open_source(f"{root}/{name}", None, DEFAULT_LIMITS)


def test_a_bucket_names_it_too(bucket: str) -> None:
    write_file(f"{bucket}/photo.psd", PSD)
    with pytest.raises(UsageError, match=r"photo\.psd: it is a Photoshop"):
        open_source(f"{bucket}/photo.psd", None, DEFAULT_LIMITS)
    write_file(f"{bucket}/v1.2/photo.png", save("PNG"))
    for url in (f"{bucket}/v1.2", f"{bucket}/v1.2/", bucket):
        assert open_source(url, None, DEFAULT_LIMITS).exists()


def test_images_and_folders_are_opened(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(save("PNG"))
    (tmp_path / "b.heic").mkdir()
    file = open_source(str(tmp_path / "a.png"), None, DEFAULT_LIMITS)
    assert isinstance(file, OneFile)
    for folder in (tmp_path, tmp_path / "b.heic"):
        assert open_source(str(folder), None, DEFAULT_LIMITS).local_path == folder
