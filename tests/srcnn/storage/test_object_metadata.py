"""What is stored about objects: which parts an output takes over, and how they are sent."""

from __future__ import annotations

from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.errors import UsageError
from srcnn.images.formats import EXTENSIONS
from srcnn.storage.content_types import get_content_type
from srcnn.storage.object_metadata import NO_METADATA, ObjectMetadata
from srcnn.storage.s3_metadata_headers import build_headers, check_header, parse_metadata
from srcnn.storage.s3_options import S3Options


@pytest.mark.parametrize("extension", [each for all_ in EXTENSIONS.values() for each in all_])
def test_every_format_of_images_has_a_media_type(extension: str) -> None:
    assert get_content_type(f"a/b{extension.upper()}").startswith("image/")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("s3://bucket/a.b/cat.JPG", "image/jpeg"),
        (".srcnn/runs/1.json", "application/json"),
        (".srcnn/runs/1.html", "text/html; charset=utf-8"),
        (".srcnn/ledger/1.jsonl", "application/x-ndjson"),
        ("report.parquet", "application/vnd.apache.parquet"),
        ("srcnn.onnx", "application/octet-stream"),
        ("lock", "application/octet-stream"),
        (".png", "application/octet-stream"),
    ],
)
def test_media_types_follow_extensions(name: str, expected: str) -> None:
    assert get_content_type(name) == expected


@pytest.mark.parametrize(
    ("given_text", "output", "expected"),
    [
        ('attachment; filename="cat.PNG"', "cat.jpg", 'attachment; filename="cat.jpg"'),
        ("inline; filename=cat.png", "cat.webp", "inline; filename=cat.webp"),
        (
            "attachment; filename=\"a.png\"; filename*=UTF-8''%C3%A9.png",
            "a.jpg",
            "attachment; filename=\"a.jpg\"; filename*=UTF-8''%C3%A9.jpg",
        ),
        ('attachment; filename="cat.png"', "x.png", 'attachment; filename="cat.png"'),
        ('attachment; filename="a.pngs"', "x.jpg", 'attachment; filename="a.pngs"'),
        ("inline", "x.jpg", "inline"),
    ],
)
def test_file_names_of_downloads_follow_the_format(
    given_text: str, output: str, expected: str
) -> None:
    metadata = ObjectMetadata(content_disposition=given_text)
    assert metadata.for_output("cat.png", output).content_disposition == expected


def test_digests_and_reserved_tags_stay_behind() -> None:
    metadata = ObjectMetadata(
        user={"Md5chksum": "x", "s3cmd-attrs": "md5:x", "owner": "mia"},
        tags={"aws:stack": "x", "project": "cats"},
    )
    kept = metadata.for_output("a.jpg", "a.jpg")
    assert (kept.user, kept.tags) == ({"owner": "mia"}, {"project": "cats"})


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"])))
def test_user_metadata_is_sent_in_ascii(text: str) -> None:
    headers = build_headers("a.png", S3Options(), ObjectMetadata(user={"k": text}))
    sent = headers["Metadata"]["k"]
    assert sent.isascii()
    assert "\n" not in sent
    assert (sent == text) if text.isascii() else (str(make_header(decode_header(sent))) == text)


def test_tags_are_sent_as_a_query() -> None:
    headers = build_headers("a.png", S3Options(), ObjectMetadata(tags={"a b": "1&2=é", "c": ""}))
    assert headers["Tagging"] == "a%20b=1%262%3D%C3%A9&c="


def test_what_is_not_set_is_not_sent() -> None:
    assert build_headers("a.png", S3Options(), NO_METADATA) == {"ContentType": "image/png"}
    assert parse_metadata({}) == NO_METADATA


def test_our_own_files_are_neither_public_nor_in_a_storage_class() -> None:
    s3 = S3Options("STANDARD_IA", "alias/ours", "public-read")
    image, own = build_headers("a.png", s3, NO_METADATA), build_headers("a.json", s3, None)
    assert image["ACL"] == "public-read"
    assert image["StorageClass"] == "STANDARD_IA"
    assert own == {
        "ContentType": "application/json",
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "alias/ours",
    }
    owned = S3Options(acl="bucket-owner-full-control")
    assert build_headers("a.json", owned, None)["ACL"] == "bucket-owner-full-control"


@pytest.mark.parametrize("text", ["", " a", "a ", "a\nb", "é", "a\r\nx-amz-acl: public-read"])
def test_a_header_is_one_line_of_ascii(text: str) -> None:
    assert check_header("max-age=86400, public") == "max-age=86400, public"
    with pytest.raises(UsageError, match="one line of ASCII"):
        check_header(text)
