"""`python flows/upscale.py`, run as a user runs it: words, exit codes, signals."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.paths import ROOT
from tests.support.run_python import Run

UPSCALE = "flows/upscale.py"


def test_a_folder_by_hand(run: Run, pictures: Path) -> None:
    done = run(UPSCALE, "--src", pictures, "--scale", "1.5")
    assert done.returncode == 0, done.stderr
    assert "not tracked: no Prefect API is configured" in done.stderr
    assert re.search(r"4 images: 4 written \(\d\.\d Mpx\), 0 skipped, 0 failed", done.stderr)
    assert f"images: {pictures}-upscaled" in done.stderr
    assert not done.stdout


def test_broken_images_give_one_and_their_reasons(run: Run, pictures: Path) -> None:
    (pictures / "cut.png").write_bytes((pictures / "cat.png").read_bytes()[:-40])
    done = run(UPSCALE, "--src", pictures)
    assert done.returncode == 1
    assert "cut.png: DamagedImage: the file is truncated" in done.stderr
    assert "error: 1 of 5 images failed; report: " in done.stderr
    assert "Traceback" not in done.stderr
    report = Path(done.stderr.split("images failed; report: ")[1].strip())
    assert json.loads(report.read_text())["counts"]["written"] == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--src", "{src}", "--scale", "17"],
            "--scale: scale '17': expected a factor from 1 to 16",
        ),
        (["--src", "{src}", "--scale", "big"], "--scale"),
        (["--src", "{src}", "--quality", "0"], "--quality: Input should be greater than or equal"),
        (["--src", "{src}", "--formt", "png"], "--formt"),
        (["--src", "{src}", "stray"], "stray"),
        (["--src", "{src}", "--include"], "--include"),
        (["--src", "{src}", "--report", "{src}"], "is a folder; expected a file"),
        (["--src", "{src}", "--dst", "{src}/cat.png"], "is a file: give --dst a folder"),
        (["--src", "{src}", "--convention", "rgb-unit"], "card states the convention"),
        ([], "--src"),
        (["--src", "{src}/missing"], "missing: no such folder"),
        (["--src", "{src}", "--model", "{src}/none.onnx"], "none.onnx: no such file"),
        (["--src", "{src}", "--model", "{src}/cat.png"], "cat.png: ONNX Runtime cannot load"),
        (["--src", "{src}", "--scales", "{src}/none.csv"], "none.csv: no such file"),
        (["--src", "{src}", "--provider", "openvino"], "install onnxruntime-openvino"),
        (
            ["--src", "{src}", "--precision", "fast", "--provider", "openvino"],
            "leave out --provider openvino",
        ),
        (["--src", "{src}", "--dst", "{src}"], "give another --dst"),
        (["--src", "nonsense://a/b"], "nonsense"),
        (["--src", "https://ann:hunter2@host/a"], "--src: the https:// URL contains credentials"),
    ],
)
def test_a_command_that_cannot_start_gives_two_and_a_sentence(
    run: Run, pictures: Path, arguments: list[str], words: str
) -> None:
    done = run(UPSCALE, *[word.format(src=pictures) for word in arguments])
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr
    assert not Path(f"{pictures}-upscaled").exists()


def test_a_setting_out_of_bounds_gives_two(run: Run, pictures: Path) -> None:
    done = run(UPSCALE, "--src", pictures, SRCNN_TILE_PX="7")
    assert done.returncode == 2
    assert "SRCNN_TILE_PX" in done.stderr


def test_an_unreachable_server_gives_two(run: Run, pictures: Path) -> None:
    done = run(
        UPSCALE,
        "--src",
        pictures,
        PREFECT_API_URL="http://127.0.0.1:9/api",
        PREFECT_CLIENT_MAX_RETRIES="0",
    )
    assert done.returncode == 2
    assert "check PREFECT_API_URL, or run with --no-track" in done.stderr


def test_no_track_keeps_off_a_configured_server(run: Run, pictures: Path) -> None:
    done = run(UPSCALE, "--src", pictures, "--no-track", PREFECT_API_URL="http://127.0.0.1:9/api")
    assert done.returncode == 0, done.stderr
    assert "not tracked: --no-track\n" in done.stderr


def test_no_track_is_the_reason_even_if_no_server_is_configured(run: Run, pictures: Path) -> None:
    done = run(UPSCALE, "--src", pictures, "--no-track")
    assert done.returncode == 0, done.stderr
    assert "not tracked: --no-track\n" in done.stderr


def test_a_folder_that_cannot_be_written_gives_two(run: Run, pictures: Path) -> None:
    done = run(UPSCALE, "--src", pictures, "--dst", "/proc/none")
    assert done.returncode == 2
    assert "/proc/none" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_dry_run_lists_every_image(run: Run, pictures: Path) -> None:
    done = run(UPSCALE, "--src", pictures, "--scale", "2x3", "--dry-run")
    assert done.returncode == 0
    assert "cat.png: would write cat.png, 52x40 -> 156x80 px" in done.stderr
    assert "4 images: 4 would be written" in done.stderr
    assert not Path(f"{pictures}-upscaled").exists()


def test_an_empty_folder_is_a_warning(run: Run, tmp_path: Path) -> None:
    done = run(UPSCALE, "--src", tmp_path)
    assert done.returncode == 0
    assert f"no images in {tmp_path}" in done.stderr


def test_help_names_every_option_with_a_line(run: Run) -> None:
    from flows.options.upscale import UpscaleOptions  # noqa: PLC0415

    done = run(UPSCALE, "--help", COLUMNS="200")
    assert done.returncode == 0
    for name, field in UpscaleOptions.model_fields.items():
        assert f"--{name.replace('_', '-')}" in done.stdout
        assert field.description
        assert field.description[:40] in done.stdout


def many(folder: Path, count: int) -> Path:
    folder.mkdir()
    picture = np.random.default_rng(0).integers(0, 255, (96, 96, 3), dtype=np.uint8)
    for number in range(count):
        cv2.imwrite(str(folder / f"{number:03}.png"), picture)
    return folder


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_finishes_the_images_in_progress(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    source = many(tmp_path / "many", 300)
    process = subprocess.Popen(
        [sys.executable, UPSCALE, "--src", str(source), "--scale", "6", "--no-track"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    output = Path(f"{source}-upscaled")
    while process.poll() is None and len(list(output.glob("*.png"))) < 3:
        time.sleep(0.05)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == status, stderr
    assert "interrupted: finishing the images in progress" in stderr
    (report,) = (output / ".srcnn" / "runs").glob("*.json")
    content = json.loads(report.read_text())
    written = [image for image in content["images"] if image["status"] == "written"]
    rest = [image for image in content["images"] if image["status"] == "failed"]
    assert {image["error"]["type"] for image in rest} == {"NotAttempted"}
    assert len(written) + len(rest) == 300
    assert len(written) == len(list(output.glob("*.png")))
    for image in written:
        assert cv2.imread(str(output / image["output"])).shape == (576, 576, 3)
    assert not list(output.rglob("*.part"))


def test_a_second_signal_drops_the_images_in_progress(tmp_path: Path) -> None:
    source = tmp_path / "large"
    source.mkdir()
    cv2.imwrite(str(source / "one.png"), np.zeros((1500, 1500, 3), np.uint8))
    process = subprocess.Popen(
        [sys.executable, UPSCALE, "--src", str(source), "--scale", "6", "--no-track"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    state = Path(f"{source}-upscaled") / ".srcnn"
    while process.poll() is None and not (state / "README.txt").exists():
        time.sleep(0.02)
    time.sleep(0.5)  # it decodes, or computes
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    assert "dropping the images in progress" in stderr
    (report,) = (state / "runs").glob("*.json")
    (image,) = json.loads(report.read_text())["images"]
    assert image["error"]["type"] == "NotAttempted"
    assert not (Path(f"{source}-upscaled") / "one.png").exists()


def test_a_bar_at_a_terminal_and_lines_elsewhere(run: Run, pictures: Path) -> None:
    plain = run(UPSCALE, "--src", pictures, "--no-track")
    assert "\x1b" not in plain.stderr
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        words = [sys.executable, UPSCALE, "--src", str(pictures), "--scale", "3", "--no-track"]
        os.execve(sys.executable, words, os.environ | {"TERM": "xterm-256color"})  # noqa: S606
    shown = b""
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # the terminal is closed when its last process ends
            break
        if not chunk:
            break
        shown += chunk
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert b"4/4 images" in shown
    assert "━".encode() in shown
