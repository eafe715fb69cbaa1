"""A work folder that others wrote into: refused in a sentence, or its poor lines are skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from srcnn.errors import TrainingStateError
from srcnn.quality.conditions import Condition
from srcnn.training.training_record import Point
from srcnn.training.work_folder import WorkFolder

DEEP = b"[" * 100_000
POISON = {
    "empty": b"",
    "not UTF-8": b"\xff\xfe",
    "a list": b"[]",
    "deep": DEEP,
    "deep objects": b'{"a":' * 100_000,
    "wrong types": b'{"identity": {}, "taken": {"a.png": 3}, "started_from": null}',
    "no numbers": b'{"steps": 1, "hours": NaN, "dst": "d", "promoted": true, "verdict": "v",'
    b' "checkpoint": "c"}',
    "nested": b'{"steps": [[1]], "hours": {}, "dst": [], "promoted": {}, "verdict": 1}',
}


@pytest.mark.parametrize("content", POISON.values(), ids=POISON)
def test_a_damaged_record_or_result_is_an_error_with_advice(tmp_path: Path, content: bytes) -> None:
    work = WorkFolder(tmp_path)
    (tmp_path / "training.json").write_bytes(content)
    (tmp_path / "result.json").write_bytes(content)
    with pytest.raises(TrainingStateError, match=r"^[^\n]*training.json: [^\n]*--restart"):
        _ = work.record
    with pytest.raises(TrainingStateError, match=r"^[^\n]*result.json: [^\n]*--restart"):
        _ = work.result


def test_files_that_never_end_are_errors(tmp_path: Path) -> None:
    work = WorkFolder(tmp_path)
    (tmp_path / "training.json").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "gains.jsonl")
    with (tmp_path / "result.json").open("wb") as file:
        file.truncate(2**40)  # a sparse file
    with pytest.raises(TrainingStateError, match="plain file"):
        _ = work.record
    with pytest.raises(TrainingStateError, match="plain file"):
        _ = work.points
    with pytest.raises(TrainingStateError, match="plain file"):
        _ = work.result


def test_lines_that_are_no_validations_are_skipped(tmp_path: Path) -> None:
    good = b'{"step": 5, "seconds": 1.5, "gains": {"2.0": 0.25}}'
    poor = [
        *(b"", b"\xff", b"[]", b"3", DEEP, b'{"step": 1', b'{"step": 1}'),
        good.replace(b"1.5", b"Infinity"),
        good.replace(b"0.25", b"NaN"),
        good.replace(b'"2.0"', b'"two"'),
        good.replace(b"5,", b"1" + b"0" * 5000 + b","),
    ]
    (tmp_path / "gains.jsonl").write_bytes(b"\n".join([*poor, good, *poor]))
    assert WorkFolder(tmp_path).points == [Point(5, 1.5, {Condition(2): 0.25})]
