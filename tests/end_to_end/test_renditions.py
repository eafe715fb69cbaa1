"""Several sizes of one picture in a run, by rows with names."""

from __future__ import annotations

import json
import math
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from flows.errors import BatchFailedError
from flows.history import app as history
from flows.options.upscale import UpscaleOptions
from flows.upscale import app, batch_upscale
from srcnn.destination import ledger
from srcnn.storage.folder import Folder
from tests.support.run_here import run_here
from tests.support.servers.faults import FaultProxy
from tests.support.servers.seaweedfs import S3Server

HEADER = "path,scale,name"
SIZES = [
    "*,longest=20,{stem}-small{ext}",
    "*,box=40x40,{stem}-box{ext}",
    "*,2,{folder}/large/{stem}{ext}",
]
Statuses = dict[str, str]


@pytest.fixture
def source(photograph: npt.NDArray[np.uint8], tmp_path: Path) -> Path:
    """Two pictures, of 24 by 30 and 16 by 12 pixels."""
    folder = tmp_path / "in"
    (folder / "cats").mkdir(parents=True)
    cv2.imwrite(str(folder / "photo.jpg"), photograph[:24, :30])
    cv2.imwrite(str(folder / "cats" / "cat.png"), photograph[:16, :12])
    return folder


def write_scales(source: Path, *rows: str) -> None:
    (source / "scales.csv").write_text("\n".join([HEADER, *rows, ""]))


def upscale(source: Path, **options: Any) -> Statuses:
    """Upscale into `out`; return the status of each output."""
    report, out = source.parent / "report.json", source.parent / "out"
    chosen = {"src": str(source), "dst": str(out), "when_larger": "shrink"} | options
    given = UpscaleOptions(report=str(report), **chosen)
    with suppress(BatchFailedError):
        batch_upscale.fn(given)
    content = json.loads(report.read_text())
    assert content["counts"]["requested"] == len(content["images"])
    return {each["output"]: each["status"] for each in content["images"]}


def read_sizes(folder: Path) -> dict[str, tuple[int, int]]:
    keys = [key for key in Folder(str(folder)).files() if not key.startswith(".srcnn/")]
    pictures = {key: cv2.imread(str(folder / key)) for key in keys}
    return {key: each.shape[:2] for key, each in pictures.items() if each is not None}


def test_each_rendition_has_its_own_size_and_record(source: Path) -> None:
    write_scales(source, *SIZES)
    expected = {
        "cats/cat-small.png": (20, 15),
        "cats/cat-box.png": (40, 30),
        "cats/large/cat.png": (32, 24),
        "photo-small.jpg": (16, 20),
        "photo-box.jpg": (32, 40),
        "large/photo.jpg": (48, 60),
    }
    assert upscale(source) == dict.fromkeys(expected, "written")
    out = source.parent / "out"
    assert read_sizes(out) == expected
    records = ledger.load(Folder(str(out)), Folder(str(out)).files()).records
    assert set(records) == set(expected)
    assert upscale(source) == dict.fromkeys(expected, "skipped")

    # One is lost, another is asked for differently: the others stay.
    (out / "photo-box.jpg").unlink()
    write_scales(source, *SIZES, "photo.jpg,longest=18,{stem}-small{ext}")
    changed = {"photo-box.jpg": "written", "photo-small.jpg": "written"}
    assert upscale(source) == dict.fromkeys(expected, "skipped") | changed
    # One is not wanted any more, and one more is: that of a row without a name.
    write_scales(source, *SIZES[:2], "photo.jpg,3,")
    names = [name for name in expected if "large" not in name]
    again = {"photo-small.jpg": "written", "photo.jpg": "written"}
    assert upscale(source) == dict.fromkeys(names, "skipped") | again


def test_the_header_of_a_source_is_read_once_for_all_its_sizes(
    source: Path, bucket: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scales(source, *SIZES, "photo.jpg,16,{stem}-huge{ext}")
    folder = Folder(f"{bucket}/in")
    for key in ("photo.jpg", "scales.csv"):
        folder.write(key, (source / key).read_bytes())
    folder.write("broken.jpg", b"\xff\xd8 and no more")
    report = source.parent / "report.json"
    with FaultProxy(s3_server.endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        monkeypatch.setenv("SRCNN_MAX_OUTPUT_MEGAPIXELS", "0.1")
        with suppress(BatchFailedError):
            batch_upscale.fn(
                UpscaleOptions(
                    src=f"{bucket}/in",
                    dst=f"{bucket}/out",
                    report=str(report),
                    dry_run=True,
                )
            )
        # The estimate of a dry run reads whole files; headers are ranges.
        headers = [each.path for each in proxy.seen("GET", "in/") if "range" in each.headers]
    assert sorted(path.rpartition("/")[2] for path in headers) == ["broken.jpg", "photo.jpg"]
    images = json.loads(report.read_text())["images"]
    errors = {each["output"]: (each["error"] or {}).get("type") for each in images}
    assert errors == {
        "photo-small.jpg": None,
        "photo-box.jpg": None,
        "large/photo.jpg": None,
        "photo-huge.jpg": "ImageTooLarge",  # alone
        "broken-small.jpg": "DamagedImage",
        "broken-box.jpg": "DamagedImage",
        "large/broken.jpg": "DamagedImage",
    }


def test_a_source_is_downloaded_once_for_all_its_sizes(
    source: Path, bucket: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scales(source, *SIZES)
    Folder(f"{bucket}/in").write("photo.jpg", (source / "photo.jpg").read_bytes())
    with FaultProxy(s3_server.endpoint) as proxy:
        proxy.fail("latency", math.inf, method="GET", path_contains="in/photo.jpg", seconds=1)
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        statuses = upscale(
            source, src=f"{bucket}/in", dst=f"{bucket}/out", scales=str(source / "scales.csv")
        )
        requests = list(proxy.requests)
    assert list(statuses.values()) == ["written"] * 3
    # The page of the run, with some pictures of it, is made later.
    recorded = next(at for at, each in enumerate(requests) if each.matches("PUT", "/ledger/"))
    found = [each for each in requests[:recorded] if each.matches("GET", "in/photo.jpg")]
    assert len([each for each in found if "range" not in each.headers]) == 1


@pytest.mark.parametrize("extension", ["png", "jpg", "tiff", "webp", "avif"])
def test_sizes_that_are_made_together_are_those_made_alone(extension: str, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    depth = np.uint16 if extension in ("png", "tiff") else np.uint8
    kinds = {"grey": 1, "colours": 3} | ({"alpha": 4} if extension != "jpg" else {})
    rows, columns = np.mgrid[:30, :40]
    for name, channels in kinds.items():
        planes = [(rows * 5 + columns * each) % 250 + 5 for each in range(3, 3 + channels)]
        picture = np.stack(planes, axis=2).astype(depth) * (257 if depth is np.uint16 else 1)
        assert cv2.imwrite(str(folder / f"{name}.{extension}"), picture)
    write_scales(folder, *SIZES)
    together = upscale(folder)
    assert set(together.values()) == {"written"}
    expected = {key: (tmp_path / "out" / key).read_bytes() for key in together}
    shutil.rmtree(tmp_path / "out")
    for row in SIZES:
        write_scales(folder, row)
        upscale(folder)
    assert {key: (tmp_path / "out" / key).read_bytes() for key in together} == expected


def test_a_list_names_outputs_too(source: Path, tmp_path: Path) -> None:
    rows = [f"{row}".replace("*", "photo.jpg") for row in SIZES]
    lines = [HEADER, *rows, "photo.jpg,,", "none.png,2,{stem}-a{ext}", "none.png,2,{stem}-b{ext}"]
    (tmp_path / "list.csv").write_text("\n".join(lines))
    chosen = {"only_listed": True, "scales": str(tmp_path / "list.csv"), "scale": 1.5}
    names = ["large/photo.jpg", "photo-box.jpg", "photo-small.jpg", "photo.jpg"]
    # What is not there is one failure, whatever was asked for of it.
    missing = {None: "failed"}
    assert upscale(source, **chosen) == dict.fromkeys(names, "written") | missing
    assert upscale(source, **chosen) == dict.fromkeys(names, "skipped") | missing


def test_a_broken_source_is_a_failure_of_each_rendition(source: Path, tmp_path: Path) -> None:
    write_scales(source, *SIZES)
    broken = source / "photo.jpg"
    broken.write_bytes(broken.read_bytes()[:-200])
    options = ["--src", source, "--dst", tmp_path / "out", "--when-larger", "shrink", "--no-track"]
    done = run_here(app, *options)
    assert done.returncode == 1
    assert "6 images: 3 written" in done.stderr
    assert "3 failed" in done.stderr
    known = run_here(history, str(tmp_path / "out"), "--failures")
    (tmp_path / "known.jsonl").write_text(known.stdout)
    assert len(known.stdout.splitlines()) == 3
    done = run_here(app, *options, "--known-failures", tmp_path / "known.jsonl")
    assert done.returncode == 0, done.stderr


def test_names_that_come_out_alike_are_refused_before_any_work(source: Path) -> None:
    write_scales(source, "photo.jpg,2,{stem}-a{ext}", "*.jpg,3,{stem}-a.jpg")
    done = run_here(app, "--src", source, "--dst", source.parent / "out", "--no-track")
    assert done.returncode == 2
    text = "photo.jpg with the name '{stem}-a{ext}' and photo.jpg with the name '{stem}-a.jpg'"
    assert text in done.stderr
    assert not list((source.parent / "out").rglob("*.jpg"))
