"""Parts that a killed run left: the next run drops its own, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.upscale import app
from srcnn.storage.folder import Folder
from tests.support.run_here import run_here
from tests.support.servers.faults import FaultProxy, s3_error
from tests.support.servers.seaweedfs import S3Server

OURS = ["cat.png", "cats/eye.jpg", ".srcnn/ledger/x.jsonl"]
OTHERS = ["film.mov", "cat.png.bak"]


class Uploads:
    """Uploads by a client that was created without our code."""

    def __init__(self, server: S3Server, url: str) -> None:
        self._fs = server.filesystem()
        self._bucket, _, self._prefix = url.removeprefix("s3://").partition("/")

    def begin(self, key: str) -> None:
        where = {"Bucket": self._bucket, "Key": f"{self._prefix}/{key}"}
        upload = self._fs.call_s3("create_multipart_upload", **where)
        part = {"UploadId": upload["UploadId"], "PartNumber": 1, "Body": bytes(5 * 2**20)}
        self._fs.call_s3("upload_part", **where, **part)

    def list(self) -> list[str]:
        page = self._fs.call_s3(
            "list_multipart_uploads", Bucket=self._bucket, Prefix=f"{self._prefix}/"
        )
        return sorted(each["Key"][len(self._prefix) + 1 :] for each in page.get("Uploads", []))


@pytest.fixture
def proxy(
    s3_server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FaultProxy]:
    assert bucket
    with FaultProxy(s3_server.endpoint) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.endpoint)
        yield running


def test_the_next_run_drops_its_own_and_no_others(
    bucket: str, s3_server: S3Server, pictures: Path
) -> None:
    dst = f"{bucket}/out"
    uploads, beside = Uploads(s3_server, dst), Uploads(s3_server, f"{bucket}/out-2")
    for key in OURS + OTHERS:
        uploads.begin(key)
    beside.begin("cat.png")
    flags = ("--src", pictures, "--dst", dst)
    assert run_here(app, *flags, "--dry-run").returncode == 0
    assert uploads.list() == sorted(OURS + OTHERS)
    done = run_here(app, *flags)
    assert done.returncode == 0, done.stderr
    assert "dropped 3 uploads that an earlier run left unfinished" in done.stderr
    assert uploads.list() == sorted(OTHERS)
    assert beside.list() == ["cat.png"]


@pytest.mark.parametrize("status", [403, 404, 405, 500, 501, 503])
def test_a_server_that_does_not_list_uploads_is_no_failure(
    status: int, proxy: FaultProxy, bucket: str, pictures: Path
) -> None:
    proxy.answer(status, s3_error("Refused", "Not here."), path_contains="uploads")
    done = run_here(app, "--src", pictures, "--dst", f"{bucket}/out")
    assert done.returncode == 0, done.stderr
    assert "Refused" not in done.stderr
    assert len(proxy.seen(path_contains="?uploads")) == 1


def test_pages_are_followed_and_pages_that_come_again_are_not(
    proxy: FaultProxy, bucket: str, s3_server: S3Server
) -> None:
    def page(number: int) -> bytes:
        name = f"out/{number}.png"
        return (
            '<ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<IsTruncated>true</IsTruncated><NextKeyMarker>{name}</NextKeyMarker>"
            f"<Upload><Key>{name}</Key><UploadId>{number}</UploadId></Upload>"
            "</ListMultipartUploadsResult>"
        ).encode()

    assert s3_server
    for number in (1, 2):
        proxy.answer(200, page(number), times=1, path_contains="uploads")
    proxy.answer(200, page(2), path_contains="uploads")
    found = Folder(f"{bucket}/out").unfinished_uploads()
    assert {upload.key for upload in found} == {"1.png", "2.png"}
    assert len(proxy.requests) == 3


def test_other_storages_have_none(tmp_path: Path) -> None:
    assert Folder(str(tmp_path)).unfinished_uploads() == []


def test_an_upload_that_is_gone_is_no_failure(bucket: str, s3_server: S3Server) -> None:
    Uploads(s3_server, f"{bucket}/out").begin("a.png")
    folder = Folder(f"{bucket}/out")
    (upload,) = folder.unfinished_uploads()
    assert folder.abort_upload(upload)
    folder.abort_upload(upload)
    assert folder.unfinished_uploads() == []
