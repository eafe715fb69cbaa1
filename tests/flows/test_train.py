"""The flow `train-srcnn`: from a folder of pictures to a model in use, or to one that stays."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from pydantic import ValidationError

torch = pytest.importorskip("torch", reason="training needs torch")

from flows.options.json_schemas import FACTORS_PATTERN  # noqa: E402
from flows.options.train import TrainOptions  # noqa: E402
from flows.train import train_srcnn  # noqa: E402
from srcnn.errors import DestinationBusyError, UsageError  # noqa: E402
from srcnn.export.export_graph import make_graph  # noqa: E402
from srcnn.export.export_spec import ExportSpec  # noqa: E402
from srcnn.export.find_checkpoint import Source  # noqa: E402
from srcnn.export.srcnn_network import Srcnn  # noqa: E402
from srcnn.graphs.graph_format import CLEAN  # noqa: E402
from srcnn.inference.upscaler import Upscaler  # noqa: E402
from srcnn.model.card import ModelRecord  # noqa: E402
from srcnn.model.model_file import Model  # noqa: E402
from srcnn.quality.jpeg import compress  # noqa: E402
from srcnn.storage.folder import Folder  # noqa: E402
from srcnn.training.initial_weights import create_identity  # noqa: E402
from srcnn.training.save_checkpoint import to_checkpoint  # noqa: E402
from srcnn.training.training_spec import TrainingSpec  # noqa: E402
from tests.support.paths import ROOT  # noqa: E402
from tests.support.run_python import run_python  # noqa: E402

TRAIN = "flows/train.py"
CLEAN_X2 = TrainingSpec.of(factors=(2.0,), qualities=(CLEAN,), steps=1)
Train = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve crops of a photograph, sharp enough to gain on."""
    from skimage import data  # noqa: PLC0415 - slow to import

    cat = cv2.cvtColor(data.chelsea(), cv2.COLOR_RGB2BGR)
    folder = tmp_path_factory.mktemp("training") / "own"
    (folder / "more").mkdir(parents=True)
    for number in range(12):
        top, left = 30 * (number // 4), 80 * (number % 4)
        crop = cat[top : top + 192, left : left + 200]
        cv2.imwrite(str(folder / ("more" if number % 3 else "") / f"{number:02}.png"), crop)
    return folder


@pytest.fixture(scope="module")
def promoted(own: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a trained model took the place of a bad one."""
    folder = tmp_path_factory.mktemp("promoted")
    put_bad_model(folder / "models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SRCNN_CACHE_DIR", str(folder / "cache"))
        options = {"src": str(own), "dst": str(folder / "models"), "factors": "2", "steps": 20}
        options["qualities"] = "clean"
        result = train_srcnn.fn(
            TrainOptions(**options, start="identity", description="crops of a cat")  # type: ignore[arg-type]
        )
    (folder / "logged.json").write_text(json.dumps(result))
    return folder


@pytest.fixture
def train(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Train:
    """Run the flow, untracked, in folders of the test; short, but for what is asked."""
    monkeypatch.setenv("SRCNN_CACHE_DIR", str(tmp_path / "cache"))

    def call(**options: Any) -> dict[str, Any]:
        given = {"src": str(own), "dst": str(tmp_path / "models"), "factors": "2", "steps": 2}
        given["qualities"] = "clean"
        return train_srcnn.fn(TrainOptions(**{**given, "start": "identity", **options}))

    return call


def put_bad_model(folder: Path) -> bytes:
    """Make a model the current one that adds noise to everything; its graph."""
    torch.manual_seed(5)
    stack = create_identity(2, 0).map(lambda matrix: matrix + 0.03 * torch.randn(matrix.shape))
    return put_model(folder, to_checkpoint(stack, CLEAN_X2, {}))


def put_model(folder: Path, checkpoint: bytes, scale: str | None = None) -> bytes:
    """Make weights the current model; its graph."""
    source = Source("noise", "noise", (), None, "rgb-unit")
    graph = make_graph(checkpoint, source, ExportSpec.of("torchscript", None, scale))
    folder.mkdir(exist_ok=True)
    (folder / "srcnn.onnx").write_bytes(graph)
    return graph


def test_a_better_model_is_promoted_with_its_record(
    promoted: Path, own: Path, photograph: npt.NDArray[np.uint8]
) -> None:
    result = json.loads((promoted / "logged.json").read_text())
    assert result["promoted"]
    assert result["verdict"].startswith(
        "promoted: better than the current model at each of 2 factors"
    )
    record = ModelRecord.model_validate_json((promoted / "models" / "srcnn.json").read_bytes())
    card = record.training
    assert card
    assert (card.data, card.images, card.validation_images) == ("crops of a cat", 10, 2)
    assert (card.steps, card.seed, card.factors, card.started_from) == (20, 0, [2], "identity")
    assert [row.factor for row in card.validation] == ["1.5", "2"]
    assert record.model.anchors == [1, 2]
    assert record.model.checkpoint.url == result["checkpoint"]
    assert str(own) not in record.to_json().decode()
    upscaler = Upscaler.load(str(promoted / "models" / "srcnn.onnx"))
    assert upscaler(photograph, scale=2).shape == (300, 2 * photograph.shape[1], 3)


def test_training_goes_on_from_the_model_in_use(
    promoted: Path, train: Train, tmp_path: Path
) -> None:
    (earlier,) = (promoted / "cache").rglob("gains.jsonl")
    shutil.copytree(promoted / "models", tmp_path / "models")
    result = train(start="current", factors="1.5,2", steps=1)
    (kept,) = (tmp_path / "cache").rglob(result["checkpoint"])
    assert json.loads((kept.parent / "training.json").read_text())["started_from"].startswith(
        "srcnn-"
    )
    before, after = (
        json.loads(file.read_text())["gains"]["x2"]
        for file in (earlier, kept.parent / "gains.jsonl")
    )
    assert before > 0.001
    assert after == pytest.approx(before, rel=0.5)  # one step from the identity gains nothing


def test_weights_for_jpegs_are_added_and_the_clean_ones_kept(
    promoted: Path, train: Train, tmp_path: Path, photograph: npt.NDArray[np.uint8]
) -> None:
    shutil.copytree(promoted / "models", tmp_path / "models")
    result = train(start="current", qualities="40", steps=30)
    assert "factors and qualities" in result["verdict"]
    (kept,) = (tmp_path / "cache").rglob(result["checkpoint"])
    source = Source("own", "own", (), None, "rgb-unit")
    spec = ExportSpec.of("torchscript", None, None)
    graph = make_graph(kept.read_bytes(), source, spec)
    before = Upscaler.load(str(promoted / "models" / "srcnn.onnx"))
    after = Upscaler.from_model(Model("own", graph, ""))
    assert (before.follows_quality, after.follows_quality) == (False, True)
    assert np.array_equal(before(photograph, scale=2), after(photograph, scale=2))
    jpeg = compress(photograph, 40)
    assert not np.array_equal(before(jpeg, scale=2), after(jpeg, scale=2, quality=40))
    gains = json.loads((kept.parent / "gains.jsonl").read_text().splitlines()[-1])["gains"]
    assert gains.keys() == {"x1 q40", "x1.5 q70", "x2 q40"}
    assert gains["x1 q40"] > 0


def test_weights_that_should_be_kept_and_are_lost_keep_the_current_model(
    promoted: Path, train: Train, tmp_path: Path
) -> None:
    """The start has weights for x2, of which the bank for x1 and x4 has only a part at x2.5."""
    shutil.copytree(promoted / "models", tmp_path / "models")
    result = train(start="current", qualities="40", factors="4", steps=1)
    assert not result["promoted"]
    assert re.search(r"of 5 factors and qualities: .*\bx2\.5(,|;)", result["verdict"])
    assert not re.search(r"\bx4(,|;)", result["verdict"])


def test_a_model_that_is_not_better_everywhere_changes_nothing(
    promoted: Path, train: Train, tmp_path: Path
) -> None:
    shutil.copytree(promoted / "models", tmp_path / "models")
    before = (tmp_path / "models" / "srcnn.onnx").read_bytes()
    result = train(seed=1, steps=1)
    assert not result["promoted"]
    assert (
        "kept the current model: the trained one is not better than the current model at"
        in result["verdict"]
    )
    assert (tmp_path / "models" / "srcnn.onnx").read_bytes() == before
    (kept,) = (tmp_path / "cache").rglob(result["checkpoint"])
    assert str(kept) in result["verdict"]


def test_a_verdict_is_of_one_destination_and_knows_its_own_model(
    promoted: Path, train: Train, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As after a kill between publishing the model and saying so."""
    shutil.copytree(promoted, tmp_path, dirs_exist_ok=True)
    with caplog.at_level("INFO", "srcnn"):
        again = train(steps=20, description="crops of a cat")
    assert "resuming from step 20" in caplog.text
    assert again["promoted"]
    assert again["verdict"].startswith("already promoted")


def test_weights_that_were_not_trained_here_are_no_start(train: Train, tmp_path: Path) -> None:
    torch.manual_seed(0)
    file = io.BytesIO()
    torch.save(Srcnn().state_dict(), file)
    put_model(tmp_path / "models", file.getvalue())
    with pytest.raises(UsageError, match=r"not one that this version trains.*--start identity"):
        train(start="current")


def test_filters_that_are_zero_in_the_current_model_are_trained(
    train: Train, tmp_path: Path
) -> None:
    stack = create_identity(2, 0)
    stack.first[:, 61:] = 0
    stack.second[:, :, 61:] = 0
    put_model(tmp_path / "models", to_checkpoint(stack, CLEAN_X2, {}))
    result = train(start="current")
    (kept,) = (tmp_path / "cache").rglob(result["checkpoint"])
    weights = torch.load(kept, weights_only=True)["state_dict"]
    assert weights["conv1.weight"][:, 61:].all()
    assert weights["conv2.weight"][1, :, 61:].any()


def test_an_ended_training_is_not_repeated_but_goes_on_if_it_is_to_be_longer(
    train: Train, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = train()
    (state,) = (tmp_path / "cache").rglob("state.pt")
    before = state.read_bytes()
    with caplog.at_level("INFO", "srcnn"):
        assert train() == first
        assert "nothing to do: this training finished after 2 steps" in caplog.text
        assert state.read_bytes() == before
        caplog.clear()
        assert train(steps=4)["steps"] == 4
        assert "resuming from step 2" in caplog.text
        caplog.clear()
        assert train(steps=3, restart=True)["steps"] == 3
        assert "resuming from" not in caplog.text
        assert "step 3 of 3" in caplog.text


def test_a_bucket_is_a_source_and_a_destination(
    train: Train, own: Path, tmp_path: Path, bucket: str
) -> None:
    src = Folder(f"{bucket}/own")
    for path in own.rglob("*.png"):
        src.write(str(path.relative_to(own)), path.read_bytes())
    bad = put_bad_model(tmp_path / "bad")
    Folder(f"{bucket}/models").write("srcnn.onnx", bad)
    assert train(src=src.url, dst=f"{bucket}/models")["promoted"]
    published = Folder(f"{bucket}/models")
    assert published.read("srcnn.onnx") != bad
    assert bucket.encode() not in published.read("srcnn.json")


def test_pictures_may_come_but_not_change_or_go(
    train: Train, own: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(own, copy)
    (copy / "cut.png").write_bytes((copy / "00.png").read_bytes()[:-40])
    cv2.imwrite(str(copy / "icon.png"), np.zeros((32, 32, 3), np.uint8))
    with caplog.at_level("INFO", "srcnn"):
        train(src=str(copy))
        assert "left out: cut.png: the file is truncated" in caplog.text
        assert "left out: icon.png: 32x32 px is too small" in caplog.text
        assert "10 pictures to train on, 2 held out, 2 left out" in caplog.text
        caplog.clear()
        (copy / "cut.png").unlink()
        (copy / "new.png").write_bytes((copy / "00.png").read_bytes())
        train(src=str(copy), steps=3)
        assert "1 picture was added since the training began: left" in caplog.text
        assert "resuming from step 2" in caplog.text
    (copy / "03.png").write_bytes((copy / "06.png").read_bytes())
    with pytest.raises(UsageError, match=r"03\.png has changed since .* --restart"):
        train(src=str(copy), steps=4)
    (copy / "03.png").unlink()
    with pytest.raises(UsageError, match=r"03\.png is gone since"):
        train(src=str(copy), steps=4)


def test_a_work_folder_is_for_one_training_at_a_time(
    train: Train, tmp_path: Path, own: Path
) -> None:
    work = tmp_path / "work"
    train(work=str(work))
    with pytest.raises(UsageError, match=r"another training \(different factors, seed\)"):
        train(work=str(work), factors="3", seed=4)
    with pytest.raises(UsageError, match="contains other files"):
        train(work=str(own))
    holder = "import fcntl, sys; f = open(sys.argv[1], 'a'); fcntl.flock(f, 2); print(1); input()"
    with subprocess.Popen(
        [sys.executable, "-uc", holder, work / "lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout
        other.stdout.readline()
        with pytest.raises(DestinationBusyError, match="another training is using this folder"):
            train(work=str(work))
        other.communicate(b"\n")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"steps": None}, "give --steps or --hours"),
        ({"hours": 1.0}, "give either --hours or --steps, not both"),
        ({"src": "{own}/nowhere"}, "nowhere: no such folder"),
        ({"include": ["*.jpg"]}, "found 0 images, 0 of them usable"),
        ({"device": "cuda"}, "--device cuda: PyTorch finds no CUDA device"),
    ],
)
def test_what_cannot_start_is_reported(
    train: Train, own: Path, options: dict[str, Any], words: str
) -> None:
    if options.get("device") == "cuda" and torch.cuda.is_available():
        pytest.skip("there is such a device")
    given = {
        name: value.format(own=own) if isinstance(value, str) else value
        for name, value in options.items()
    }
    with pytest.raises((UsageError, FileNotFoundError), match=words):
        train(**given)


def test_a_fixed_factor_cannot_be_compared(train: Train, tmp_path: Path) -> None:
    put_model(tmp_path / "models", to_checkpoint(create_identity(2, 0), CLEAN_X2, {}), "2")
    with pytest.raises(UsageError, match=r"has the fixed factor 2.*another --dst"):
        train()


_SHORT = ("--factors", "2", "--start", "identity")


class Command:
    """The command as people run it, with a validation each second."""

    def __init__(self, own: Path, folder: Path, steps: int) -> None:
        self.lines: list[str] = []
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PREFECT_", "SRCNN_"))
        }
        words = ["--src", own, "--dst", folder / "models", "--work", folder / "work"]
        self._process = subprocess.Popen(
            [sys.executable, TRAIN, *words, *_SHORT, "--steps", str(steps)],
            cwd=ROOT,
            env=inherited | {"SRCNN_VALIDATION_SECONDS": "1", "PYTHONUNBUFFERED": "1"},
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for(self, words: str) -> str:
        assert self._process.stderr
        for line in self._process.stderr:
            self.lines.append(line)
            if line.startswith(words):
                return line
        raise AssertionError("".join(self.lines))

    def end(self, number: signal.Signals) -> int:
        self._process.send_signal(number)
        return self.finish()

    def finish(self) -> int:
        with self._process:
            assert self._process.stderr
            self.lines += self._process.stderr
        return self._process.returncode


def step_of(line: str) -> int:
    return int(line.removeprefix("resuming from ").split()[1].rstrip(","))


def test_killed_in_the_middle_it_goes_on_from_where_it_was_saved(own: Path, tmp_path: Path) -> None:
    first = Command(own, tmp_path, 100_000)
    first.wait_for("step ")
    logged = step_of(first.wait_for("step "))
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    second = Command(own, tmp_path, logged + 2_000_000)
    went_on = step_of(second.wait_for("resuming from step"))
    assert went_on >= logged
    assert step_of(second.wait_for("step ")) > went_on
    assert second.end(signal.SIGTERM) == 128 + signal.SIGTERM
    text = "".join(second.lines)
    assert "interrupted: finishing the current step" in text
    assert f"training state saved in {tmp_path / 'work'}: run the same command to resume" in text
    assert "Traceback" not in text
    last = step_of([line for line in second.lines if line.startswith("step ")][-1])
    third = Command(own, tmp_path, last + 1)
    assert step_of(third.wait_for("resuming from step")) == last
    assert third.finish() == 0
    assert third.lines[-1].startswith(("promoted: ", "kept the current model: "))
    points = (tmp_path / "work" / "gains.jsonl").read_text().splitlines()
    steps = [json.loads(line)["step"] for line in points]
    assert steps == sorted(set(steps))
    assert steps[-1] == last + 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"factors": "3,2"}, "factors 3,2: expected ascending factors"),
        ({"factors": "2,x"}, "expected numbers separated by commas"),
        ({"factors": "1.3"}, "each a multiple of 1/16"),
        ({"factors": [2, 17]}, "expected up to 16"),
        ({"validation": 0.9}, "validation"),
        ({"steps": 0}, "steps"),
        ({"hours": -1}, "hours"),
        ({"start": "bicubic"}, "start"),
        ({"work": "s3://bucket/a"}, "expected a local folder"),
        ({"description": ""}, "description"),
    ],
)
def test_options_are_bounded(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TrainOptions(src="x", **options)


def test_the_schema_knows_the_form_of_factors() -> None:
    default = TrainOptions(src="x").factors
    assert re.fullmatch(FACTORS_PATTERN, default)
    assert TrainOptions(src="x", factors=[1.5, 2]).factors == "1.5,2"  # type: ignore[arg-type]
    schema = TrainOptions.model_json_schema()["properties"]["factors"]
    assert json.dumps(FACTORS_PATTERN) in json.dumps(schema)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--src", "x", "--factors", "3,2"], "--factors: factors 3,2: expected ascending factors"),
        (["--src", "s3://ann:hunter2@b"], "--src: the s3:// URL contains credentials"),
        (["--src", "nowhere", "--steps", "3"], "nowhere: no such folder"),
    ],
)
def test_mistakes_exit_with_2_and_a_sentence(
    run: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    arguments: list[str],
    words: str,
) -> None:
    done = run(TRAIN, *arguments, SRCNN_CACHE_DIR=str(tmp_path))
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr


def test_without_torch_it_says_what_to_install(
    clean_environment: dict[str, str], tmp_path: Path
) -> None:
    code = (
        "import runpy, sys; sys.modules['torch'] = None; sys.modules['skimage'] = None; "
        "runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    )
    arguments = ("-c", code, TRAIN, "--src", tmp_path, "--steps", "1")
    done = run_python(*arguments, environment=clean_environment)
    assert done.returncode == 2
    assert done.stderr == (
        "not tracked: no Prefect API is configured; --track starts a temporary server\n"
        "error: a training needs torch and scikit-image, which are not installed: "
        "pip install -e '.[train]' -c constraints.txt in a checkout, "
        "or pip install torch scikit-image elsewhere\n"
    )


def test_help_names_every_option(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = run(TRAIN, "--help", COLUMNS="200")
    assert done.returncode == 0
    for name, field in TrainOptions.model_fields.items():
        assert f"--{name}" in done.stdout
        assert field.description
        assert field.description[:40] in done.stdout
