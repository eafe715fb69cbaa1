"""One suite for every kind of storage, and tests of what only one kind has."""

from __future__ import annotations

import errno
import multiprocessing
import os
import pickle
import re
import resource
import socket
import stat
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from srcnn.errors import (
    AccessDeniedError,
    SourceMissingError,
    StorageError,
    UnusableFileError,
    UsageError,
)
from srcnn.storage.atomic_files import TEMPORARY_PREFIX, read_file, write_file
from srcnn.storage.file_table import FileInfo
from srcnn.storage.folder import Folder
from srcnn.storage.url_credentials import check_url
from tests.support.servers.seaweedfs import S3Server

ODD_KEYS = [
    *("a.jpg", "d/a.jpg", "d/e/f/g/a.jpg", "a b.jpg", " a.jpg", "a.jpg ", "a  b/ c /d.jpg"),
    *("a+b.jpg", "50%.jpg", "a%20b.jpg", "a#1.jpg", "a?b.jpg", "a&b=c;d.jpg", "a@b.jpg", "a:b.jpg"),
    *(
        "é.jpg",
        "e\u0301.jpg",
        "日本/写真.jpg",
        "😀.jpg",
        "a [1].jpg",
        "[1].jpg",
        "*.jpg",
        "**/*.jpg",
    ),
    *("{a,b}.jpg", "$HOME.jpg", "~", "~/a.jpg", "'\".jpg", "a\\b.jpg", "!.jpg", "-rf", "--.jpg"),
    *("a::b.jpg", "file:/a.jpg", "s3:a.jpg", "...jpg", ".hidden/a.jpg", "a.", "new\nline.jpg"),
    *("n" * 246 + ".jpg", "d" * 250 + "/" + "é" * 125),
]


def make_local(path: Path) -> str:
    path.mkdir()
    return str(path)


def make_memory() -> str:
    url = f"memory://{uuid.uuid4().hex}/in put"
    fsspec.filesystem("memory").makedirs(url)
    return url


@pytest.fixture(scope="session")
def shared_bucket(s3_server: S3Server) -> str:
    """One bucket for many tests: creating it takes longer than most of them."""
    return s3_server.make_bucket()


@pytest.fixture
def prefix(
    s3_server: S3Server, shared_bucket: str, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The URL of an empty folder in a bucket."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    path = f"{shared_bucket}/{uuid.uuid4().hex}/in put"
    raw.touch(f"{path}/")  # how consoles mark a folder
    return f"s3://{path}"


@pytest.fixture(params=["local", "memory", "bucket"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    """An empty folder of every kind."""
    if request.param == "bucket":
        return Folder(request.getfixturevalue("prefix"))
    return Folder(make_local(tmp_path / "in put") if request.param == "local" else make_memory())


@pytest.fixture(scope="session")
def raw(s3_server: S3Server) -> Any:
    """A client of the S3 server that was created without our code."""
    return s3_server.filesystem()


@pytest.fixture
def local(tmp_path: Path) -> Folder:
    return Folder(make_local(tmp_path / "in put"))


def local_path(folder: Folder, key: str = "") -> Path:
    return Path(folder.root) / key


def leftovers(folder: Folder) -> list[str]:
    return [key for key in folder.files() if TEMPORARY_PREFIX in key]


# Every kind of storage.


def test_what_is_written_is_listed_and_read(folder: Folder) -> None:
    entry = folder.write("d/a.jpg", b"content")
    assert entry.size == 7
    assert entry.version
    assert folder.files() == {"d/a.jpg": entry}
    assert folder.info("d/a.jpg") == entry
    assert folder.read("d/a.jpg") == b"content"
    with folder.open("d/a.jpg") as file:
        file.seek(3)
        assert file.read(2) == b"te"
    assert folder.exists()


def _skip_backslash(folder: Folder, key: str) -> None:
    if "\\" in key and folder.url.startswith("s3"):
        pytest.skip("SeaweedFS takes a backslash for a slash")


@pytest.mark.parametrize("key", ODD_KEYS, ids=lambda key: repr(key[:16]))
def test_odd_names_work(folder: Folder, key: str) -> None:
    _skip_backslash(folder, key)
    entry = folder.write(key, key.encode())
    assert folder.files() == {key: entry}
    assert folder.info(key) == entry
    assert folder.read(key) == key.encode()
    with folder.open(key) as file:
        assert file.read() == key.encode()


def test_odd_names_do_not_collide(folder: Folder) -> None:
    entries = {
        key: folder.write(key, key.encode())
        for key in ODD_KEYS
        if key != "~" and not ("\\" in key and folder.url.startswith("s3"))
    }
    assert folder.files() == entries
    assert {key: folder.read(key) for key in entries} == {key: key.encode() for key in entries}


@pytest.mark.parametrize("key", ODD_KEYS, ids=lambda key: repr(key[:16]))
def test_odd_names_of_folders_work(folder: Folder, key: str) -> None:
    if "::" in key and folder.url.startswith("memory"):
        pytest.skip("fsspec chains URLs at ::")
    _skip_backslash(folder, key)
    inner = Folder(folder.get_url(key))
    entry = inner.write("a.jpg", b"1")
    assert inner.files() == {"a.jpg": entry}
    assert folder.files() == {f"{key}/a.jpg": entry}
    assert folder.relative_key(inner) == key
    assert read_file(inner.get_url("a.jpg")) == b"1"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(
        st.characters(exclude_characters="/\x00", exclude_categories=["Cs"]),
        min_size=1,
        max_size=60,
    )
)
def test_any_name_works(folder: Folder, name: str) -> None:
    if name in (".", ".."):
        return
    if "\\" in name and folder.url.startswith("s3"):
        return  # SeaweedFS takes it for a slash
    entry = folder.write(f"d/{name}", name.encode())
    assert folder.files()[f"d/{name}"] == entry
    assert folder.read(f"d/{name}") == name.encode()
    folder._fs.rm_file(folder._path(f"d/{name}"))


@pytest.mark.parametrize(
    "key", ["../x.png", "a/../../x.png", "/x.png", "./x.png", "a//x.png", "a\0.png"]
)
def test_keys_that_are_not_paths_are_rejected_by_a_local_folder(tmp_path: Path, key: str) -> None:
    """A bucket may contain them; on a disk they are other paths, or outside the folder."""
    folder = Folder(str(tmp_path / "out"))
    folder.write("a/x.png", b"another")
    with pytest.raises(StorageError, match="is not a valid path inside a folder"):
        folder.write(key, b"content")
    (found,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert found.read_bytes() == b"another"


def test_nothing_is_written_behind_a_link_to_a_folder(tmp_path: Path) -> None:
    """Listings do not follow such a link; it may lead to the sources."""
    (tmp_path / "originals").mkdir()
    (tmp_path / "originals" / "x.png").write_bytes(b"the only one")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "link").symlink_to(tmp_path / "originals")
    for key in ("link/x.png", "link/new/x.png"):
        with pytest.raises(StorageError, match="goes through a link to a folder"):
            Folder(str(tmp_path / "out")).write(key, b"content")
        with pytest.raises(StorageError, match="goes through a link to a folder"):
            Folder(str(tmp_path / "out")).create(key, b"content")
    assert [path.name for path in (tmp_path / "originals").iterdir()] == ["x.png"]
    assert (tmp_path / "originals" / "x.png").read_bytes() == b"the only one"
    (tmp_path / "another").symlink_to(tmp_path / "out")
    Folder(str(tmp_path / "another")).write("x.png", b"content")
    assert (tmp_path / "out" / "x.png").read_bytes() == b"content"


def test_a_replaced_file_has_another_version(folder: Folder) -> None:
    first = folder.write("a.jpg", b"one")
    second = folder.write("a.jpg", b"three")
    assert second.size == 5
    assert second != first
    assert folder.files() == {"a.jpg": second}
    assert folder.read("a.jpg") == b"three"


@pytest.mark.parametrize("content", [b"", b"\x00", os.urandom(3_000_000)], ids=["0", "1", "3 MB"])
def test_any_content_comes_back(folder: Folder, content: bytes) -> None:
    assert folder.write("a.bin", content).size == len(content)
    assert folder.read("a.bin") == content


def test_a_missing_file_is_an_error(folder: Folder) -> None:
    folder.write("d/a.jpg", b"1")
    assert folder.info("b.jpg") is None
    assert folder.info("d/b.jpg") is None
    assert folder.info("d/a.jpg/b.jpg") is None
    with pytest.raises(FileNotFoundError, match=r"b\.jpg"):
        folder.read("b.jpg")
    with pytest.raises(SourceMissingError, match="no such file"):
        read_file(folder.get_url("b.jpg"))


def test_a_folder_is_not_a_file(folder: Folder) -> None:
    folder.write("d/a.jpg", b"1")
    assert folder.info("d") is None
    with pytest.raises((SourceMissingError, UnusableFileError), match=r"no such file|is a folder"):
        read_file(folder.get_url("d"))


def test_an_empty_folder_is_empty_and_a_missing_one_is_missing(folder: Folder) -> None:
    assert folder.files() == {}
    assert folder.exists()
    missing = Folder(folder.get_url("none"))
    assert not missing.exists()
    with pytest.raises(SourceMissingError, match="none: no such folder"):
        missing.files()
    assert not missing.exists()


def test_a_file_given_as_a_folder_is_refused(folder: Folder) -> None:
    folder.write("a.jpg", b"1")
    with pytest.raises(SourceMissingError, match="is a file"):
        Folder(folder.get_url("a.jpg")).files()


def test_a_name_with_the_same_start_is_another_folder(folder: Folder) -> None:
    for key in ("a/1.jpg", "ab/2.jpg", "a.jpg", "a b/3.jpg"):
        folder.write(key, b"1")
    assert list(Folder(folder.get_url("a")).files()) == ["1.jpg"]


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        ("a", "a", ""),
        ("a", "a/b", "b"),
        ("a", "a/b/c", "b/c"),
        ("a", "ab", None),
        ("a", "a b", None),
        ("a/b", "a", None),
        ("a", "b", None),
        ("a", "A", None),
        ("a", "a-upscaled", None),
    ],
)
@pytest.mark.parametrize("slash", ["", "/", "//"])
def test_the_key_of_one_folder_in_another(
    folder: Folder, outer: str, inner: str, expected: str | None, slash: str
) -> None:
    first = Folder(folder.get_url(outer) + slash)
    assert first.relative_key(Folder(folder.get_url(inner))) == expected
    assert first.relative_key(Folder(folder.get_url(inner) + slash)) == expected


def test_folders_of_different_storages_never_overlap(tmp_path: Path) -> None:
    memory = Folder(f"memory://{tmp_path}")
    assert Folder(str(tmp_path)).relative_key(memory) is None
    assert memory.relative_key(Folder(str(tmp_path))) is None


def test_trailing_slashes_make_no_difference(folder: Folder) -> None:
    slashed = Folder(folder.url + "//")
    entry = slashed.write("d/a.jpg", b"1")
    assert slashed.url == folder.url
    assert folder.files() == slashed.files() == {"d/a.jpg": entry}
    assert slashed.get_url("d/a.jpg") == f"{folder.url}/d/a.jpg"


def test_a_folder_pickles_as_its_url_only(folder: Folder) -> None:
    entry = folder.write("a.jpg", b"1")
    shipped = pickle.dumps(folder)
    assert folder.__getstate__() == {"url": folder.url, "limits": folder.limits}
    assert b"filesystem" not in shipped.lower()
    arrived = pickle.loads(shipped)  # noqa: S301 - our own
    assert arrived.url == folder.url
    assert arrived.files() == {"a.jpg": entry}
    assert repr(arrived) == f"Folder({folder.url!r})"


def test_files_are_written_and_read_by_url(folder: Folder) -> None:
    write_file(folder.get_url("new/deep/[1] #.json"), b"{}")
    assert read_file(folder.get_url("new/deep/[1] #.json")) == b"{}"


def test_many_threads_can_share_a_folder(folder: Folder) -> None:
    def work(number: int) -> None:
        for turn in range(20):
            folder.write(f"d{number % 3}/{number}-{turn}.jpg", bytes([number]) * number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sizes = {key: info.size for key, info in folder.files().items()}
    assert sizes == {f"d{n % 3}/{n}-{turn}.jpg": n for n in range(8) for turn in range(20)}


def test_a_reader_sees_the_old_file_or_the_new_one(folder: Folder) -> None:
    contents = {bytes([letter]) * 200_000 for letter in b"ab"}
    folder.write("a.bin", min(contents))
    done = threading.Event()

    def write() -> None:
        for _ in range(40):
            for content in contents:
                folder.write("a.bin", content)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(folder.read("a.bin"))
    writer.join()
    assert seen <= contents
    assert list(folder.files()) == ["a.bin"]


def test_the_root_of_memory_is_a_folder() -> None:
    name = uuid.uuid4().hex
    root = Folder("memory://")
    entry = root.write(f"{name}/a.jpg", b"1")
    try:
        assert root.files()[f"{name}/a.jpg"] == entry
        assert root.relative_key(Folder(f"memory://{name}")) == name
        assert root.get_url("a.jpg") == "memory://a.jpg"
    finally:
        fsspec.filesystem("memory").rm(f"/{name}", recursive=True)


# URLs.

SECRET = "wJalr/XUtn+FEMI"  # noqa: S105 - nobody's


@pytest.mark.parametrize(
    "url",
    [
        f"s3://AKIA:{SECRET}@bucket/prefix",
        "s3://AKIA:wJalrXUtnFEMI@bucket/prefix",
        "s3://wJalrXUtnFEMI@bucket",
        f"S3://AKIA:{SECRET}@bucket",
        f"  s3://AKIA:{SECRET}@bucket",
        "s3://AKIA:wJalr#XUtnFEMI@bucket",
        "s3://AKIA:wJalr?XUtnFEMI@bucket",
        "s3://AKIA:wJalr[XUtnFEMI@bucket",
        "s3://AKIA:[wJalrXUtnFEMI]@bucket",
        "s3://AKIA:wJalr\u2100XUtnFEMI@bucket",
        f"simplecache::s3://AKIA:{SECRET}@bucket/a",
        f"zip://a.onnx::https://me:{SECRET}@host/a.zip",
        f"https://me:{SECRET}@host:8080/a",
        "https://me@host/wJalrXUtnFEMI",
        "ftp://me:wJalrXUtnFEMI@host/a",
        "https://host/a?X-Amz-Signature=wJalrXUtnFEMI",
        "https://host/a?b=c&X-AMZ-Security-Token=wJalrXUtnFEMI",
        "https://host/a?sv=2024&sig=wJalrXUtnFEMI",
        "https://host/a?Signature=wJalrXUtnFEMI&AWSAccessKeyId=AKIA",
        "https://host/a?access_token=wJalrXUtnFEMI",
        "nonsense://me:wJalrXUtnFEMI@host",
    ],
)
@pytest.mark.parametrize(
    "use",
    [check_url, Folder, read_file, lambda url: write_file(url, b"")],
    ids=["check", "folder", "read", "write"],
)
def test_credentials_are_refused_and_never_repeated(url: str, use: Callable[[str], object]) -> None:
    with pytest.raises(UsageError, match="credentials") as caught:
        use(url)
    shown = str(caught.value) + repr(caught.value) + repr(caught.value.__cause__)
    assert not any(part in shown for part in ("wJalr", "XUtn", "FEMI", "AKIA", "me:"))


@pytest.mark.parametrize(
    "url",
    [
        *("pictures", "./a b", "/a/b@c", "~/a", "s3://bucket/prefix", "s3://bucket/a@b:c.jpg"),
        *("file:///a/b@c", "memory://a/b@c", "http://localhost:9000/a@b.png", "http://[::1]/a"),
        *("https://host/a?size=3", "https://host:80", "a?token=1", "me:you@there", "C:/a@b"),
        "s3://arn:aws:s3:us-west-2:123456789012:accesspoint/name/a@b.jpg",
        "https://host/monkey=1&turkey=2?monkey=3",
    ],
)
def test_urls_without_credentials_pass(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize("url", ["", " ", "\t\n"])
def test_an_empty_url_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="empty"):
        Folder(url)


@pytest.mark.parametrize("url", ["nonsense://a/b", "htps://a", "s3x://a", "S3://a"])
def test_an_unknown_protocol_is_refused_and_named(url: str) -> None:
    scheme = url.partition(":")[0]
    with pytest.raises(UsageError) as raised:
        Folder(url)
    expected = "expected a path, s3://, gs://, az:// or https://"
    assert str(raised.value) == f"{url}: unknown scheme {scheme}://: {expected}"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://127.0.0.1:1/a", "Connection refused"),
        ("github://a/b", "missing 2 required positional arguments"),
        ("zip://a.png::/nothing/here.zip", "No such file"),
    ],
)
def test_a_file_system_that_cannot_be_created_is_refused_with_its_url(
    url: str, reason: str
) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(url)}: cannot be used: .*{reason}"):
        Folder(url)


# Local folders only.


def test_relative_paths_start_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("pictures", "./pictures", "pictures/", "x/../pictures", "pictures/./"):
        (tmp_path / "x").mkdir(exist_ok=True)
        folder = Folder(url)
        entry = folder.write("a.jpg", b"1")
        assert (tmp_path / "pictures" / "a.jpg").read_bytes() == b"1"
        assert folder.files() == {"a.jpg": entry}
        assert Folder(str(tmp_path)).relative_key(folder) == "pictures"
    (tmp_path / "pictures" / "a.jpg").unlink()
    write_file("report.json", b"{}")
    assert read_file("./report.json") == b"{}"
    assert list(Folder(".").files()) == ["report.json"]


def test_a_file_url_is_the_path(local: Folder) -> None:
    entry = local.write("a b.jpg", b"1")
    by_url = Folder(f"file://{local.root}")
    assert by_url.files() == {"a b.jpg": entry}
    assert local.relative_key(by_url) == ""
    assert by_url.get_url("a.jpg") == f"file://{local.root}/a.jpg"


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    Folder("~/pictures").write("a.jpg", b"1")
    assert (tmp_path / "pictures" / "a.jpg").read_bytes() == b"1"
    assert Folder(str(tmp_path)).relative_key(Folder("~/pictures")) == "pictures"
    assert list(Folder("~").files()) == ["pictures/a.jpg"]


def test_the_root_of_a_machine_is_a_folder(local: Folder) -> None:
    local.write("a.jpg", b"1")
    root = Folder("/")
    key = local.root.lstrip("/")
    assert root.relative_key(local) == key
    assert root.read(f"{key}/a.jpg") == b"1"
    assert root.get_url("a.jpg") == "/a.jpg"


def test_a_listing_has_size_and_time(local: Folder) -> None:
    local_path(local, "a.jpg").write_bytes(b"12345")
    os.utime(local_path(local, "a.jpg"), ns=(0, 1_700_000_000_123_456_000))
    assert local.files() == {"a.jpg": FileInfo(5, "1700000000.123456")}
    os.utime(local_path(local, "a.jpg"), ns=(0, 1_700_000_000_123_457_000))
    assert local.info("a.jpg") == FileInfo(5, "1700000000.123457")


def test_links_to_files_count_and_links_to_folders_are_listed_apart(
    local: Folder, tmp_path: Path
) -> None:
    target = tmp_path / "target.jpg"
    target.write_bytes(b"12345")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "b.jpg").write_bytes(b"1")
    local_path(local, "file.jpg").symlink_to(target)
    local_path(local, "again.jpg").symlink_to(local_path(local, "file.jpg"))
    local_path(local, "folder").symlink_to(tmp_path / "other")
    local_path(local, "up").symlink_to(tmp_path)
    local_path(local, "broken.jpg").symlink_to(tmp_path / "none.jpg")
    local_path(local, "loop.jpg").symlink_to(local_path(local, "loop.jpg"))
    local_path(local, "here").symlink_to(".")
    listing = local.files()
    # Broken links are listed too, so that reading them fails and is reported.
    assert sorted(listing) == ["again.jpg", "broken.jpg", "file.jpg", "loop.jpg"]
    assert listing.linked_folders == ["folder", "here", "up"]
    assert listing["file.jpg"] == listing["again.jpg"] == local.info("file.jpg")
    assert listing["file.jpg"].size == 5
    assert local.info("broken.jpg") is None
    assert local.read("again.jpg") == b"12345"


def test_a_change_of_the_target_of_a_link_is_seen(local: Folder, tmp_path: Path) -> None:
    target = tmp_path / "target.jpg"
    target.write_bytes(b"12345")
    local_path(local, "file.jpg").symlink_to(target)
    before = local.files()
    os.utime(target, ns=(0, 1_700_000_000_000_000_000))
    assert local.files() != before


def test_a_link_to_the_folder_is_the_folder(local: Folder, tmp_path: Path) -> None:
    entry = local.write("d/a.jpg", b"1")
    (tmp_path / "link").symlink_to(local.root)
    link = Folder(str(tmp_path / "link"))
    assert link.files() == {"d/a.jpg": entry}
    assert link.relative_key(local) == ""
    assert link.relative_key(Folder(local.get_url("d"))) == "d"
    assert local.relative_key(Folder(link.get_url("d"))) == "d"
    assert local.relative_key(Folder(link.get_url("new/er"))) == "new/er"


def test_special_files_are_listed_and_not_opened(local: Folder) -> None:
    os.mkfifo(local_path(local, "pipe.jpg"))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(local_path(local, "s.jpg")))
        local_path(local, "empty").mkdir()
        assert sorted(local.files()) == ["pipe.jpg", "s.jpg"]
        for key in local.files():
            with pytest.raises(UnusableFileError, match=f"{key}: expected a plain file, got a "):
                local.read(key)
            with pytest.raises(UnusableFileError):
                local.open(key)
            with pytest.raises(UnusableFileError):
                local.write(key, b"1")
        assert local_path(local, "pipe.jpg").is_fifo()


def test_names_that_are_not_utf8_work(local: Folder) -> None:
    raw = os.fsencode(local.root) + b"/caf\xe9 \xff.jpg"
    Path(os.fsdecode(raw)).write_bytes(b"1")
    (key,) = local.files()
    assert os.fsencode(key) == b"caf\xe9 \xff.jpg"
    assert local.read(key) == b"1"
    entry = local.write(f"d/{key}", b"22")
    assert local.files()[f"d/{key}"] == entry
    assert Path(os.fsdecode(os.fsencode(local.root) + b"/d/caf\xe9 \xff.jpg")).read_bytes() == b"22"


def test_a_folder_in_the_way_is_an_error_and_stays(local: Folder) -> None:
    local.write("a.jpg/inside.txt", b"1")
    with pytest.raises(OSError, match="got a folder"):
        local.write("a.jpg", b"2")
    assert list(local.files()) == ["a.jpg/inside.txt"]
    local_path(local, "empty.jpg").mkdir()
    with pytest.raises(OSError, match="got a folder"):
        local.write("empty.jpg", b"2")
    assert list(local.files()) == ["a.jpg/inside.txt"]
    assert local_path(local, "empty.jpg").is_dir()


def test_a_file_where_a_folder_should_be_is_an_error_and_stays(local: Folder) -> None:
    entry = local.write("a", b"1")
    with pytest.raises(OSError, match="a"):
        local.write("a/b.jpg", b"2")
    assert local.files() == {"a": entry}


def test_a_disk_that_is_full_leaves_the_old_file(local: Folder) -> None:
    before = local.write("d/a.jpg", b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The kernel truncates a write at this size as it does on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OSError, match="large"):
            local.write("d/a.jpg", b"n" * 100_000)
        with pytest.raises(OSError, match="large"):
            local.write("d/b.jpg", b"n" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert local.files() == {"d/a.jpg": before}
    assert local.read("d/a.jpg") == b"old"


def test_a_name_that_is_too_long_leaves_nothing(local: Folder) -> None:
    with pytest.raises(OSError, match="long"):
        local.write("n" * 300, b"1")
    assert local.files() == {}


def test_a_writer_that_is_killed_leaves_the_old_file(local: Folder) -> None:
    before = local.write("a.bin", b"old")
    script = (
        "import os, sys, threading, time\n"
        "from srcnn.storage.folder import Folder\n"
        "def kill():\n"
        "    while not any(n.endswith('.part') for n in os.listdir(sys.argv[1])): pass\n"
        "    os.kill(os.getpid(), 9)\n"
        "threading.Thread(target=kill, daemon=True).start()\n"
        "content = bytes(400_000_000)\n"
        "Folder(sys.argv[1]).write('a.bin', content)\n"
        "time.sleep(60)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, local.root], check=False)
    assert done.returncode == -9
    assert local.info("a.bin") == before
    assert local.read("a.bin") == b"old"
    assert len(leftovers(local)) == 1


def test_a_written_file_has_the_permissions_of_any_other(local: Folder) -> None:
    local.write("a.jpg", b"1")
    local_path(local, "b.jpg").write_bytes(b"1")
    modes = {stat.S_IMODE(local_path(local, name).stat().st_mode) for name in ("a.jpg", "b.jpg")}
    assert len(modes) == 1


def test_a_link_that_is_written_to_becomes_a_file(local: Folder, tmp_path: Path) -> None:
    target = tmp_path / "target.jpg"
    target.write_bytes(b"kept")
    local_path(local, "a.jpg").symlink_to(target)
    local.write("a.jpg", b"new")
    assert target.read_bytes() == b"kept"
    assert not local_path(local, "a.jpg").is_symlink()
    assert local.read("a.jpg") == b"new"


# Buckets only.


def test_a_whole_bucket_is_a_folder_and_prefixes_do_not_overlap(bucket: str, raw: Any) -> None:
    whole, name = Folder(bucket), bucket.removeprefix("s3://")
    assert whole.files() == {}
    assert whole.exists()
    whole.probe()
    for key in ("photos/1.jpg", "photos-2024/2.jpg", "photos.jpg", "photos/new/3.jpg"):
        whole.write(key, b"1")
    raw.touch(f"{name}/photos/empty/")
    assert sorted(Folder(f"{bucket}/photos").files()) == ["1.jpg", "new/3.jpg"]
    assert sorted(Folder(f"{bucket}/photos-2024/").files()) == ["2.jpg"]
    assert Folder(f"{bucket}/photos/empty").files() == {}
    assert len(whole.files()) == 4
    assert whole.relative_key(Folder(f"{bucket}/photos")) == "photos"
    assert Folder(f"{bucket}/photos").relative_key(Folder(f"{bucket}/photos-2024")) is None
    whole.remove("photos.jpg")
    whole.remove("photos.jpg")
    assert len(whole.files()) == 3


def test_a_missing_bucket_is_an_error(prefix: str) -> None:
    missing = Folder("s3://no-such-bucket/photos")
    assert prefix
    for use in (missing.files, missing.exists, missing.probe, lambda: missing.write("a", b"1")):
        with pytest.raises(SourceMissingError, match=r"^s3://[a-z/-]*: no such bucket"):
            use()


def test_a_listing_of_many_pages_is_whole(prefix: str, s3_server: S3Server) -> None:
    bucket, _, inside = prefix.removeprefix("s3://").partition("/")
    keys = {f"d{number % 7}/{number:05} é+%.jpg" for number in range(10_000)}
    s3_server.fill(bucket, [f"{inside}/{key}" for key in sorted(keys)], b"1")
    folder = Folder(prefix)
    listed = folder.files()
    assert set(listed) == keys
    assert {info.size for info in listed.values()} == {1}
    first, last = min(keys), max(keys)  # on pages that are parsed in two ways
    assert [listed[first], listed[last]] == [folder.info(first), folder.info(last)]


@pytest.mark.parametrize("size", [6_000_000, 35_000_000], ids=["one PUT", "by parts"])
def test_writing_a_large_file_returns_its_entry_in_a_listing(prefix: str, size: int) -> None:
    content = os.urandom(size)
    folder = Folder(prefix)
    entry = folder.write("a.bin", content)
    assert folder.files() == {"a.bin": entry}
    assert folder.read("a.bin") == content


def test_a_header_at_both_ends_of_a_large_file_is_read(prefix: str) -> None:
    content = os.urandom(3_000_000)
    folder = Folder(prefix)
    info = folder.write("a.bin", content)
    with folder.open("a.bin", info) as file:
        assert file.read(10) == content[:10]
        file.seek(-10, os.SEEK_END)
        assert file.read() == content[-10:]
        file.seek(60_000)
        assert file.read(300_000) == content[60_000:360_000]
        file.seek(0)
        assert file.read() == content
    with pytest.raises(StorageError, match="changed after it was listed"):
        folder.open("a.bin", FileInfo(len(content) + 5, "")).read()


def test_a_folder_is_used_in_a_forked_process(prefix: str) -> None:
    folder = Folder(prefix)
    entry = folder.write("a.jpg", b"1")
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(folder.files).get(30) == {"a.jpg": entry}
    assert folder.files() == {"a.jpg": entry}


def test_neither_pickle_nor_repr_contains_the_secret(prefix: str, s3_server: S3Server) -> None:
    folder = Folder(prefix)
    folder.write("a.jpg", b"1")
    shown = repr(folder) + str(vars(folder)) + repr(pickle.dumps(folder))
    assert s3_server.secret_key not in shown


@pytest.mark.parametrize("way", ["conf", "profile"])
def test_configured_credentials_are_used(
    way: str, prefix: str, s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, secret = s3_server.access_key, s3_server.secret_key
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(AccessDeniedError, match="no credentials"):
        Folder(prefix).files()
    if way == "conf":
        monkeypatch.delenv("AWS_ENDPOINT_URL")
        style = {"s3": {"addressing_style": "path"}}
        options = {"key": key, "secret": secret, "endpoint_url": s3_server.endpoint}
        monkeypatch.setitem(fsspec.config.conf, "s3", options | {"config_kwargs": style})
    else:
        lines = f"[me]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
        (tmp_path / "credentials").write_text(lines)
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
        monkeypatch.setenv("AWS_PROFILE", "me")
    assert Folder(prefix).files() == {}


def test_runs_between_folders_and_buckets_write_the_same(
    prefix: str, run: Callable[..., Any], pictures: Path, tmp_path: Path
) -> None:
    def upscale(src: str, dst: str) -> dict[str, bytes]:
        done = run("flows/upscale.py", "--src", src, "--dst", dst)
        assert done.returncode == 0, done.stderr
        if dst.startswith("s3"):
            again = run("flows/upscale.py", "--src", src, "--dst", dst)
            assert "4 skipped" in again.stdout + again.stderr
        folder = Folder(dst)
        return {key: folder.read(key) for key in folder.files() if not key.startswith(".srcnn")}

    expected = upscale(str(pictures), str(tmp_path / "out"))
    assert len(expected) == 4
    source = Folder(str(pictures))
    for key in source.files():
        Folder(prefix).write(key, source.read(key))
    assert upscale(str(pictures), f"{prefix}-from local") == expected
    assert upscale(prefix, str(tmp_path / "from bucket")) == expected
    assert upscale(prefix, f"{prefix}-from bucket") == expected


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_part_that_cannot_be_listed_is_an_error(local: Folder) -> None:
    local.write("open/a.jpg", b"1")
    local.write("closed/b.jpg", b"1")
    local_path(local, "closed").chmod(0)
    try:
        with pytest.raises(PermissionError, match="closed"):
            local.files()
    finally:
        local_path(local, "closed").chmod(0o700)


@pytest.mark.parametrize(
    ("stored", "words"),
    [(b"123", "but the file has 3: run again"), (None, "is missing: run again")],
)
def test_a_storage_that_loses_bytes_is_reported(
    stored: bytes | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(make_memory())
    put = MemoryFileSystem.pipe_file

    def lose(self: MemoryFileSystem, path: str, value: bytes, **options: Any) -> None:
        assert value == b"12345"
        if stored is not None:
            put(self, path, stored, **options)

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", lose)
    with pytest.raises(StorageError, match=f"a.jpg: wrote 5 bytes, .*{words}") as caught:
        folder.write("a.jpg", b"12345")
    assert "None" not in str(caught.value)


@pytest.mark.parametrize("key", ["./a.png", "x/../a.png", "../a.png", "photo.jpg/"])
def test_keys_that_servers_resolve_are_neither_read_nor_written(bucket: str, key: str) -> None:
    folder = Folder(f"{bucket}/in")
    for call in (folder.open, folder.read, lambda name: folder.write(name, b"content")):
        with pytest.raises(StorageError, match="rename the object"):
            call(key)
    assert Folder(bucket).files() == {}


def test_a_key_that_looks_like_a_version_is_not_taken_for_another_object(bucket: str) -> None:
    folder, key = Folder(f"{bucket}/in"), "cat.png?versionId=1.png"
    folder.write("cat.png", b"of another picture")
    for call in (folder.info, folder.open, folder.read, lambda name: folder.write(name, b"x")):
        with pytest.raises(StorageError, match=r'contains "\?versionId=", .*: rename the object'):
            call(key)
    assert folder.read("cat.png") == b"of another picture"


def test_a_key_that_is_not_utf_8_is_the_key_s_fault(bucket: str) -> None:
    folder, key = Folder(f"{bucket}/in"), "caf\udce9.png"
    for call in (folder.info, folder.read, lambda name: folder.read(name, 10), folder.open):
        with pytest.raises(StorageError, match="its name is not UTF-8: rename it"):
            call(key)
    with pytest.raises(UsageError, match="cannot be listed: its name is not UTF-8: rename it"):
        Folder(f"{bucket}/{key}").exists()


@pytest.mark.parametrize("listed_bytes", [10, 100])
def test_a_file_that_grew_since_it_was_listed_is_not_read(
    folder: Folder, listed_bytes: int
) -> None:
    folder.write("a.bin", bytes(2 * 2**20))
    listed = FileInfo(listed_bytes, "")
    if "memory" in folder.url:  # in this process's own memory already
        return
    with pytest.raises(UnusableFileError, match="expected up to 1,000 bytes, got 2,097,152"):
        folder.read("a.bin", 1000, listed)
    assert len(folder.read("a.bin", 2 * 2**20, listed)) == 2 * 2**20


@pytest.fixture(params=[errno.EPERM, errno.ENOTSUP, errno.EMLINK], ids=["vfat", "fuse", "full"])
def without_links(
    request: pytest.FixtureRequest, local: Folder, monkeypatch: pytest.MonkeyPatch
) -> Folder:
    """A folder of a file system that makes no hard links, as USB sticks and some mounts do."""

    def refuse(source: Any, target: Any, **_: Any) -> None:
        if os.path.lexists(target):  # the kernel looks at the name first
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        raise OSError(request.param, os.strerror(request.param), str(source))

    monkeypatch.setattr(os, "link", refuse)
    return local


def test_a_file_is_created_once_without_hard_links(without_links: Folder) -> None:
    assert without_links.create("d/a.json", b"first")
    assert without_links.create("d/a.json", b"first")  # a repeated request
    assert not without_links.create("d/a.json", b"second")
    assert without_links.read("d/a.json") == b"first"
    assert set(without_links.files()) == {"d/a.json"}  # and no temporary file


def test_one_of_many_creates_a_file_without_hard_links(without_links: Folder) -> None:
    """Each content is another, so that only one may be created, and it is read completely."""
    for number in range(30):
        key, start = f"{number}.json", threading.Barrier(4)
        contents = [str(runner).encode() * 20_000 for runner in range(4)]

        def create(content: bytes, key: str = key, start: threading.Barrier = start) -> bool:
            start.wait()
            return without_links.create(key, content)

        with ThreadPoolExecutor(4) as pool:
            created = list(pool.map(create, contents))
        assert created.count(True) == 1
        assert without_links.read(key) == contents[created.index(True)]
