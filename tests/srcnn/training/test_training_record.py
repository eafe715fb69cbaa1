"""Files that earlier versions wrote are read."""

from __future__ import annotations

from dataclasses import asdict

from srcnn.training.training_record import Result

FIELDS = {"steps": 6, "hours": 0.1, "dst": "/models", "promoted": False, "checkpoint": "a.pth"}


def test_a_result_is_read_as_it_was_written() -> None:
    result = Result(**FIELDS, verdict="kept")  # type: ignore[arg-type] # as in the file
    assert Result.parse(asdict(result)) == result


def test_a_result_of_an_earlier_version_is_read() -> None:
    assert Result.parse({**FIELDS, "told": "kept"}).verdict == "kept"
