"""Streams are written to: devices, FIFOs, descriptors of this process."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from srcnn.errors import StorageError
from srcnn.storage.streams import check_stream, find_descriptor, is_stream, write_stream


def test_devices_stay_devices() -> None:
    assert is_stream("/dev/null")
    check_stream("/dev/null")
    write_stream("/dev/null", b"1" * 100_000)
    assert Path("/dev/null").is_char_device()
    with pytest.raises(StorageError, match="/dev/full: cannot be written: No space left"):
        write_stream("/dev/full", b"1")


def test_a_fifo_gives_its_reader_everything(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    assert is_stream(str(path))
    with pytest.raises(StorageError, match="no process reads from it"):
        write_stream(str(path), b"1")
    opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(opened, True)
    data, read = bytes(range(256)) * 4096, bytearray()

    def drain() -> None:
        while block := os.read(opened, 65_536):
            read.extend(block)

    writer = threading.Thread(target=write_stream, args=(str(path), data))
    writer.start()
    while not read:
        read.extend(os.read(opened, 1))
    drain()
    writer.join()
    os.close(opened)
    assert bytes(read) == data


def test_a_descriptor_is_written_where_it_stands(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w+b", buffering=0) as file:
        os.set_inheritable(file.fileno(), True)  # noqa: FBT003 - it takes no keywords
        path = f"/dev/fd/{file.fileno()}"
        (tmp_path / "link").symlink_to(path)
        assert find_descriptor(str(tmp_path / "link")) == file.fileno()
        file.write(b"before ")
        check_stream(path)
        write_stream(path, b"report ")
        file.write(b"after")
    assert (tmp_path / "out").read_bytes() == b"before report after"


def test_descriptors_of_our_own_are_not_streams_for_others(tmp_path: Path) -> None:
    with (tmp_path / "own").open("wb") as file:
        for path in (f"/dev/fd/{file.fileno()}", "/dev/fd/987"):
            for call in (check_stream, lambda path: write_stream(path, b"1")):
                with pytest.raises(StorageError, match="was not given it open for writing"):
                    call(path)
    assert (tmp_path / "own").read_bytes() == b""


def test_plain_files_are_no_streams(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("file", "none", "loop", "."):
        assert not is_stream(str(tmp_path / name))
