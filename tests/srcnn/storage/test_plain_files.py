"""Only plain files are opened; a FIFO or a device never blocks, and never ends up in memory."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from srcnn.errors import SourceMissingError, StorageError, UnusableFileError
from srcnn.storage.atomic_files import create_atomically, read_file, write_file
from srcnn.storage.filesystems import resolve
from srcnn.storage.plain_files import open_plain, read_plain
from srcnn.storage.retries import DEFAULT_LIMITS

APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT


@pytest.fixture(params=["fifo", "link to a fifo", "socket", "device", "folder"])
def special(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "special"
    if request.param == "fifo":
        os.mkfifo(path)
    elif request.param == "link to a fifo":
        os.mkfifo(tmp_path / "fifo")
        path.symlink_to(tmp_path / "fifo")
    elif request.param == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    elif request.param == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    return path


def test_what_is_no_plain_file_is_neither_read_nor_replaced(special: Path) -> None:
    before = os.lstat(special)
    for call in (
        lambda: open_plain(special),
        lambda: open_plain(special, APPEND),
        lambda: read_plain(special),
        lambda: write_file(str(special), b"1"),
    ):
        with pytest.raises(UnusableFileError, match="special: expected a plain file, got a "):
            call()
    with pytest.raises((UnusableFileError, SourceMissingError)):
        read_file(str(special))
    assert os.path.samestat(before, os.lstat(special))


def test_a_fifo_in_place_of_a_lock_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "1.json")
    fs, path = resolve(str(tmp_path / "1.json"))
    with pytest.raises(UnusableFileError):
        create_atomically(fs, path, b"1", path, DEFAULT_LIMITS)


def test_plain_files_are_read_and_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for line in (b"1\n", b"2\n"):
        with open_plain(path, APPEND) as file:
            file.write(line)
    assert read_plain(path) == b"1\n2\n"
    assert read_plain(path, limit_bytes=4) == b"1\n2\n"
    with pytest.raises(StorageError, match="a: expected up to 3 bytes, got 4"):
        read_plain(path, limit_bytes=3)
    with pytest.raises(FileNotFoundError):
        read_plain(tmp_path / "none")


def test_a_file_that_announces_no_size_is_read_up_to_a_limit() -> None:
    assert b"MemTotal" in read_plain("/proc/meminfo")
    with open_plain("/proc/self/maps") as file:
        assert file.read(1)


def test_a_full_disk_is_named_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="cannot be written: ") as raised:
        write_file(str(tmp_path / "file" / "below"), b"1")
    assert "Errno" not in str(raised.value)
    assert raised.value.errno in {errno.EEXIST, errno.ENOTDIR}
