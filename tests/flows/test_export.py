"""The command line of the export, as people run it: untracked, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch

from srcnn.export.srcnn_network import Srcnn
from srcnn.model.card import ModelCard, ModelRecord
from srcnn.storage.download import compute_sha256
from tests.support.paths import REFERENCE, ROOT
from tests.support.run_python import run_python
from tests.support.training_card import TRAINING

CHECKPOINTS = REFERENCE / "checkpoints"
WITHOUT_TORCH = (
    "import runpy, sys; sys.modules['torch'] = None; "
    "runpy.run_path(sys.argv.pop(1), run_name='__main__')"
)


def run_export(
    folder: Path, *arguments: str, torch_installed: bool = True, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run `flows/export.py` in a folder, with no settings but the given ones."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT_", "SRCNN_"))
    }
    environment = inherited | {
        "PYTHONPATH": str(ROOT),
        "PREFECT_HOME": str(folder / ".prefect"),
        "SRCNN_CACHE_DIR": str(folder / "cache"),
    }
    script = [str(ROOT / "flows" / "export.py"), *arguments]
    start = [] if torch_installed else ["-c", WITHOUT_TORCH]
    return run_python(*start, *script, environment=environment | settings, folder=folder)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the default export was run."""
    folder = tmp_path_factory.mktemp("export")
    done = run_export(folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_it_publishes_the_graph_and_its_record(published: Path) -> None:
    assert {file.name for file in (published / "models").iterdir()} == {"srcnn.onnx", "srcnn.json"}
    graph = (published / "models" / "srcnn.onnx").read_bytes()
    record = ModelRecord.model_validate_json((published / "models" / "srcnn.json").read_bytes())
    assert record.model == ModelCard.from_graph(onnx.load_from_string(graph))
    assert (record.sha256, record.size_bytes) == (compute_sha256(graph), len(graph))
    assert record.model.checkpoint.url == "bundled"
    assert len(record.parity) == 117


def test_the_record_names_no_path_of_this_machine(published: Path) -> None:
    text = (published / "models" / "srcnn.json").read_text()
    assert str(ROOT) not in text
    assert str(published) not in text


def test_checking_needs_no_torch(published: Path) -> None:
    done = run_export(published, "--check", "models/srcnn.onnx", torch_installed=False)
    assert (done.returncode, done.stderr) == (
        0,
        "models/srcnn.onnx: the graph passed every check\n",
    )


def test_exporting_without_torch_says_what_to_install(tmp_path: Path) -> None:
    done = run_export(tmp_path, torch_installed=False)
    assert done.returncode == 2
    assert "error: an export needs torch, which is not installed: " in done.stderr
    assert "pip install -e '.[export]' -c constraints.txt" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_graph_fails_the_check_with_every_finding(published: Path, tmp_path: Path) -> None:
    model = onnx.load(published / "models" / "srcnn.onnx")
    for axis in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        axis.dim_value = 256
    onnx.save(model, tmp_path / "static.onnx")
    done = run_export(tmp_path, "--check", "static.onnx")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: static.onnx failed its check, 2 findings:",
        "signature: input, axis 2 (H): expected dynamic, got 256; export with this axis dynamic",
        "signature: input, axis 3 (W): expected dynamic, got 256; export with this axis dynamic",
    ]


def test_nothing_is_published_when_the_check_fails(tmp_path: Path) -> None:
    huge = {key: torch.full_like(value, 1e30) for key, value in Srcnn().state_dict().items()}
    torch.save(huge, tmp_path / "huge.pth")
    done = run_export(tmp_path, "--checkpoint", "huge.pth", "--dst", "out")
    assert done.returncode == 1
    assert "values: 1 x 1 px (height x width), factor 1: expected finite numbers" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_bank_is_published_with_its_anchors_and_its_training(
    tmp_path: Path, make_bank: Any
) -> None:
    torch.save(
        {"meta": {"training": TRAINING}, "state_dict": make_bank(1, 2, 4)}, tmp_path / "bank.pth"
    )
    done = run_export(tmp_path, "--checkpoint", "bank.pth")
    assert done.returncode == 0, done.stderr
    record = ModelRecord.model_validate_json((tmp_path / "models" / "srcnn.json").read_bytes())
    assert record.anchors == [1, 2, 4]
    assert record.training is not None
    assert record.training.model_dump() == TRAINING
    checked = run_export(tmp_path, "--check", "models/srcnn.onnx", torch_installed=False)
    assert (checked.returncode, checked.stderr) == (
        0,
        "models/srcnn.onnx: the graph passed every check\n",
    )


def test_a_training_that_cannot_be_read_ends_the_export(tmp_path: Path) -> None:
    meta = {"training": TRAINING | {"steps": "many"}}
    torch.save({"meta": meta, "state_dict": Srcnn().state_dict()}, tmp_path / "a.pth")
    done = run_export(tmp_path, "--checkpoint", "a.pth")
    assert done.returncode == 2
    assert "error: a.pth: cannot be read: meta.training.steps: " in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--checkpoint", "https://me:secret@x.org/a.pth"], "--checkpoint: the https:// URL"),
        (["--opset", "24"], "opset 24: the torchscript exporter writes opsets 11 to 20"),
        (["--check", "nowhere.onnx"], "nowhere.onnx: no such file"),
        (["--check", "a.onnx", "--scale", "4", "--track"], "leave out --scale, --track"),
    ],
)
def test_mistakes_exit_with_2_and_a_sentence(
    arguments: list[str], text: str, tmp_path: Path
) -> None:
    done = run_export(tmp_path, *arguments)
    assert done.returncode == 2
    assert text in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not CHECKPOINTS.is_dir(), reason="needs the reference data, which is not there")
def test_a_known_checkpoint_comes_from_the_mirror(tmp_path: Path) -> None:
    arguments = ["--checkpoint", "openmmlab-x4", "--scale", "4"]
    done = run_export(tmp_path, *arguments, SRCNN_CHECKPOINT_MIRROR=str(CHECKPOINTS))
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "models" / "srcnn.json").read_text())
    assert record["model"]["name"] == "openmmlab-x4"
    assert record["model"]["scale"] == "4"
    assert record["model"]["checkpoint"]["url"].startswith("https://download.openmmlab.com/")
    assert [file.name[:8] for file in (tmp_path / "cache").iterdir()] == ["4186f232"]
