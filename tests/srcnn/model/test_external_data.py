"""Weights in other files: only those in the model's own folder, and part of its digest."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import fsspec
import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

import srcnn
from srcnn.graphs.check import check_file
from srcnn.model.model_file import Model, load_model
from srcnn.storage.retries import DEFAULT_LIMITS
from tests.support.graphs.hostile import add_weights, hide, make_external, make_model

VALUES = np.array([0.25, 0.5, 0.125], dtype=np.float32)
PICTURE = np.zeros((4, 5, 3), dtype=np.uint8)
PLACES = list(hide(TensorProto(name="w")))


def save(folder: Path, model: onnx.ModelProto, values: bytes = VALUES.tobytes()) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "x.onnx.data").write_bytes(values)
    path = folder / "x.onnx"
    path.write_bytes(model.SerializeToString())
    return str(path)


def make_beside(location: str = "x.onnx.data", **entries: object) -> onnx.ModelProto:
    return make_model(add_weights(), constants=[make_external("weights", location, **entries)])


@pytest.mark.parametrize("place", [place for place in PLACES if place != "list"])
def test_weights_beside_the_model_are_read(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")  # where ONNX Runtime would look
    url = save(tmp_path, hide(make_external("weights", "x.onnx.data"))[place])
    result = srcnn.Upscaler.load(url)(PICTURE)
    expected = np.rint(VALUES[::-1] * 255)  # RGB in the graph, BGR in the picture
    assert (result == expected).all()


@pytest.mark.parametrize("place", PLACES)
def test_a_tensor_names_no_file_elsewhere(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_bytes(VALUES.tobytes())
    monkeypatch.chdir(tmp_path)
    url = save(tmp_path / "models", hide(make_external("weights", ".env"))[place])
    with pytest.raises(srcnn.ModelError, match="only files in the model's own folder are read"):
        srcnn.Upscaler.load(url)
    (finding,) = check_file(url, DEFAULT_LIMITS)
    assert "only files in the model's own folder are read" in finding.text


@pytest.mark.parametrize("place", PLACES)
def test_a_model_in_memory_names_no_file(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that a Python program read itself."""
    (tmp_path / "w").write_bytes(VALUES.tobytes())
    monkeypatch.chdir(tmp_path)
    content = hide(make_external("weights", "w"))[place].SerializeToString()
    with pytest.raises(srcnn.ModelError, match="some weights are in w"):
        srcnn.Upscaler.from_model(Model("mine", content, ""))


@pytest.mark.parametrize(
    "location",
    [
        *("../w", "a/../../w", "/etc/hostname", "", ".", "..", ".env", "sub/.env", ".git/config"),
        *("./x.onnx.data", "sub//w", "file:///etc/hostname", "s3://bucket/w", "C:\\w", "..\\w"),
        *("*/_ORT_MEM_ADDR_/*", "w\0", "memory::w", "away", "folder/w", "hidden", "missing", "dir"),
    ],
)
def test_only_plain_names_below_the_folder_are_read(location: str, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    url = save(folder, make_beside(location))
    (tmp_path / "w").write_bytes(VALUES.tobytes())
    (folder / ".env").write_bytes(VALUES.tobytes())
    (folder / "away").symlink_to(tmp_path / "w")
    (folder / "folder").symlink_to(tmp_path)
    (folder / "hidden").symlink_to(folder / ".env")
    (folder / "dir").mkdir()
    with pytest.raises(srcnn.ModelError, match=r"x\.onnx: some of its weights are in the file"):
        load_model(url)


@pytest.mark.parametrize("cache", ["", "simplecache::", "filecache::", "simplecache://::"])
def test_behind_a_cache_too(cache: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(VALUES.tobytes())
    url = cache + Path(save(tmp_path / "bad", make_beside(str(secret)[1:]))).as_uri()
    with pytest.raises(srcnn.ModelError, match="only files in the model's own folder are read"):
        load_model(url)
    assert load_model(cache + Path(save(tmp_path / "good", make_beside())).as_uri()).content


def test_the_digest_covers_both_files(tmp_path: Path) -> None:
    url = save(tmp_path, make_beside())
    before = load_model(url)
    assert load_model(url, expected_sha256=before.sha256) == before
    save(tmp_path, make_beside(), values=(VALUES / 2).tobytes())
    assert load_model(url).sha256 != before.sha256
    with pytest.raises(srcnn.ModelError, match="the model changed after the run was planned"):
        load_model(url, expected_sha256=before.sha256)


def test_the_digest_of_a_single_file_is_its_own(tmp_path: Path) -> None:
    import hashlib  # noqa: PLC0415 - here alone

    values = numpy_helper.from_array(VALUES.reshape(1, 3, 1, 1), "weights")
    url = save(tmp_path, make_model(add_weights(), constants=[values]))
    content = Path(url).read_bytes()
    assert load_model(url) == Model(url, content, hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({"offset": 8}, "cannot load"),
        ({"offset": 4, "length": 12}, "expected bytes 4 to 16, but the file has 12 bytes"),
        ({"offset": -4}, "expected bytes -4 to 12"),
        ({"length": "many"}, "are not numbers"),
        ({"length": 2**62}, "but the file has 12 bytes"),
    ],
)
def test_parts_outside_the_file_are_refused(
    entries: dict[str, object], reason: str, tmp_path: Path
) -> None:
    url = save(tmp_path, make_beside(**entries))
    with pytest.raises(srcnn.ModelError, match=reason):
        srcnn.Upscaler.load(url)


def test_one_file_has_many_tensors(tmp_path: Path) -> None:
    content = struct.pack("<ffffff", 9, 9, 9, *VALUES)
    url = save(tmp_path, make_beside(offset=12, length=12), content)
    (tensor,) = [
        tensor
        for tensor in onnx.load_from_string(load_model(url).content).graph.initializer
        if tensor.name == "weights"
    ]
    assert (numpy_helper.to_array(tensor).ravel() == VALUES).all()


@pytest.mark.parametrize("where", ["memory", "s3", "zip"])
def test_other_storages_have_them_beside_the_model(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = save(tmp_path / "a", make_beside("sub/w 1.bin"))
    parts = {"x.onnx": Path(url).read_bytes(), "sub/w 1.bin": VALUES.tobytes()}
    if where == "zip":
        import zipfile  # noqa: PLC0415 - here alone

        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            for name, content in parts.items():
                archive.writestr(name, content)
        root = f"zip://{{}}::{tmp_path}/a.zip"
    else:
        bucket = request.getfixturevalue("bucket") if where == "s3" else "memory://models"
        root = f"{bucket}/m/{{}}"
        for name, content in parts.items():
            with fsspec.open(root.format(name), "wb") as file:
                file.write(content)
    assert (
        load_model(root.format("x.onnx")).sha256
        == load_model(save_beside(tmp_path / "b", parts)).sha256
    )


def save_beside(folder: Path, parts: dict[str, bytes]) -> str:
    for name, content in parts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return str(folder / "x.onnx")


def test_what_torch_exports_by_default_is_read(
    tmp_path: Path, make_graph: Callable[..., bytes]
) -> None:
    model = onnx.load_from_string(make_graph())
    location = "x.onnx.data"
    onnx.save(
        model, tmp_path / "x.onnx", save_as_external_data=True, location=location, size_threshold=0
    )
    (tmp_path / "whole.onnx").write_bytes(make_graph())
    whole = srcnn.Upscaler.load(str(tmp_path / "whole.onnx"))
    parts = srcnn.Upscaler.load(str(tmp_path / "x.onnx"))
    picture = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    assert (parts(picture) == whole(picture)).all()
