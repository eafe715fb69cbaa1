"""Known failures: a broken file that stays does not change the exit status, and hides nothing."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.errors import BatchFailedError
from flows.options.upscale import UpscaleOptions
from flows.upscale import batch_upscale
from srcnn.errors import SourceMissingError, UsageError

Upscale = Callable[..., dict[str, Any]]


@pytest.fixture
def broken(pictures: Path) -> Path:
    """Pictures, of which `letter.png` is none, and `cut.png` breaks off behind its header."""
    (pictures / "letter.png").write_text("Dear Sir or Madam")
    (pictures / "cut.png").write_bytes((pictures / "cat.png").read_bytes()[:-40])
    return pictures


@pytest.fixture
def upscale(broken: Path) -> Upscale:
    """Run the flow, and give its report; `status` there is the exit status that it stands for."""

    def call(**options: Any) -> dict[str, Any]:
        chosen = UpscaleOptions(src=str(broken), report=str(broken.parent / "r.json"), **options)
        status = 0
        try:
            batch_upscale.fn(chosen)
        except BatchFailedError:
            status = 1
        content: dict[str, Any] = json.loads((broken.parent / "r.json").read_text())
        counts = content["counts"]
        assert counts["requested"] == counts["written"] + counts["skipped"] + counts["failed"]
        return {**content, "status": status}

    return call


def accept(report: dict[str, Any], file: Path) -> str:
    """Accept what failed in a run."""
    failed = [image for image in report["images"] if image["error"]]
    file.write_text("".join(f"{json.dumps(image)}\n" for image in failed))
    return str(file)


def known(report: dict[str, Any]) -> dict[str, bool]:
    return {image["source"]: image["known"] for image in report["images"] if image["error"]}


def test_without_the_option_an_old_failure_is_a_failure(upscale: Upscale) -> None:
    assert upscale()["status"] == 1
    again = upscale()
    assert again["status"] == 1
    assert known(again) == {"cut.png": False, "letter.png": False}
    assert again["summary"]["known"] == 0


def test_known_failures_are_counted_and_pass(
    upscale: Upscale, broken: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = accept(upscale(), tmp_path / "known.jsonl")
    caplog.clear()
    with caplog.at_level(logging.INFO, "srcnn"):
        report = upscale(known_failures=file)
    assert report["status"] == 0
    assert report["counts"] == {"requested": 6, "written": 0, "skipped": 4, "failed": 2}
    assert report["summary"]["known"] == 2
    assert known(report) == {"cut.png": True, "letter.png": True}
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "known: cut.png: DamagedImage: " in caplog.text
    assert "2 failed (2 of them known), in" in caplog.text
    run = report["run"]["id"]
    page = (broken.parent / "pictures-upscaled" / ".srcnn" / "runs" / f"{run}.html").read_text()
    assert "0 images written, 4 skipped, 2 known to fail" in page
    assert ">Known failures</h2>" in page
    assert ">Failures by reason</h2>" not in page


def test_a_new_failure_beside_known_ones_fails(
    upscale: Upscale, broken: Path, tmp_path: Path
) -> None:
    file = accept(upscale(), tmp_path / "known.jsonl")
    (broken / "new.png").write_text("")
    report = upscale(known_failures=file)
    assert report["status"] == 1
    assert known(report) == {"cut.png": True, "letter.png": True, "new.png": False}


@pytest.mark.parametrize("change", ["content", "time", "type"])
def test_a_known_file_that_changed_or_fails_otherwise_is_new(
    change: str, upscale: Upscale, broken: Path, tmp_path: Path
) -> None:
    file = accept(upscale(), tmp_path / "known.jsonl")
    options: dict[str, Any] = {}
    if change == "content":
        (broken / "cut.png").write_bytes((broken / "cat.png").read_bytes()[:-41])
    elif change == "time":
        os.utime(broken / "cut.png", (1, 1))
    else:  # before, the header was fine
        options["scale"] = "width=10000"
    report = upscale(known_failures=file, **options)
    assert report["status"] == 1
    assert known(report)["cut.png"] is False
    assert known(report)["letter.png"] is True


def test_a_known_failure_that_is_repaired_is_written_and_asked_to_be_removed(
    upscale: Upscale, broken: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = accept(upscale(), tmp_path / "known.jsonl")
    (broken / "cut.png").write_bytes((broken / "cat.png").read_bytes())
    report = upscale(known_failures=file)
    assert report["status"] == 0
    assert report["counts"] == {"requested": 6, "written": 1, "skipped": 4, "failed": 1}
    assert f"{file}: remove what no longer fails: cut.png" in caplog.text
    caplog.clear()
    upscale(known_failures=file, dry_run=True)
    assert "remove what" not in caplog.text


def test_known_failures_do_not_count_towards_the_limit(upscale: Upscale, tmp_path: Path) -> None:
    file = accept(upscale(), tmp_path / "known.jsonl")
    report = upscale(known_failures=file, max_failures="0", overwrite="always")
    assert report["status"] == 0
    assert report["counts"]["written"] == 4
    assert report["summary"]["ended"] == ""
    assert upscale(max_failures="0", overwrite="always")["summary"]["ended"]


def test_a_dry_run_knows_what_its_headers_show(upscale: Upscale, tmp_path: Path) -> None:
    file = accept(upscale(), tmp_path / "known.jsonl")
    report = upscale(known_failures=file, dry_run=True)
    assert report["status"] == 0
    assert known(report) == {"letter.png": True}


@pytest.mark.parametrize(
    "line",
    [
        "cut.png",
        "[]",
        "{}",
        '{"source": "cut.png", "error": {"type": "DamagedImage"}}',
        '{"source": "cut.png", "error": null, "source_info": {"size": 1, "version": "1"}}',
        "[" * 100_000,
    ],
    ids=["text", "list", "empty", "no version", "no error", "deep"],
)
def test_a_line_that_cannot_be_read_is_named_before_any_work(
    line: str, upscale: Upscale, broken: Path, tmp_path: Path
) -> None:
    file = tmp_path / "known.jsonl"
    file.write_text(f"\n{line}\n")
    with pytest.raises(UsageError, match=r"known\.jsonl:2: .*srcnn history DST --failures"):
        upscale(known_failures=str(file))
    assert not (broken.parent / "pictures-upscaled").exists()


def test_a_file_that_is_missing_is_refused_and_an_empty_one_is_not(
    upscale: Upscale, tmp_path: Path
) -> None:
    file = tmp_path / "known.jsonl"
    with pytest.raises(SourceMissingError):
        upscale(known_failures=str(file))
    file.write_text("")
    assert upscale(known_failures=str(file))["status"] == 1


def test_the_report_does_not_replace_the_file(broken: Path, tmp_path: Path) -> None:
    file = tmp_path / "known.jsonl"
    file.write_text("")
    options = UpscaleOptions(src=str(broken), known_failures=str(file), report=str(file))
    with pytest.raises(UsageError, match="the run reads this file"):
        batch_upscale.fn(options)
