"""The installed command `srcnn`, run from a folder that is not the checkout."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from flows import export, history, train, upscale
from flows.command_pages import PAGES

COMMAND = Path(sys.executable).parent / "srcnn"
Srcnn = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def srcnn(clean_environment: dict[str, str], tmp_path: Path) -> Srcnn:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *map(str, arguments)],
            cwd=elsewhere,
            env=clean_environment | {"COLUMNS": "120"},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    return call


def test_it_upscales_a_folder(srcnn: Srcnn, pictures: Path) -> None:
    done = srcnn("upscale", pictures, "--scale", "1.5")
    assert done.returncode == 0, done.stderr
    assert "4 images: 4 written" in done.stderr
    assert len(list(Path(f"{pictures}-upscaled").rglob("*.png"))) == 1


def test_a_failed_image_gives_one_also_as_json(srcnn: Srcnn, pictures: Path) -> None:
    (pictures / "cut.png").write_bytes((pictures / "cat.png").read_bytes()[:-40])
    done = srcnn("upscale", "--src", pictures, "--json")
    assert done.returncode == 1
    events = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert events[0] == "plan"
    assert events[-1] == "error"


def test_it_checks_a_graph(srcnn: Srcnn, tmp_path: Path) -> None:
    (tmp_path / "no.onnx").write_bytes(b"no graph")
    done = srcnn("export", "--check", tmp_path / "no.onnx")
    assert done.returncode == 1
    assert "no.onnx failed its check" in done.stderr


def test_its_version_is_that_of_the_distribution(srcnn: Srcnn) -> None:
    done = srcnn("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, version("srcnn-batch") + "\n", "")


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_help_lists_the_commands_in_their_own_words(srcnn: Srcnn, arguments: list[str]) -> None:
    done = srcnn(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: srcnn COMMAND" in done.stdout
    modules = {"upscale": upscale, "export": export, "train": train, "history": history}
    for name, module in modules.items():
        summary = str(module.main.__doc__)
        assert PAGES[name].summary == summary
        assert re.search(rf"^ {name} +{re.escape(summary)}", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("name", PAGES)
def test_the_help_of_a_command_names_it(srcnn: Srcnn, name: str) -> None:
    done = srcnn(name, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Usage: srcnn {name} ")
    assert PAGES[name].summary in done.stdout
    assert ("--track" in done.stdout) == (name != "history")
    for arguments in PAGES[name].examples:
        assert f"\n  srcnn {name} {arguments}\n" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["upscal"], "upscal"),
        (["--bad"], "--bad"),
        (["upscale", "--src", "x", "--bad"], "--bad"),
        (["upscale", "--src", "x", "--scale", "17"], "--scale: scale '17': expected a factor"),
        (["upscale", "--src", "missing"], "missing: no such folder"),
        (["train", "--src", "x"], "--hours"),
    ],
)
def test_a_command_that_cannot_start_gives_two(
    srcnn: Srcnn, arguments: list[str], words: str
) -> None:
    done = srcnn(*arguments)
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_option_that_cannot_be_read_is_an_error_in_json_too(srcnn: Srcnn) -> None:
    done = srcnn("upscale", "--json", "--bad")
    assert done.returncode == 2
    (event,) = map(json.loads, done.stdout.splitlines())
    assert (event["event"], event["exit_status"]) == ("error", 2)


@pytest.mark.parametrize("arguments", ["", "--help", "--version"])
def test_help_and_version_import_neither_prefect_nor_torch(arguments: str) -> None:
    loaded = loaded_by(arguments)
    assert "cyclopts" in loaded
    assert not loaded & {"prefect", "torch", "onnxscript"}


def test_upscaling_imports_no_torch(pictures: Path) -> None:
    loaded = loaded_by(f"upscale --quiet --src {pictures}")
    assert {"prefect", "cv2"} <= loaded
    assert not loaded & {"torch", "onnxscript"}


def loaded_by(arguments: str) -> set[str]:
    """Top-level modules after a command has ended."""
    script = (
        "import sys\n"
        "from flows.main import main\n"
        f"sys.argv[1:] = {arguments.split()!r}\n"
        "assert main() == 0\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())
