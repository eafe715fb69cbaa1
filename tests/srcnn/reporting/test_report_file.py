"""What `--report` may replace, and what it may not."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from srcnn.reporting.report_file import prepare_report_file, write_report_file
from srcnn.storage.retries import DEFAULT_LIMITS


@pytest.mark.parametrize(
    ("report", "why"),
    [
        ("folder", "is a folder; expected a file"),
        ("folder/cat.png", "expected a name such as report.json"),
        ("new/cat.JPEG", "expected a name such as report.json"),
        ("folder/.srcnn/ledger/1.jsonl", ".srcnn has the records of runs"),
        ("folder/.SRCNN/1.json", ".srcnn has the records of runs"),
        ("folder/../folder/.srcnn/1.json", ".srcnn has the records of runs"),
        ("link/1.json", ".srcnn has the records of runs"),
        ("scales.csv", "the run reads this file"),
        ("folder/../scales.csv", "the run reads this file"),
        ("hard.csv", "the run reads this file"),
        ("new/", "got the name of a folder"),
        ("scales.csv/report.json", "cannot be written"),
        ("socket", "expected a plain file, got a socket"),
    ],
)
def test_a_report_that_would_replace_something_is_refused(
    tmp_path: Path, report: str, why: str
) -> None:
    scales = tmp_path / "scales.csv"
    scales.write_text("path,scale\n")
    (tmp_path / "hard.csv").hardlink_to(scales)
    (tmp_path / "folder" / ".srcnn").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "folder" / ".srcnn")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    with pytest.raises((OSError, ValueError), match=why) as raised:
        prepare_report_file(f"{tmp_path}/{report}", [str(scales)], DEFAULT_LIMITS)
    assert "Errno" not in str(raised.value)
    assert scales.read_text() == "path,scale\n"


def test_an_earlier_report_is_replaced_and_a_new_one_created(tmp_path: Path) -> None:
    for _ in range(2):
        url = f"{tmp_path}/new/report.json"
        prepare_report_file(url, [f"{tmp_path}/scales.csv"], DEFAULT_LIMITS)
        assert write_report_file(url, b"{}", DEFAULT_LIMITS)
        assert Path(url).read_bytes() == b"{}"


def test_a_bucket_has_no_streams() -> None:
    url = "memory://reports/dev/null"
    prepare_report_file(url, [".env", "memory://reports/model.onnx"], DEFAULT_LIMITS)
    assert write_report_file(url, b"{}", DEFAULT_LIMITS)


def test_a_fifo_is_left_alone_until_the_report_is_there(tmp_path: Path) -> None:
    """Opening it to see whether it works would show its reader an end."""
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    prepare_report_file(f"{tmp_path}/fifo", [], DEFAULT_LIMITS)
    assert not write_report_file(f"{tmp_path}/fifo", b"{}", DEFAULT_LIMITS)
    assert os.read(reader, 10) == b"{}"
    os.close(reader)
