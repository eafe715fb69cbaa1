"""The README and the pages it leads to: commands run, tables are current, links exist."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from flows.upscale import app
from tests.support.paths import ROOT
from tests.support.run_here import run_here
from tests.support.servers.seaweedfs import S3Server
from tests.support.tracked_files import list_tracked_files

README = (ROOT / "README.md").read_text()
# In reading order: later commands use what earlier ones wrote.
PAGES = (
    "README.md",
    "docs/reference/upscale.md",
    "docs/reference/output.md",
    "docs/models.md",
    "docs/training.md",
)
TEXT = "\n".join((ROOT / name).read_text() for name in PAGES)
LINKED = [ROOT / "README.md", ROOT / "deploy" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# The test trains for seconds instead, and leaves out the many conditions with loss.
HOURS, SECONDS = "--hours 4", "--hours 0.001 --qualities clean"
EXPECTED_STATUS = {"--src broken": 1, "--check frozen.onnx": 1}
SCALES = re.search(r"```text\n(path,scale\n.*?)```", README, re.DOTALL)

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Shell = Callable[..., "subprocess.CompletedProcess[str]"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, photograph: npt.NDArray[np.uint8]) -> Path:
    """A folder laid out as the README assumes, with the project's flows in it."""
    root = tmp_path_factory.mktemp("readme")
    (root / "flows").symlink_to(ROOT / "flows")
    for name in (
        "cat.png",
        "bird.jpg",
        "people/astronaut.png",
        "animals/nose.webp",
        "animals/a/ear.png",
        "x.tif",
    ):
        path = root / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), photograph[:40, :50])
    assert SCALES
    (root / "photos" / "scales.csv").write_text(SCALES[1])
    broken = root / "broken"
    broken.mkdir()
    shutil.copy(root / "photos" / "cat.png", broken / "whole.png")
    shutil.copy(root / "photos" / "bird.jpg", broken / "bird.jpg")
    (broken / "cut.jpg").write_bytes((root / "photos" / "bird.jpg").read_bytes()[:-9])
    (broken / "letter.png").write_text("Dear Sir or Madam")
    (root / "own-photos").mkdir()
    large = cv2.resize(photograph, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    for number in range(13):
        crop = large[8 * number : 8 * number + 192, 16 * number : 16 * number + 200]
        cv2.imwrite(str(root / "own-photos" / f"{number}.png"), crop)
    return root


@pytest.fixture
def shell(clean_environment: dict[str, str]) -> Shell:
    """Run a line in a folder, as a user does with the environment active."""
    path = f"{Path(sys.executable).parent}:{clean_environment['PATH']}"

    def call(folder: Path, line: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/bash", "-ec", line],
            cwd=folder,
            env=clean_environment | {"PATH": path} | settings,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    return call


@pytest.fixture
def photos(s3_server: S3Server, folder: Path) -> dict[str, str]:
    """The bucket `photos` with the same pictures; the variables that open it."""
    fs = s3_server.filesystem()
    if not fs.exists("photos"):
        fs.mkdir("photos")
    for path in (folder / "photos").rglob("*.*"):
        fs.put_file(str(path), f"photos/originals/{path.relative_to(folder / 'photos')}")
    return s3_server.environment


@pytest.mark.timeout(600)  # it trains twice and exports
def test_every_command_does_as_it_says(
    folder: Path, shell: Shell, photos: dict[str, str], s3_server: S3Server
) -> None:
    for code in blocks("python"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    commands = [line for line in lines if "python flows/" in line]
    assert len(commands) >= 9
    printed: dict[str, list[str]] = {}
    for line in commands:
        if "models/x4" in line or "openmmlab" in line:
            continue  # needs the checkpoint: below
        done = shell(
            folder,
            line.replace(HOURS, SECONDS),
            SRCNN_CACHE_DIR=str(folder / "cache"),
            **photos,
        )
        expected = next((status for part, status in EXPECTED_STATUS.items() if part in line), 0)
        assert done.returncode == expected, f"{line}\n{done.stderr}"
        printed.setdefault(line, []).append(done.stderr)
    first, second = printed["python flows/upscale.py photos --scale 2"]
    assert "6 images: 6 written" in first
    assert "6 images: 0 written (0.0 Mpx), 6 skipped, 0 failed" in second
    assert s3_server.filesystem().exists("photos/upscaled/animals/a/ear.png")
    (broken,) = printed["python flows/upscale.py --src broken"]
    assert "4 images: 2 written" in broken
    for words in re.findall(r"^(cut\.jpg|letter\.png): (\w+: [^:]+)", TEXT, re.MULTILINE):
        assert ": ".join(words) in broken
    trainings = [text for line, text in printed.items() if "flows/train.py" in line]
    assert len(trainings) == 2  # for hours, and for six steps
    for (training,) in trainings:
        assert "10 pictures to train on, 3 held out, 0 left out" in training
        assert training.splitlines()[-1].startswith(("kept the current model: ", "promoted: "))
    assert "step 6 of 6" in trainings[1][0]
    (frozen,) = printed["python flows/export.py --check frozen.onnx"]
    assert "frozen" in frozen
    assert "[1.0, 1.0, 3.0, 3.0]" in frozen or "[1, 1, 3, 3]" in frozen
    graph = onnxruntime.InferenceSession(folder / "models" / "srcnn.onnx")
    assert [value.name for value in graph.get_inputs()] == ["input", "factor"]
    assert (folder / "models" / "srcnn.json").exists()


def test_the_scales_of_the_readme_do_as_it_says(folder: Path, shell: Shell) -> None:
    done = shell(folder, "python flows/upscale.py --src photos --scale 2 --dst scaled")
    assert done.returncode == 0, done.stderr
    sizes = {
        path.name: cv2.imread(str(path)).shape[:2]
        for path in (folder / "scaled").rglob("*")
        if path.suffix in (".png", ".jpg", ".webp", ".tif") and ".srcnn" not in path.parts
    }
    assert sizes == {
        "cat.png": (60, 75),
        "x.tif": (80, 100),
        "bird.jpg": (80, 100),
        "nose.webp": (80, 150),
        "ear.png": (80, 150),
        "astronaut.png": (512, 640),
    }


def test_every_row_of_those_scales_matches_a_photograph(run: Run, tmp_path: Path) -> None:
    assert run("scripts/demo.py", tmp_path / "photos").returncode == 0
    assert SCALES
    (tmp_path / "photos" / "scales.csv").write_text(SCALES[1])
    done = run_here(app, tmp_path / "photos", "--dry-run")
    assert "6 images: 6 would be written" in done.stderr
    assert "matches no image" not in done.stderr


def test_the_official_checkpoint_from_a_mirror(folder: Path, reference: Path, shell: Shell) -> None:
    shutil.copytree(reference / "checkpoints", folder / "checkpoints", dirs_exist_ok=True)
    (block,) = [block for block in blocks("sh") if "openmmlab-x4" in block]
    done = shell(folder, block, SRCNN_CACHE_DIR=str(folder / "cache"))
    assert done.returncode == 0, done.stderr
    assert (folder / "models" / "x4" / "srcnn.json").exists()
    assert cv2.imread(str(folder / "photos-x4" / "bird.jpg")).shape == (160, 200, 3)


def test_the_tables_are_current(run: Run) -> None:
    done = run("scripts/reference_pages.py", "--check")
    assert done.returncode == 0, f"run scripts/reference_pages.py; outdated:\n{done.stdout}"


@pytest.mark.parametrize(
    "page", [*LINKED, ROOT / "CONTRIBUTING.md"], ids=lambda page: str(page.relative_to(ROOT))
)
def test_relative_links_and_images_exist(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    targets = re.findall(r"\]\(([^)\s]+)\)", prose)
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        path, _, section = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        assert not section or section in anchors(linked), target


@pytest.mark.parametrize("page", [*LINKED, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_files_that_pages_name_exist(page: Path) -> None:
    folders = "benchmarks|deploy|docs|flows|scripts|srcnn|tests"
    named = re.findall(rf"`((?:{folders})/[\w/.-]+\.\w+)`", page.read_text())
    assert not [name for name in named if not (ROOT / name).exists()]


def anchors(page: Path) -> set[str]:
    """The names by which a page's headings are linked to, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_listed_in_the_readme() -> None:
    listed = {(ROOT / path).resolve() for path in re.findall(r"\]\(([^)#\s]+)\)", README)}
    part = ROOT / "docs" / "performance_notes.md"  # of performance.md
    assert set(LINKED) - {part, ROOT / "README.md"} <= listed


def test_its_prefect_commands_are_those_of_the_deployment() -> None:
    """That page's commands are run by tests/end_to_end/test_from_cold.py and test_deployment.py."""
    deployment = (ROOT / "deploy" / "README.md").read_text().splitlines()
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    named = [line for line in commands if line.startswith("prefect ")]
    assert named
    assert set(named) <= set(deployment)


def test_the_extras_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for page in (*LINKED, ROOT / "CONTRIBUTING.md"):
        named = set(re.findall(r"pip install -e '\.\[(\w+)\]'", page.read_text()))
        assert named <= set(project["optional-dependencies"]), page.name


def test_the_readme_is_short() -> None:
    lines = README.splitlines()
    assert len(lines) <= 165
    assert any(line.startswith("![") for line in lines[:10])  # the picture is seen first


def test_the_picture_is_that_of_the_bundled_model(run: Run, tmp_path: Path) -> None:
    done = run("scripts/before_after.py", tmp_path / "drawn.jpg")
    assert done.returncode == 0, done.stderr
    committed = ROOT / "docs" / "images" / "before-after.jpg"
    assert committed.stat().st_size < 150_000
    drawn, shown = (cv2.imread(str(path)) for path in (tmp_path / "drawn.jpg", committed))
    assert drawn.shape == shown.shape
    difference = np.abs(drawn.astype(int) - shown)
    assert difference.mean() < 1, "run scripts/before_after.py"


def test_the_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name in (*PAGES, "CONTRIBUTING.md"):
        named = set(re.findall(r"(?:`|^)make ([a-z]+)\b", (ROOT / name).read_text(), re.MULTILINE))
        assert named <= targets, name
    assert {"demo", "test", "help"} <= targets


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split())
    listed = set(re.findall(r"^([a-z-]+):.*## \w", makefile, re.MULTILINE))
    assert targets == listed


def test_ci_runs_the_readmes_test_command() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    assert "```sh\nmake test\n```" in README


def test_nothing_names_this_machine_or_a_registry() -> None:
    forbidden = re.compile(
        r"/(?:work|root|farm)/|pypi\.|files\.pythonhosted|(?:index|extra-index)-url"
    )
    for name in list_tracked_files():
        path = ROOT / name
        if path == Path(__file__) or path.suffix in (".onnx", ".pth", ".png", ".jpg"):
            continue
        found = forbidden.search(path.read_text(errors="replace"))
        assert found is None, f"{name}: {found}"
