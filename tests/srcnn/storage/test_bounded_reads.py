"""Files without an end, and what is no file: refused with a sentence, and with little memory."""

from __future__ import annotations

import http.server
import os
import resource
import socket
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import fsspec
import pytest

from srcnn.errors import SourceMissingError, StorageError
from srcnn.storage.atomic_files import read_file
from srcnn.storage.retries import StorageLimits

LIMIT_BYTES = 2**20
ONCE = StorageLimits(attempts=1, timeout_seconds=10)
ZEROS = bytes(2**20)


class Handler(http.server.BaseHTTPRequestHandler):
    """The path says what is sent."""

    def do_GET(self) -> None:
        with suppress(OSError):  # the client has had enough
            getattr(self, f"send_{self.path.split('/')[1]}")()

    def send_endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(ZEROS)

    def send_exact(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(bytes(LIMIT_BYTES))

    def send_gzip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        for _ in range(2000):
            self.wfile.write(packer.compress(ZEROS))

    def send_loop(self) -> None:
        self.redirect(self.path)

    def send_file(self) -> None:
        self.redirect("file:///etc/hostname")

    def send_other(self) -> None:
        self.redirect("ftp://user:do-not-repeat@example.com/x")

    def send_invalid(self) -> None:
        self.redirect("http://user:do-not-repeat@[::/x")

    def send_reason(self) -> None:
        self.send_response(403, "see http://example.com/?sig=do-not-repeat")
        self.end_headers()

    def redirect(self, url: str) -> None:
        self.send_response(302)
        self.send_header("Location", url)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        thread = threading.Thread(target=running.serve_forever, args=[0.01])
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def read(url: str | Path) -> bytes:
    return read_file(str(url), ONCE, limit_bytes=LIMIT_BYTES)


@pytest.mark.parametrize("how", ["endless", "gzip"])
def test_an_endless_response_is_cut(how: str, server: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(StorageError, match=r"/a\.onnx: expected up to 1,048,576 bytes, got "):
        read(f"{server}/{how}/a.onnx")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024  # KiB


def test_the_limit_itself_is_allowed(server: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(LIMIT_BYTES))
    assert len(read(f"{server}/exact/a")) == len(read(tmp_path / "a")) == LIMIT_BYTES


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("loop", "the server redirects without end"),
        ("file", "redirects to what is not a URL of http or https"),
        ("other", "redirects to what is not a URL of http or https"),
        ("invalid", "redirects to what is not a URL of http or https"),
        ("reason", r"access denied \(HTTP status 403 see http://example.com/\)"),
    ],
)
def test_redirects_that_lead_nowhere_are_one_sentence(how: str, text: str, server: str) -> None:
    with pytest.raises(StorageError, match=text) as caught:
        read(f"{server}/{how}/a.onnx")
    assert "do-not-repeat" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_plain_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for name in ("pipe", "link"):
            with pytest.raises(StorageError, match=f"{name}: expected a plain file, got a"):
                read(tmp_path / name)
        with pytest.raises(OSError, match="socket"):
            read(tmp_path / "socket")
    for name in ("missing", "", "link/inside"):
        with pytest.raises(SourceMissingError, match=r"no such file|is a folder; expected a file"):
            read(tmp_path / name)


@pytest.mark.parametrize("where", ["disk", "memory", "zip", "s3"])
def test_a_large_file_is_refused(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    bucket = request.getfixturevalue("bucket") if where == "s3" else ""
    url = {
        "disk": str(tmp_path / "a"),
        "memory": "memory://limits/a",
        "zip": f"zip://a::{tmp_path}/a.zip",
        "s3": f"{bucket}/a",
    }[where]
    if where == "zip":
        with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a", bytes(LIMIT_BYTES + 1))
    else:
        with fsspec.open(url, "wb") as file:
            file.write(bytes(LIMIT_BYTES + 1))
    with pytest.raises(StorageError, match="expected up to 1,048,576 bytes, got "):
        read(url)


def test_files_that_announce_no_size_are_read() -> None:
    assert b"MemTotal" in read("/proc/meminfo")
