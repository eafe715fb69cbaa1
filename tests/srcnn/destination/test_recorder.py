"""Outputs are on record soon after they are written, in one file for each shard."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from srcnn.destination import ledger, recorder
from srcnn.destination.ledger import LEDGER_FOLDER
from srcnn.destination.recorder import Recorder
from srcnn.destination.records import Record
from srcnn.geometry import Size
from srcnn.storage.file_table import FileInfo
from srcnn.storage.filesystems import resolve
from srcnn.storage.folder import Folder

EMPTY = FileInfo(0, "")


@pytest.fixture(params=["local", "memory", "s3"])
def dst(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    if request.param == "s3":
        return Folder(f"{request.getfixturevalue('bucket')}/out")
    return Folder(str(tmp_path / "out") if request.param == "local" else f"memory://{uuid.uuid4()}")


def write_output(dst: Folder, key: str) -> Record:
    info = dst.write(key, b"content")
    return Record(key, key, EMPTY, info, "2", "digest", "sha256", Size(4, 6), Size(8, 12))


def on_record(dst: Folder) -> set[str]:
    found = ledger.load(dst, dst.files())
    assert found.warnings == []
    return set(found.records)


def ledger_files(dst: Folder) -> list[str]:
    return sorted(key for key in dst.files() if key.startswith(LEDGER_FOLDER))


def test_outputs_are_on_record_while_the_shard_goes_on(
    dst: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "INTERVAL_SECONDS", 0.2)
    with Recorder(dst, "run 1") as recording:
        for number in range(3):
            recording.add(write_output(dst, f"a/{number}.png"))
            until = time.monotonic() + 30
            while len(on_record(dst)) <= number and time.monotonic() < until:
                time.sleep(0.05)
            assert on_record(dst) == {f"a/{each}.png" for each in range(number + 1)}
        assert len(ledger_files(dst)) == 1
        recording.add(write_output(dst, "last.png"))
    assert "last.png" in on_record(dst)
    assert len(ledger_files(dst)) == 1
    assert recording.unrecorded is None


def test_what_is_recorded_is_recorded_after_an_error_too(dst: Folder) -> None:
    record = write_output(dst, "a.png")

    def interrupt() -> None:
        with Recorder(dst, "run 1") as recording:
            recording.add(record)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert on_record(dst) == {"a.png"}


def test_a_shard_without_outputs_has_no_file(dst: Folder) -> None:
    with Recorder(dst, "run 1"):
        pass
    assert not dst.exists()


def test_a_long_shard_has_files_of_bounded_size(dst: Folder) -> None:
    one = write_output(dst, "a.png")
    with Recorder(dst, "run 1") as recording:
        for number in range(4100):
            recording.add(replace(one, output=f"{number}.png"))
    assert len(ledger_files(dst)) == 3
    assert len(on_record(dst)) == 4100


def test_a_failure_says_why_and_an_earlier_one_is_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "INTERVAL_SECONDS", 0.05)
    dst = Folder(str(tmp_path))
    blocked = tmp_path / LEDGER_FOLDER
    blocked.parent.mkdir()
    blocked.write_text("a file where a folder belongs")
    with Recorder(dst, "run 1") as recording:
        recording.add(write_output(dst, "a.png"))
        time.sleep(0.3)
    assert "Error: " in (recording.unrecorded or "")
    with Recorder(dst, "run 1") as recording:
        recording.add(write_output(dst, "a.png"))
        time.sleep(0.3)
        blocked.unlink()
    assert recording.unrecorded is None
    assert on_record(dst) == {"a.png"}


def test_recording_in_a_bucket_takes_one_request(bucket: str) -> None:
    dst = Folder(f"{bucket}/out")
    one = write_output(dst, "a.png")
    fs, _ = resolve(dst.url)
    sent: list[str] = []

    def note(request: Any, **_: object) -> None:
        sent.append(request.method)

    fs.s3.meta.events.register("before-send.s3", note)
    try:
        with Recorder(dst, "run 1") as recording:
            for number in range(200):
                recording.add(replace(one, output=f"{number}.png"))
    finally:
        fs.s3.meta.events.unregister("before-send.s3", note)
    assert sent == ["PUT"]
