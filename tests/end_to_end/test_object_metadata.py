"""Runs between buckets, as a server saw them: what is stored about objects, at which requests."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from flows.options.upscale import UpscaleOptions
from flows.upscale import batch_upscale
from srcnn.errors import StorageError
from srcnn.storage.folder import Folder
from srcnn.storage.object_metadata import ObjectMetadata
from srcnn.storage.retries import StorageLimits
from srcnn.storage.s3_options import S3Options
from tests.support.servers.faults import FaultProxy
from tests.support.servers.moto_server import MotoServer

PUBLIC = {
    "CacheControl": "max-age=60",
    "ContentDisposition": 'attachment; filename="cat.png"',
    "ContentLanguage": "en",
    "Metadata": {"owner": "mia", "place": "=?UTF-8?B?w6k=?="},
}
LARGE = b"0" * (33 * 2**20)  # written in parts


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoServer]:
    with MotoServer() as server:
        yield server


@pytest.fixture
def proxy(moto: MotoServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    with FaultProxy(moto.endpoint) as running:
        for name, value in moto.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.endpoint)
        yield running


@pytest.fixture
def bucket(moto: MotoServer) -> str:
    return moto.make_bucket()


@pytest.fixture
def cat(photograph: npt.NDArray[np.uint8]) -> bytes:
    return bytes(cv2.imencode(".png", photograph[:20, :24])[1])


def upscale(bucket: str, **options: Any) -> None:
    batch_upscale.fn(UpscaleOptions(src=f"s3://{bucket}/in", dst=f"s3://{bucket}/out", **options))


def describe(moto: MotoServer, bucket: str, key: str) -> dict[str, Any]:
    """Return what an object's readers see, and its tags."""
    client = moto.client()
    found: dict[str, Any] = client.head_object(Bucket=bucket, Key=key)
    tags = client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    return found | {"tags": {tag["Key"]: tag["Value"] for tag in tags}}


def select(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found.get(name) for name in PUBLIC}


@pytest.mark.usefixtures("proxy")
def test_outputs_take_over_what_is_stored_about_sources(
    moto: MotoServer, bucket: str, cat: bytes
) -> None:
    put = moto.client().put_object
    put(Bucket=bucket, Key="in/cat.png", Body=cat, Tagging="project=cats&a+b=1%2F2", **PUBLIC)
    put(Bucket=bucket, Key="in/plain.png", Body=cat, ContentType="binary/octet-stream")
    upscale(bucket)
    found = describe(moto, bucket, "out/cat.png")
    assert select(found) == PUBLIC
    assert found["tags"] == {"project": "cats", "a b": "1/2"}
    assert found["ContentType"] == "image/png"
    plain = describe(moto, bucket, "out/plain.png")
    assert select(plain) == dict.fromkeys(PUBLIC) | {"Metadata": {}}
    assert (plain["ContentType"], plain["tags"]) == ("image/png", {})


@pytest.mark.usefixtures("proxy")
def test_the_media_type_and_the_name_of_downloads_follow_the_format(
    moto: MotoServer, bucket: str, cat: bytes
) -> None:
    moto.client().put_object(Bucket=bucket, Key="in/cat.png", Body=cat, **PUBLIC)
    upscale(bucket, format="jpg", cache_control="max-age=86400, public")
    found = describe(moto, bucket, "out/cat.jpg")
    assert found["ContentType"] == "image/jpeg"
    assert found["CacheControl"] == "max-age=86400, public"
    assert found["ContentDisposition"] == 'attachment; filename="cat.jpg"'
    with Image.open(
        io.BytesIO(moto.client().get_object(Bucket=bucket, Key="out/cat.jpg")["Body"].read())
    ) as image:
        assert image.format == "JPEG"


@pytest.mark.usefixtures("proxy")
def test_copies_take_it_over_and_none_takes_nothing(
    moto: MotoServer, bucket: str, cat: bytes
) -> None:
    put = moto.client().put_object
    put(Bucket=bucket, Key="in/cat.png", Body=cat, Tagging="project=cats", **PUBLIC)
    upscale(bucket, scale="width=10")
    copied = moto.client().get_object(Bucket=bucket, Key="out/cat.png")
    assert copied["Body"].read() == cat
    assert select(copied) == PUBLIC
    upscale(bucket, overwrite="always", object_metadata="none", cache_control="no-cache")
    found = describe(moto, bucket, "out/cat.png")
    nothing = dict.fromkeys(PUBLIC) | {"Metadata": {}, "CacheControl": "no-cache"}
    assert (select(found), found["tags"]) == (nothing, {})


def test_a_change_of_these_options_makes_nothing_again(
    moto: MotoServer, proxy: FaultProxy, bucket: str, cat: bytes
) -> None:
    moto.client().put_object(Bucket=bucket, Key="in/cat.png", Body=cat, **PUBLIC)
    upscale(bucket)
    proxy.heal()
    upscale(bucket, object_metadata="none", cache_control="no-cache")
    assert not proxy.seen("PUT", "/out/cat.png")


@pytest.mark.parametrize("tagged", [False, True])
def test_only_tags_take_a_request(
    tagged: bool,  # noqa: FBT001 - a parameter of the test
    moto: MotoServer,
    proxy: FaultProxy,
    bucket: str,
    cat: bytes,
) -> None:
    tags = {"Tagging": "project=cats"} if tagged else {}
    moto.client().put_object(Bucket=bucket, Key="in/cat.png", Body=cat, **PUBLIC, **tags)
    counts = {}
    for choice in ("none", "copy"):
        proxy.heal()
        upscale(bucket, overwrite="always", object_metadata=choice)
        counts[choice] = len(proxy.seen(path_contains="cat.png"))
        assert len(proxy.seen("GET", "cat.png?tagging")) == (tagged and choice == "copy")
    assert counts["copy"] == counts["none"] + tagged


@pytest.mark.usefixtures("proxy")
def test_every_file_that_a_run_writes_has_its_media_type(
    moto: MotoServer, bucket: str, cat: bytes
) -> None:
    moto.client().put_object(Bucket=bucket, Key="in/cat.png", Body=cat)
    upscale(bucket, report=f"s3://{bucket}/reports/last.json")
    keys = [each["Key"] for each in moto.client().list_objects_v2(Bucket=bucket)["Contents"]]
    types = {
        key.rpartition(".")[2]: describe(moto, bucket, key)["ContentType"]
        for key in keys
        if not key.startswith("in/")
    }
    expected = {
        "png": "image/png",
        "json": "application/json",
        "jsonl": "application/x-ndjson",
        "html": "text/html; charset=utf-8",
        "txt": "text/plain; charset=utf-8",
    }
    assert types.items() >= expected.items()
    assert types.get("jpg", "image/jpeg") == "image/jpeg"


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["one request", "parts"])
def test_settings_say_how_objects_are_stored(
    content: bytes, moto: MotoServer, proxy: FaultProxy, bucket: str
) -> None:
    key = moto.client("kms").create_key()["KeyMetadata"]["Arn"]
    s3 = S3Options("STANDARD_IA", key, "public-read", requester_pays=True)
    folder = Folder(f"s3://{bucket}/out", StorageLimits(s3=s3))
    folder.write("a.png", content, ObjectMetadata(user={"owner": "mia"}, tags={"a": "1"}))
    found = describe(moto, bucket, "out/a.png")
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", key)
    assert (found["StorageClass"], found["ContentType"]) == ("STANDARD_IA", "image/png")
    assert (found["Metadata"], found["tags"]) == ({"owner": "mia"}, {"a": "1"})
    grants = moto.client().get_object_acl(Bucket=bucket, Key="out/a.png")["Grants"]
    assert any("AllUsers" in grant["Grantee"].get("URI", "") for grant in grants)
    assert proxy.requests
    assert {each.headers.get("x-amz-request-payer") for each in proxy.requests} == {"requester"}


def test_our_own_files_are_stored_as_such(moto: MotoServer, proxy: FaultProxy, bucket: str) -> None:
    s3 = S3Options("STANDARD_IA", None, "public-read", requester_pays=True)
    folder = Folder(f"s3://{bucket}/out", StorageLimits(s3=s3))
    folder.write(".srcnn/a.json", b"{}")
    assert folder.create(".srcnn/lock", b"{}")
    for name in ("a.json", "lock"):
        found = moto.client().head_object(Bucket=bucket, Key=f"out/.srcnn/{name}")
        assert "StorageClass" not in found
        grants = moto.client().get_object_acl(Bucket=bucket, Key=f"out/.srcnn/{name}")["Grants"]
        assert not any("AllUsers" in grant["Grantee"].get("URI", "") for grant in grants)
    assert folder.read(".srcnn/a.json") == b"{}"
    assert set(folder.files()) == {".srcnn/a.json", ".srcnn/lock"}
    folder.read_with_metadata(".srcnn/a.json", 10)
    with folder.open(".srcnn/a.json") as opened:
        assert opened.read() == b"{}"
    folder.modified(".srcnn/a.json")
    folder.remove(".srcnn/a.json")
    assert {each.headers.get("x-amz-request-payer") for each in proxy.requests} == {"requester"}


def test_a_header_that_is_not_utf_8_is_named_and_not_retried(
    moto: MotoServer, proxy: FaultProxy, bucket: str, cat: bytes
) -> None:
    moto.client().put_object(Bucket=bucket, Key="in/cat.png", Body=cat)
    latin = 'attachment; filename="café.png"'.encode("latin-1")
    proxy.rewrite(
        head=lambda head: head + b"\r\nContent-Disposition: " + latin, path_contains="cat.png"
    )
    with pytest.raises(StorageError, match="a header that is not UTF-8: its Content-Disposition"):
        Folder(f"s3://{bucket}/in").read_with_metadata("cat.png", 10_000)
    assert len(proxy.seen("GET", "cat.png")) == 1
