"""Storage that fails: what is retried, what makes one image fail, what ends the run."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina

from flows.upscale import app
from srcnn.errors import AccessDeniedError, StorageError, StorageUnavailableError
from srcnn.storage.folder import Folder
from srcnn.storage.retries import StorageLimits
from tests.support.run_here import run_here
from tests.support.servers.faults import FaultProxy
from tests.support.servers.seaweedfs import S3Server

LIMITS = StorageLimits(attempts=3, timeout_seconds=1.0)
SETTINGS = {"SRCNN_STORAGE_ATTEMPTS": "3", "SRCNN_STORAGE_TIMEOUT_SECONDS": "1"}
CONTENT = b"content" * 5000


@pytest.fixture(scope="module")
def shared_bucket(s3_server: S3Server) -> str:
    return s3_server.make_bucket()


@pytest.fixture
def proxy(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """A proxy in front of the server, which this process and those of `run` use."""
    with FaultProxy(s3_server.endpoint) as running:
        for name, value in s3_server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.endpoint)
        yield running


@pytest.fixture
def folder(proxy: FaultProxy, shared_bucket: str, tmp_path: Path) -> Folder:
    """A folder in a bucket, with a file."""
    folder = Folder(f"s3://{shared_bucket}/{tmp_path.name}", LIMITS)
    folder.write("a.jpg", CONTENT)
    proxy.heal()
    return folder


@pytest.fixture
def _no_waiting() -> Iterator[None]:
    # `cap` keeps the number of attempts that the call asks for, and drops the pauses.
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


FAULTS = ["503", "500", "429", "reset", "truncate", "hang"]


@pytest.mark.usefixtures("_no_waiting")
@pytest.mark.parametrize("kind", FAULTS)
def test_transient_failures_are_retried_and_give_the_right_bytes(
    kind: Any, folder: Folder, proxy: FaultProxy
) -> None:
    times = 1 if kind == "hang" else 2
    info = folder.files()["a.jpg"]
    for method, use in [
        ("GET", lambda: folder.read("a.jpg") == CONTENT),
        ("GET", lambda: folder.files() == {"a.jpg": info}),
        ("GET", lambda: folder.open("a.jpg", info).read() == CONTENT),
        ("HEAD", lambda: folder.info("a.jpg") == info),
        ("PUT", lambda: folder.write("a.jpg", CONTENT) == info),
    ]:
        proxy.heal()
        proxy.fail(kind, times, method=method)
        assert use()
        # Truncating a response without a body changes nothing.
        assert len(proxy.seen(method)) > (0 if kind == "truncate" and method != "GET" else 1)


@pytest.mark.usefixtures("_no_waiting")
@pytest.mark.parametrize("kind", FAULTS)
def test_attempts_are_limited_and_each_retry_is_logged(
    kind: Any, folder: Folder, proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.fail(kind, math.inf, method="GET")
    with pytest.raises(StorageUnavailableError, match=r"a\.jpg: cannot be read: .*\(3 attempts\)"):
        folder.read("a.jpg")
    # One layer of retries. aiohttp itself repeats a request whose connection is dropped.
    assert len(proxy.seen("GET")) == (6 if kind == "reset" else 3)
    retries = [
        record.getMessage() for record in caplog.records if record.name == "srcnn.storage.retries"
    ]
    assert len(retries) == 2
    assert all(line.startswith(f"{folder.url}/a.jpg: ") for line in retries)


@pytest.mark.usefixtures("_no_waiting")
def test_a_server_that_stops_accepting_bytes_times_out(
    folder: Folder, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("srcnn.storage.s3_requests._SLOWEST_BYTES_PER_SECOND", 10**9)
    proxy.fail("stall", 1, method="PUT")
    content = bytes(12_000_000)
    assert folder.write("b.bin", content).size == len(content)
    assert len(proxy.seen("PUT")) == 2


@pytest.mark.parametrize("kind", ["403", "hang"])
def test_a_write_that_fails_midway_publishes_nothing(
    kind: Any, folder: Folder, proxy: FaultProxy
) -> None:
    before = folder.files()
    folder = Folder(folder.url, StorageLimits(1, LIMITS.timeout_seconds))
    proxy.fail(kind, math.inf, method="PUT", path_contains="partNumber=2")
    for key in ("a.jpg", "new.jpg"):
        with pytest.raises(StorageError, match=f"{key}: cannot be written"):
            folder.write(key, bytes(35_000_000))
    assert folder.files() == before
    assert folder.read("a.jpg") == CONTENT


def test_permanent_failures_are_not_retried(folder: Folder, proxy: FaultProxy) -> None:
    proxy.fail("403", math.inf)
    with pytest.raises(AccessDeniedError, match="403 AccessDenied"):
        folder.read("a.jpg")
    assert len(proxy.requests) == 1


def test_the_number_of_requests_is_minimal(folder: Folder, proxy: FaultProxy) -> None:
    info = folder.files()["a.jpg"]
    folder.read("a.jpg")
    with folder.open("a.jpg", info) as file:
        file.read(2000)
    folder.write("b.jpg", CONTENT)
    folder.info("no.jpg")
    folder.remove("no.jpg")
    folder.probe()
    expected = ["GET", "GET", "GET", "PUT", "HEAD", "DELETE", "GET"]
    assert [request.method for request in proxy.requests] == expected


def failures(report: Path) -> dict[str, str]:
    images = json.loads(report.read_text())["images"]
    return {each["source"]: each["error"]["type"] for each in images if each["error"]}


@pytest.fixture
def source(folder: Folder, pictures: Path) -> Folder:
    """The test images in the bucket."""
    local = Folder(str(pictures))
    folder.remove("a.jpg")
    for key in local.files():
        folder.write(key, local.read(key))
    return folder


def test_an_image_that_cannot_be_read_or_written_does_not_fail_the_others(
    source: Folder, proxy: FaultProxy, run: Callable[..., Any], tmp_path: Path
) -> None:
    proxy.fail("503", math.inf, method="GET", path_contains="/cat.png")
    proxy.fail("403", math.inf, method="GET", path_contains="/grey.tiff")
    proxy.fail("reset", math.inf, method="PUT", path_contains="eye.jpg")
    proxy.fail("truncate", 1, method="GET", path_contains="nose [1].webp")
    report = tmp_path / "report.json"
    dst = f"{source.url}-out"
    done = run(
        *("flows/upscale.py", "--src", source.url, "--dst", dst, "--report", report), **SETTINGS
    )
    assert done.returncode == 1, done.stderr
    assert failures(report) == {
        "cat.png": "StorageUnavailable",
        "grey.tiff": "AccessDenied",
        "cats/eye.jpg": "StorageUnavailable",
    }
    assert "cats/more cats/nose [1].webp" in Folder(dst).files()


def ends_at_once(done: Any, text: str) -> None:
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert text in lines[0]
    assert "Traceback" not in done.stderr
    assert "testsecret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong-testsecret"}, "access denied"),
        ({"AWS_ACCESS_KEY_ID": "nobody"}, "access denied"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "no credentials"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "127.0.0.1:1"),
        ({"AWS_ENDPOINT_URL": "nonsense"}, "AWS_ENDPOINT_URL"),
    ],
    ids=["secret", "key", "none", "dead", "nonsense"],
)
def test_an_unreachable_storage_ends_the_run(
    variables: dict[str, str], text: str, source: Folder, run: Callable[..., Any], pictures: Path
) -> None:
    environment = SETTINGS | {"HOME": "/nowhere"} | variables
    flags = ("--src", source.url, "--dst", f"{source.url}-out")
    ends_at_once(run("flows/upscale.py", *flags, **environment), text)
    if "wrong" in str(variables):
        flags = ("--src", str(pictures), "--dst", source.url)
        ends_at_once(run("flows/upscale.py", *flags, **environment), text)


@pytest.mark.parametrize("side", ["--src", "--dst"])
def test_a_missing_bucket_ends_the_run(
    side: str, proxy: FaultProxy, pictures: Path, tmp_path: Path
) -> None:
    places = {"--src": str(pictures), "--dst": str(tmp_path)} | {side: "s3://no-such-bucket/a"}
    flags = [word for pair in places.items() for word in pair]
    ends_at_once(run_here(app, *flags, **SETTINGS), "no such bucket")
    assert proxy.requests


def test_a_listing_that_fails_ends_the_run(
    source: Folder, proxy: FaultProxy, tmp_path: Path
) -> None:
    proxy.fail("truncate", math.inf, path_contains="list-type=2")
    flags = ("--src", source.url, "--dst", str(tmp_path / "out"))
    ends_at_once(run_here(app, *flags, **SETTINGS), "cannot be listed")


def test_a_storage_that_fails_while_headers_are_read_ends_the_run(
    source: Folder, proxy: FaultProxy, tmp_path: Path
) -> None:
    proxy.fail("503", math.inf, path_contains=f"{source.url.rpartition('/')[2]}/c")
    proxy.fail("503", math.inf, path_contains="max-keys=1")
    flags = ("--src", source.url, "--dst", str(tmp_path / "out"))
    ends_at_once(run_here(app, *flags, **SETTINGS), "503")
