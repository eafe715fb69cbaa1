"""`--json` and `--quiet`, run as programs and people run them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT
from tests.support.run_python import Run

UPSCALE = "flows/upscale.py"


def events(stdout: str) -> list[dict[str, Any]]:
    """Every line is an object with a name; nothing else is on standard output."""
    lines = stdout.splitlines()
    assert stdout.isascii()
    received = [json.loads(line) for line in lines]
    assert all(isinstance(each["event"], str) for each in received)
    return received


def named(received: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [each for each in received if each["event"] == name]


def test_a_run_as_json_lines(run: Run, pictures: Path) -> None:
    (pictures / "cut.png").write_bytes((pictures / "cat.png").read_bytes()[:-40])
    os.rename(  # noqa: PTH104 - a name that is no UTF-8
        pictures / "grey.tiff", os.fsencode(pictures) + b"/esc\x1b[2J\xff\n.tiff"
    )
    done = run(UPSCALE, "--src", pictures, "--json")
    assert done.returncode == 1
    received = events(done.stdout)
    (plan,) = named(received, "plan")
    (summary,) = named(received, "summary")
    (error,) = named(received, "error")
    assert (received[0], received[-2], received[-1]) == (plan, summary, error)
    assert (plan["images"], plan["to_make"], plan["dry_run"]) == (5, 5, False)
    images = named(received, "image")
    report = json.loads(Path(summary["report"]).read_text())
    assert summary["page"] == summary["report"].removesuffix(".json") + ".html"
    assert "1 of 5 images failed" in Path(summary["page"]).read_text()
    own = {"event", "megapixels"}
    assert sorted(
        ({key: image[key] for key in image.keys() - own} for image in images),
        key=lambda image: image["source"],
    ) == sorted(report["images"], key=lambda image: image["source"])
    assert summary["counts"] == {"requested": 5, "written": 4, "skipped": 0, "failed": 1}
    assert summary["megapixels"] == pytest.approx(sum(image["megapixels"] for image in images))
    assert named(received, "progress")[-1]["percent"] == 100
    assert error["exit_status"] == 1
    assert "1 of 5 images failed" in error["message"]
    assert "images: " not in done.stderr
    assert "cut.png: DamagedImage" in done.stderr
    assert "\x1b" not in done.stderr


def test_a_second_run_reports_what_is_up_to_date(run: Run, pictures: Path) -> None:
    run(UPSCALE, "--src", pictures)
    received = events(run(UPSCALE, "--src", pictures, "--json").stdout)
    assert [image["status"] for image in named(received, "image")] == ["skipped"] * 4
    assert named(received, "plan")[0]["to_make"] == 0
    assert not named(received, "error")


def test_a_dry_run_as_json_lines(run: Run, pictures: Path) -> None:
    done = run(UPSCALE, "--src", pictures, "--scale", "2x3", "--dry-run", "--json")
    received = events(done.stdout)
    assert named(received, "plan")[0]["dry_run"] is True
    sizes = {image["source"]: image["size_out"] for image in named(received, "image")}
    assert sizes["cat.png"] == [80, 156]
    assert len(sizes) == 4
    (estimate,) = named(received, "estimate")
    assert (estimate["images"], estimate["failures"]) == (4, [])
    (summary,) = named(received, "summary")
    assert (summary["report"], summary["page"]) == (None, None)
    assert summary["megapixels_per_second"] == 0
    assert not done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--src", "{src}/missing"],
        ["--src", "{src}", "--scale", "17"],
        ["--src", "{src}", "--formt", "png"],
    ],
)
def test_a_command_that_cannot_start_says_so_on_both(
    run: Run, pictures: Path, arguments: list[str]
) -> None:
    done = run(UPSCALE, *[word.format(src=pictures) for word in arguments], "--json")
    assert done.returncode == 2
    (error,) = events(done.stdout)
    assert error["exit_status"] == 2
    assert f"error: {error['message']}\n" in done.stderr


def test_a_reader_that_goes_away_stops_no_image(pictures: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, UPSCALE, "--src", str(pictures), "--json", "--no-track"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    process.stdout.close()
    _, received = process.communicate(timeout=120)
    assert (process.returncode, received) == (0, "")
    assert len(list(Path(f"{pictures}-upscaled").rglob("*.*[gpf]"))) >= 4


def test_an_interrupted_run_says_so(pictures: Path) -> None:
    for number in range(200):
        (pictures / f"{number}.png").write_bytes((pictures / "cat.png").read_bytes())
    process = subprocess.Popen(
        [sys.executable, UPSCALE, "--src", str(pictures), "--scale", "8", "--json", "--no-track"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout
    first = [process.stdout.readline(), process.stdout.readline()]  # the plan, and an image
    process.send_signal(signal.SIGINT)
    # Not `communicate`: it would lose the lines that `readline` has buffered.
    rest = process.stdout.read()
    process.stdout.close()
    assert process.wait(timeout=120) == 130
    received = events("".join(first) + rest)
    assert received[-1] == {
        "event": "error",
        "message": "interrupted by SIGINT",
        "exit_status": 130,
    }
    assert len(named(received, "image")) == 204
    (summary,) = named(received, "summary")
    assert summary["not_attempted"] == summary["counts"]["failed"] > 0
    page = Path(summary["page"]).read_text()
    assert f"Ended early: {summary['counts']['written']} of 204 images written" in page
    assert "The run was interrupted." in page


def test_quiet_says_nothing_but_what_went_wrong(run: Run, pictures: Path) -> None:
    done = run(UPSCALE, "--src", pictures, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (pictures / "cut.png").write_bytes((pictures / "cat.png").read_bytes()[:-40])
    done = run(UPSCALE, "--src", pictures, "--quiet")
    assert done.returncode == 1
    assert not done.stdout
    cut, failed = done.stderr.splitlines()
    assert cut.startswith("cut.png: DamagedImage: ")
    assert failed.startswith("error: 1 of 5 images failed; report: ")
