"""`python flows/upscale.py`, run as a user runs it: words, exit codes, signals.

What a command line says is the same in this process, which saves the start of another.
"""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from flows import export, history, train, upscale
from flows.command_pages import PAGES
from flows.upscale import app
from tests.support.paths import ROOT
from tests.support.run_here import run_here
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
        (
            ["--src", "{src}", "--source-quality", "75%"],
            "--source-quality: quality '75%': expected auto, clean, or a JPEG quality from 1 to",
        ),
        (["--src", "{src}", "--formt", "png"], "--formt"),
        (["--src", "{src}", "--zzzz"], "Unknown option: --zzzz. --help lists the options."),
        (["{src}", "out", "stray"], "unexpected 'stray'; for several images, give their folder"),
        (["--src", "{src}", "out"], "if 'out' is the destination, type --dst out"),
        (["{src}", "--src", "{src}"], "if it is the source, leave out --src"),
        (["a", "b", "s3://ann:hunter2@bucket"], "unexpected 's3://bucket'"),
        (["-src", "{src}"], "Unknown option: -src. Did you mean --src?"),
        (["--sclae", "2", "{src}"], "Unknown option: --sclae. Did you mean --scale?"),
        (["--scale", "2"], "no source: expected SRC or --src, a folder, bucket"),
        (["--include", "*.png", "{src}"], "take every word up to the next option"),
        (["--src", "{src}", "--include"], "--include"),
        (["--src", "{src}", "--report", "{src}"], "is a folder; expected a file"),
        (["--src", "{src}", "--dst", "{src}/cat.png"], "is a file: give --dst a folder"),
        (["--src", "{src}", "--convention", "rgb-unit"], "card states the convention"),
        (["--src", "{src}", "--enlarge-first"], "leave --enlarge-first out"),
        ([], "no source: expected SRC or --src"),
        (["--src", "{src}/missing"], "missing: no such folder"),
        (["{src}/cats/eye.jpeg"], "no such file; did you mean {src}/cats/eye.jpg?"),
        (["{src}/cats/eye.jpg", "big.jpg"], "expected a folder as the destination"),
        (["{src}/cats/eye.jpg", "{src}/cats"], "is the source: give another --dst"),
        (["README.md"], "README.md is a text file; expected a folder, or an image (.png .jpg"),
        (["{src}/cat"], "cat: no such folder; did you mean {src}/cats?"),
        (["{src}", "--scale", "200%"], "; did you mean 2?"),
        (["s3:/bucket/in"], "s3:/bucket/in: did you mean s3://bucket/in?"),
        (["{src}", "--dst", "https:/host/out"], "out: did you mean https://host/out?"),
        (["{src}", "--model", "{src}"], "is a folder; expected an ONNX file; it has none"),
        (["--src", "{src}", "--model", "{src}/none.onnx"], "none.onnx: no such file"),
        (["--src", "{src}", "--model", "{src}/cat.png"], "cat.png: not an ONNX file"),
        (["--src", "{src}", "--scales", "{src}/none.csv"], "none.csv: no such file"),
        (["--src", "s3://b/in?versionId=1"], "in?versionId=1: versions are not chosen: leave out"),
        (["{src}", "--dst", "s3://b/out?versionId=1"], "out?versionId=1: versions are not chosen"),
        (["{src}", "--scales", "s3://b/a.csv?versionId=1"], "versions are not chosen: leave out"),
        (["--src", "{src}", "--scales", "{src}"], "{src} is a folder; expected a file"),
        (["{src}", "--known-failures", "{src}"], "{src} is a folder; expected a file"),
        (["--src", "{src}", "--provider", "openvino"], "install onnxruntime-openvino"),
        (["--src", "{src}", "--precision", "fast"], "Unknown option: --precision. --help"),
        (["--src", "{src}", "--dst", "{src}"], "give another --dst"),
        (["--src", "nonsense://a/b"], "nonsense://a/b: unknown scheme nonsense://: expected a"),
        (["--src", "https://ann:hunter2@host/a"], "--src: the https:// URL contains credentials"),
    ],
)
def test_a_command_that_cannot_start_gives_two_and_a_sentence(
    pictures: Path, arguments: list[str], words: str
) -> None:
    done = run_here(app, *[word.format(src=pictures) for word in arguments])
    assert done.returncode == 2, done.stderr
    assert words.format(src=pictures) in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr
    assert not Path(f"{pictures}-upscaled").exists()


def test_the_process_exits_with_the_status(run: Run, pictures: Path) -> None:
    done = run(UPSCALE, "--src", pictures, "--scale", "17")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: --scale: scale '17': expected a factor from 1 to 16")


def test_a_setting_out_of_bounds_gives_two(pictures: Path) -> None:
    done = run_here(app, "--src", pictures, SRCNN_TILE_PX="7")
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


def test_no_track_keeps_off_a_configured_server(pictures: Path) -> None:
    nobody = "http://127.0.0.1:9/api"
    done = run_here(app, "--src", pictures, "--no-track", api_url=nobody)
    assert done.returncode == 0, done.stderr
    assert "not tracked: --no-track\n" in done.stderr


def test_no_track_is_the_reason_even_if_no_server_is_configured(pictures: Path) -> None:
    done = run_here(app, "--src", pictures, "--no-track")
    assert done.returncode == 0, done.stderr
    assert "not tracked: --no-track\n" in done.stderr


def test_a_folder_that_cannot_be_written_gives_two(pictures: Path) -> None:
    done = run_here(app, "--src", pictures, "--dst", "/proc/none")
    assert done.returncode == 2
    assert "/proc/none" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_dry_run_lists_every_image(pictures: Path) -> None:
    done = run_here(app, "--src", pictures, "--scale", "2x3", "--dry-run", "--list")
    assert done.returncode == 0
    assert "cat.png: would write cat.png, 52x40 -> 156x80 px" in done.stderr
    assert "4 images: 4 would be written" in done.stderr
    assert not Path(f"{pictures}-upscaled").exists()


def test_an_empty_folder_is_a_warning(tmp_path: Path) -> None:
    done = run_here(app, "--src", tmp_path)
    assert done.returncode == 0
    assert f"no images in {tmp_path}" in done.stderr


@pytest.mark.parametrize("arguments", [["{src}", "{dst}"], ["{src}", "--dst", "{dst}"]])
def test_source_and_destination_without_their_names(
    pictures: Path, tmp_path: Path, arguments: list[str]
) -> None:
    dst = tmp_path / "elsewhere"
    done = run_here(app, *[word.format(src=pictures, dst=dst) for word in arguments], "--no-track")
    assert done.returncode == 0, done.stderr
    assert f"images: {dst}\n" in done.stderr
    assert (dst / "cat.png").exists()


def test_a_single_image(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pictures)
    (pictures / "scales.csv").write_text("path,scale\ngrey.tiff,9\n")
    for count in ("1 written", "0 written"):
        done = run_here(app, "cat.png", "--format", "jpeg")
        assert done.returncode == 0, done.stderr
        assert f"1 image: {count}" in done.stderr
        assert "\nimages: cat.png-upscaled\n" in done.stderr
        assert "warning" not in done.stderr.lower()
    assert cv2.imread("cat.png-upscaled/cat.jpg").shape == (80, 104, 3)
    (report, _) = sorted(Path("cat.png-upscaled/.srcnn/runs").glob("*.json"))
    content = json.loads(report.read_text())
    assert content["run"]["src"] == "cat.png"
    assert [image["source"] for image in content["images"]] == ["cat.png"]
    whole = run_here(app, ".", "--dst", "elsewhere")
    assert "4 images: 4 written" in whole.stderr


@pytest.mark.parametrize("command", [upscale, train])
def test_a_command_without_arguments_shows_how_to_use_it(command: ModuleType) -> None:
    done = run_here(command.app)
    assert (done.returncode, done.stdout) == (2, "")
    program = f"python flows/{command.__name__.rpartition('.')[2]}.py"
    assert f"\nUsage: {program} SRC " in done.stderr
    assert done.stderr.count(f"\n  {program} photos") == 2
    assert done.stderr.endswith(f"\nAll options: {program} --help\n")


@pytest.mark.parametrize("command", [upscale, export, train])
def test_every_script_knows_its_version(command: ModuleType) -> None:
    done = run_here(command.app, "--version")
    assert (done.returncode, done.stdout) == (0, version("srcnn-batch") + "\n")


def test_an_argument_of_an_export_is_refused() -> None:
    done = run_here(export.app, "models")
    assert done.returncode == 2
    assert "unexpected 'models'. Usage: python flows/export.py [OPTIONS]" in done.stderr


@pytest.mark.parametrize("command", [upscale, export, train])
def test_help_fits_a_terminal_under_headings(
    command: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = run_here(command.app, "--help")
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 80
    headings = re.findall(r"^(\w[\w ]+)$", done.stdout, re.MULTILINE)
    assert headings[0] == "What and where"
    assert headings[-2:] == ["Prefect", "Help"]
    assert "[default: None]" not in done.stdout
    assert "\nExamples:\n  # " in done.stdout


@pytest.mark.parametrize("name", PAGES)
def test_examples_can_be_read(name: str) -> None:
    modules = {"upscale": upscale, "export": export, "train": train, "history": history}
    for arguments in PAGES[name].examples:
        modules[name].app.parse_args(arguments, exit_on_error=False, print_error=False)


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
