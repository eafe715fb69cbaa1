"""Downloads, from a local HTTP server that fails, truncates, redirects and sends wrong data."""

from __future__ import annotations

import hashlib
import http.server
import pickle
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import stamina

from srcnn.errors import ChecksumError, DownloadError, UsageError
from srcnn.storage.download import fetch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = b"weights" * 20_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
HANG_SECONDS = 1.0


class Handler(http.server.BaseHTTPRequestHandler):
    """The first path element says how to misbehave, and a number in it how often."""

    def do_GET(self) -> None:
        kind, _, times = self.path.split("/")[1].partition("-")
        self.server.seen[self.path] += 1
        self.early = self.server.seen[self.path] <= int(times or 0)
        getattr(self, f"answer_{kind}")()

    def answer_whole(self) -> None:
        self.send_body(CONTENT)

    def answer_busy(self) -> None:
        if self.early:
            self.send_error(503)
        else:
            self.send_body(CONTENT)

    def answer_toomany(self) -> None:
        if self.early:
            self.send_error(429)
        else:
            self.send_body(CONTENT)

    def answer_cut(self) -> None:
        self.send_body(CONTENT[: len(CONTENT) // 2] if self.early else CONTENT, len(CONTENT))

    def answer_drop(self) -> None:
        if not self.early:  # else: the connection is closed without a response
            self.send_body(CONTENT)

    def answer_hang(self) -> None:
        if self.early:
            time.sleep(HANG_SECONDS)
        self.send_body(CONTENT)

    def answer_lie(self) -> None:
        self.send_body(CONTENT[:-1] + b"!")

    def answer_redirect(self) -> None:
        self.send_response(302)
        self.send_header("Location", "/whole/srcnn.pth?Signature=do-not-repeat")
        self.end_headers()

    def answer_lost(self) -> None:
        self.send_response(302)
        self.send_header("Location", "/forbidden/srcnn.pth?Signature=do-not-repeat")
        self.end_headers()

    def answer_missing(self) -> None:
        self.send_error(404)

    def answer_forbidden(self) -> None:
        self.send_error(403)

    def send_body(self, body: bytes, announced: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) if announced is None else announced))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: Counter[str] = Counter()

    def url(self, how: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{how}/srcnn.pth"

    def handle_error(self, *_: Any) -> None:
        """Ignore clients that gave up."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=[0.01])
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # `cap` keeps the number of attempts that the call asks for, and drops the pauses.
    with stamina.set_testing(True, attempts=100, cap=True):
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield


def get(folder: Path, *urls: str, sha256: str = SHA256, attempts: int = 3) -> Path:
    return fetch(urls, folder, sha256=sha256, attempts=attempts, timeout_seconds=5)


def list_all(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


@pytest.mark.parametrize(
    ("how", "requests"),
    [("whole", 1), ("busy-2", 3), ("toomany-2", 3), ("cut-2", 3), ("drop-1", 2)],
)
def test_transient_failures_are_retried(
    how: str, requests: int, server: Server, tmp_path: Path
) -> None:
    path = get(tmp_path / "cache", server.url(how))
    assert path.read_bytes() == CONTENT
    assert list_all(tmp_path / "cache") == [path]
    assert server.seen.total() == requests


@pytest.mark.parametrize("how", ["busy-9", "cut-9", "drop-9"])
def test_attempts_are_limited_and_no_file_is_left(how: str, server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"srcnn\.pth: .*\(3 attempts\)"):
        get(tmp_path, server.url(how))
    # aiohttp itself repeats a request whose connection is dropped without a response.
    assert server.seen.total() == (6 if how.startswith("drop") else 3)
    assert list_all(tmp_path) == []


def test_a_server_that_does_not_respond_times_out(server: Server, tmp_path: Path) -> None:
    options = {"sha256": SHA256, "timeout_seconds": HANG_SECONDS / 4}
    with pytest.raises(DownloadError, match=r"no response within 0\.25 s"):
        fetch([server.url("hang-9")], tmp_path, attempts=1, **options)
    again = fetch([server.url("hang-1")], tmp_path, attempts=2, **options)
    assert again.read_bytes() == CONTENT


@pytest.mark.parametrize(("how", "reason"), [("missing", "no such file"), ("forbidden", "403")])
def test_permanent_failures_are_not_retried(
    how: str, reason: str, server: Server, tmp_path: Path
) -> None:
    with pytest.raises(DownloadError, match=reason) as caught:
        get(tmp_path, server.url(how))
    assert "attempts" not in str(caught.value)
    assert server.seen.total() == 1


def test_redirects_are_followed(server: Server, tmp_path: Path) -> None:
    assert get(tmp_path, server.url("redirect")).read_bytes() == CONTENT


def test_errors_do_not_contain_the_signed_url_of_a_redirect(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        get(tmp_path, server.url("lost"))
    assert "403" in str(caught.value)
    assert "do-not-repeat" not in str(caught.value)


@pytest.mark.parametrize("digits", [8, 64])
def test_wrong_bytes_are_an_error_and_no_file_is_left(
    digits: int, server: Server, tmp_path: Path
) -> None:
    with pytest.raises(ChecksumError, match=f"expected sha256 {SHA256[:digits]}, got"):
        get(tmp_path / "cache", server.url("lie"), server.url("whole"), sha256=SHA256[:digits])
    assert not (tmp_path / "cache").exists()
    assert server.seen.total() == 1


def test_the_cache_is_used_first(server: Server, tmp_path: Path) -> None:
    for digits in (64, 8):
        get(tmp_path, server.url("whole"), sha256=SHA256[:digits])
    assert server.seen.total() == 1


def test_a_damaged_cache_entry_is_downloaded_again(server: Server, tmp_path: Path) -> None:
    path = get(tmp_path, server.url("whole"))
    path.write_bytes(CONTENT[:100])
    assert get(tmp_path, server.url("whole")) == path
    assert path.read_bytes() == CONTENT


def test_the_mirror_is_used_first(server: Server, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror" / "srcnn.pth"
    mirror.parent.mkdir()
    mirror.write_bytes(CONTENT)
    assert get(tmp_path / "a", str(mirror), server.url("whole")).read_bytes() == CONTENT
    assert server.seen.total() == 0
    mirror.unlink()
    assert get(tmp_path / "b", str(mirror), server.url("whole")).read_bytes() == CONTENT


def test_the_error_has_the_reason_for_every_url(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        get(tmp_path, str(tmp_path / "nowhere" / "srcnn.pth"), server.url("forbidden"))
    assert "nowhere/srcnn.pth: no such file" in str(caught.value)
    assert "403" in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301 - ours


def test_a_refused_connection_is_an_error_of_ours(tmp_path: Path) -> None:
    with Server() as gone:
        url = gone.url("whole")
    with pytest.raises(DownloadError, match="Connect"):
        get(tmp_path, url)


def test_other_file_systems_work_too(tmp_path: Path) -> None:
    import fsspec  # noqa: PLC0415 - here alone

    fsspec.filesystem("memory").pipe_file("/store/srcnn.pth", CONTENT)
    assert get(tmp_path, "memory://store/srcnn.pth").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("url", "sha256", "text"),
    [
        ("https://me:secret@example.com/a.pth", SHA256, "contains credentials"),
        ("nonsense://a.pth", SHA256, "nonsense"),
        ("/a.pth", "1234567", "8 to 64 hex digits"),
        ("/a.pth", "g" * 64, "8 to 64 hex digits"),
    ],
)
def test_mistakes_are_refused(url: str, sha256: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=text) as caught:
        get(tmp_path, url, sha256=sha256)
    assert "secret" not in str(caught.value)
