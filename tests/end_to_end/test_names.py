"""Names that one storage has and another cannot hold, or that would drive a terminal."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from srcnn.storage.folder import Folder
from tests.support.run_python import Run
from tests.support.servers.seaweedfs import S3Server

UPSCALE = "flows/upscale.py"
PICTURE = cv2.imencode(".png", np.zeros((4, 6, 3), np.uint8))[1].tobytes()
LONG = f"{'d' * 298}/x.png"  # 304 bytes
DEEP = f"{'w/' * 480}x.png"
HOSTILE = ("a\nb.png", "a\x1b[2J\x07.png", "a\x7f\u202e.png", "a|b`c.png")


def read_report(path: Path) -> dict[str, str]:
    """Return every image's status, or the message of its error."""
    images = json.loads(path.read_text())["images"]
    return {each["source"]: (each["error"] or {}).get("message", each["status"]) for each in images}


def test_keys_that_a_disk_cannot_hold_fail_alone(bucket: str, run: Run, tmp_path: Path) -> None:
    source, report = Folder(f"{bucket}/in"), tmp_path / "report.json"
    for key in ("f.png", "f.png/g.png", LONG, DEEP, "ok.png", *HOSTILE):
        source.write(key, PICTURE)
    out = tmp_path / "out"
    for _ in range(2):  # the second run finds a file or a folder there
        done = run(UPSCALE, "--src", source.url, "--dst", out, "--report", report)
        assert done.returncode == 1, done.stderr
        found = read_report(report)
        failed = {key: text for key, text in found.items() if text not in ("written", "skipped")}
        # Whichever of the two is first.
        assert len(failed.keys() & {"f.png", "f.png/g.png"}) == 1
        assert len(failed) == 2
        assert "too long for this file system, which takes up to 255 bytes" in failed.pop(LONG)
        ((key, text),) = failed.items()
        reason = {"f.png": "got a folder", "f.png/g.png": "a file is in the place of one"}
        assert text.startswith(f"{out}/{key}: ")
        assert reason[key] in text
        assert all(line.isprintable() for line in done.stderr.split("\n"))
        assert "Errno" not in done.stderr


def test_names_that_a_server_cannot_hold_fail_alone(
    bucket: str, run: Run, s3_server: S3Server, tmp_path: Path
) -> None:
    source, report = tmp_path / "in", tmp_path / "report.json"
    too_long = "/".join(["q" * 240] * 5) + ".png"
    for name in ("ok.png", os.fsdecode(b"caf\xe9.png"), too_long, *HOSTILE):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(PICTURE)
    done = run(UPSCALE, "--src", source, "--dst", f"{bucket}/out", "--report", report)
    assert done.returncode == 1, done.stderr
    found = read_report(report)
    assert found.pop("caf\udce9.png").endswith("its name is not UTF-8: rename it")
    assert "rename the file" in found.pop(too_long)
    assert set(found.values()) == {"written"}
    assert s3_server.filesystem().exists(f"{bucket}/out/ok.png")


@pytest.mark.parametrize("mode", [[], ["--dry-run"], ["--quiet"], ["--json"]], ids=str)
def test_no_name_reaches_the_terminal_as_it_is(run: Run, tmp_path: Path, mode: list[str]) -> None:
    source = tmp_path / "in\x1b[2J"
    source.mkdir()
    for name in (*HOSTILE, "caf\udce9.png"):
        (source / name).write_bytes(PICTURE)
        (source / f"broken {name}").write_bytes(PICTURE[:-20])
    (source / "scales.csv").write_text("path,scale\n\x1b[2J\u202e.png,2\n")
    done = run(UPSCALE, "--src", source, "--dst", f"{tmp_path}/out\x1b[2J", "--no-track", *mode)
    assert done.returncode == (0 if mode == ["--dry-run"] else 1)
    for line in (done.stdout + done.stderr).split("\n"):
        assert line.isprintable()
    if mode == ["--json"]:
        events: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
        sources = {event["source"] for event in events if event["event"] == "image"}
        assert sources == {
            f"{start}{n}" for n in (*HOSTILE, "caf\udce9.png") for start in ("", "broken ")
        }
