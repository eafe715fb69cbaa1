"""Files that are not plain: in a source, as an input, and where files are written."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flows import export, train, upscale
from tests.support.paths import ROOT
from tests.support.run_here import run_here
from tests.support.run_python import Run

UPSCALE = "flows/upscale.py"


def test_a_source_with_special_files_loses_only_them(run: Run, pictures: Path) -> None:
    os.mkfifo(pictures / "pipe.png")
    (pictures / "zero.jpg").symlink_to("/dev/zero")
    (pictures / "kernel.png").symlink_to("/proc/self/environ")
    os.mkfifo(pictures / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(pictures / "s.png"))
    done = run(UPSCALE, "--src", pictures)
    assert done.returncode == 1
    assert f"pipe.png: UnusableFile: {pictures}/pipe.png: expected a plain file, got a FIFO" in (
        done.stderr
    )
    assert "zero.jpg: UnusableFile: " in done.stderr
    assert "s.png: UnusableFile: " in done.stderr
    assert "1 file of another kind is not upscaled: ignored 1 no extension" in done.stderr
    assert "8 images: 4 written" in done.stderr


@pytest.mark.parametrize("option", ["--quiet", "--json"])
def test_every_line_on_damaged_files_names_one(run: Run, pictures: Path, option: str) -> None:
    """Libraries write to standard error too, and do not know a file's name."""
    pixels = np.random.default_rng(5).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    for name, form, options in (
        ("lzw.tif", "TIFF", {"compression": "tiff_lzw"}),
        ("fax.tif", "TIFF", {"compression": "group4"}),
        ("cut.jpg", "JPEG", {}),
        ("cut.webp", "WEBP", {"lossless": True}),
    ):
        file = io.BytesIO()
        Image.fromarray(pixels).convert("1" if name == "fax.tif" else "RGB").save(
            file, form, **options
        )
        content = file.getvalue()
        half = len(content) // 2
        (pictures / name).write_bytes(content[:half] + bytes(200) + content[half + 200 :])
    whole = Image.fromarray(pixels)
    whole.save(
        pictures / "exif.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\x02\0\x0f\1\2\0\xff\0\0\0\xff\0\0\0"
    )
    (pictures / "design.psd").write_bytes(b"8BPS")
    (pictures / "named.jpg").write_bytes(b"8BPS\0\1")
    done = run(UPSCALE, "--src", pictures, option)
    assert done.returncode == 1
    *lines, last = done.stderr.splitlines()
    names = ["cut.jpg", "cut.webp", "fax.tif", "lzw.tif", "named.jpg"]
    assert [line.partition(": ")[0] for line in lines] == names
    assert "named.jpg: UnsupportedImage: it is a Photoshop document" in done.stderr
    assert last.startswith("error: 5 of ")
    (report,) = (pictures.parent / f"{pictures.name}-upscaled/.srcnn/runs").glob("*.json")
    assert json.loads(report.read_text())["summary"]["ignored"] == {".psd": 1}
    if option == "--json":
        assert json.loads(done.stdout.splitlines()[0])["ignored"] == {".psd": 1}


@pytest.mark.parametrize("option", ["--scales", "--model"])
def test_an_input_that_is_a_fifo_is_refused(pictures: Path, tmp_path: Path, option: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = run_here(upscale.app, "--src", pictures, option, tmp_path / "pipe")
    assert done.returncode == 2
    assert done.stderr.endswith(f"error: {tmp_path}/pipe: expected a plain file, got a FIFO\n")


def test_an_output_that_is_a_fifo_stays(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    os.mkfifo(tmp_path / "out" / "cat.png")
    done = run_here(upscale.app, "--src", pictures, "--dst", tmp_path / "out")
    assert done.returncode == 1
    assert "cat.png: UnusableFile: " in done.stderr
    assert (tmp_path / "out" / "cat.png").is_fifo()


def test_a_report_to_standard_output(
    pictures: Path, tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    """Redirected to a file, it follows what is already there."""
    out = tmp_path / "out"
    with out.open("wb") as file:
        file.write(b"# before\n")
        file.flush()
        command = [sys.executable, UPSCALE, "--src", str(pictures), "--report", "/dev/stdout"]
        subprocess.run(command, cwd=ROOT, env=clean_environment, stdout=file, check=True)
        file.write(b"# after\n")
    first, *lines, last = out.read_text().splitlines()
    assert (first, last) == ("# before", "# after")
    assert json.loads("\n".join(lines))["counts"]["written"] == 4


def test_a_report_on_a_device_leaves_the_device(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "null.json").symlink_to("/dev/null")
    done = run_here(upscale.app, "--src", pictures, "--report", tmp_path / "null.json")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "null.json").is_symlink()
    done = run_here(upscale.app, "--src", pictures, "--report", "/dev/full")
    assert done.returncode == 1
    assert "the report could not be written: /dev/full: cannot be written: No space left" in (
        done.stderr
    )
    assert Path("/dev/full").is_char_device()


def test_a_report_that_would_replace_something_is_refused(pictures: Path) -> None:
    for report, why in (
        ("cat.png", "expected a name such as report.json"),
        ("scales.csv", "the run reads this file"),
    ):
        done = run_here(upscale.app, "--src", pictures, "--report", pictures / report)
        assert done.returncode == 2, done.stderr
        assert why in done.stderr.splitlines()[-1]
    assert not list(Path(f"{pictures}-upscaled").rglob("*.png"))


def test_folders_that_are_devices_are_refused(pictures: Path) -> None:
    for options in (
        (upscale.app, "--src", pictures, "--dst", "/dev/null"),
        (upscale.app, "--src", "/dev/null"),
        (export.app, "--dst", "/dev/null"),
        (train.app, "--src", pictures, "--dst", "/dev/null", "--steps", "1"),
    ):
        done = run_here(*options)
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        assert "Errno" not in done.stderr
        assert "/dev/null" in done.stderr.splitlines()[-1]
    assert Path("/dev/null").is_char_device()
