"""`--only-listed`: the rows of a manifest are the work; the source is not listed."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from flows.errors import BatchFailedError
from flows.options.upscale import UpscaleOptions
from flows.upscale import app, batch_upscale
from srcnn.errors import AccessDeniedError, SourceMissingError
from srcnn.storage.folder import Folder
from tests.support.inventories import (
    FOLDER,
    MANIFEST,
    make_csv_part,
    make_manifest,
    make_parquet_part,
    make_row,
)
from tests.support.run_here import run_here
from tests.support.servers.faults import FaultProxy
from tests.support.servers.seaweedfs import S3Server

Rows = dict[str, dict[str, Any]]


@pytest.fixture
def proxy(
    bucket: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FaultProxy]:
    """Sees the requests for the bucket."""
    assert bucket
    with FaultProxy(s3_server.endpoint) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.endpoint)
        yield running


@pytest.fixture
def cat(photograph: npt.NDArray[np.uint8]) -> bytes:
    return bytes(cv2.imencode(".png", photograph[:8, :10])[1])


def read_rows(path: Path) -> Rows:
    return {image["source"]: image for image in json.loads(path.read_text())["images"]}


def upscale(folder: Path, **options: Any) -> Rows:
    """Upscale what is listed; return the rows of the report, by source."""
    report = folder / "report.json"
    given = UpscaleOptions(only_listed=True, report=str(report), **options)
    with suppress(BatchFailedError):
        batch_upscale.fn(given)
    return read_rows(report)


def test_a_folder_s_images_are_those_that_are_listed(tmp_path: Path, cat: bytes) -> None:
    source = tmp_path / "in"
    (source / "b").mkdir(parents=True)
    for name in ("a.png", "b/photo[1].png", "other.png", "notes.txt"):
        (source / name).write_bytes(cat)
    # Folders of a run and of its outputs are no input, even if somebody lists them.
    (source / "out" / ".srcnn").mkdir(parents=True)
    lines = ["a.png,3", "b/photo[1].png,", "none.png,2", "../in/a.png,2", "notes.txt,2"]
    lines += ["out/a.png,2", ".hidden.png,2", "a.png,4"]
    (tmp_path / "list.csv").write_text("\n".join(["path,scale", *lines]))
    options = {"src": str(source), "dst": str(source / "out"), "scale": "2.5"}
    arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
    arguments += ["--only-listed", "--scales", str(tmp_path / "list.csv"), "--no-track"]
    done = run_here(app, *arguments, "--report", str(tmp_path / "r.json"))
    assert done.returncode == 1
    assert "1 file of another kind is not upscaled: ignored 1 .txt" in done.stderr
    rows = read_rows(tmp_path / "r.json")
    assert {name: row["size_out"] for name, row in rows.items()} == {
        "../in/a.png": None,
        "a.png": [32, 40],
        "b/photo[1].png": [20, 25],
        "none.png": None,
    }
    assert rows["none.png"]["error"] == {
        "type": "SourceMissing",
        "message": f"{source}/none.png: no such file",
    }
    assert rows["../in/a.png"]["error"]["type"] == "StorageError"

    # Listed or not, an image is up to date.
    again = run_here(
        app, *arguments, "--report", str(tmp_path / "r.csv"), "--exclude", "none.png", "../in/*"
    )
    assert again.returncode == 0
    table = pa_csv.read_csv(tmp_path / "r.csv").to_pylist()
    assert [(row["source"], row["status"]) for row in table] == [
        ("a.png", "skipped"),
        ("b/photo[1].png", "skipped"),
    ]


def test_the_list_must_be_given(tmp_path: Path) -> None:
    done = run_here(app, "--src", str(tmp_path), "--only-listed", "--no-track")
    assert done.returncode == 2
    assert done.stderr == "error: --only-listed: the list is the file of --scales: give both\n"


def test_a_source_that_is_missing_is_no_missing_image(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("path\na.png\n")
    with pytest.raises(SourceMissingError, match="no such folder"):
        upscale(tmp_path, src=str(tmp_path / "in"), scales=str(tmp_path / "list.csv"))


def list_requests(proxy: FaultProxy, prefix: str) -> list[str]:
    """List the paths of requests that list what is below a prefix."""
    return [each.path for each in proxy.seen("GET", "list-type=2") if prefix in each.path]


def test_objects_are_looked_up_and_not_listed(
    proxy: FaultProxy, bucket: str, s3_server: S3Server, tmp_path: Path, cat: bytes
) -> None:
    fs = s3_server.filesystem()
    for key in ("in/a.png", "in/b c+é.png", "in/other.png"):
        fs.pipe_file(f"{bucket}/{key}", cat)
    fs.pipe_file(
        f"{bucket}/list.jsonl",
        b'{"path": "a.png", "scale": 2}\n{"path": "b c+\xc3\xa9.png"}\n{"path": "none.png"}\n',
    )
    options = {"src": f"{bucket}/in", "dst": f"{bucket}/out", "scales": f"{bucket}/list.jsonl"}
    rows = upscale(tmp_path, **options)
    assert {name: row["status"] for name, row in rows.items()} == {
        "a.png": "written",
        "b c+é.png": "written",
        "none.png": "failed",
    }
    assert rows["none.png"]["error"]["message"] == f"{bucket}/in/none.png: no such file"
    assert not list_requests(proxy, "prefix=in")
    assert list_requests(proxy, "prefix=out")
    assert not proxy.seen(path_contains="other.png")

    # Found by a listing, they are the same files.
    report = str(tmp_path / "all.json")
    listed = options | {"scales": None, "report": report, "exclude": ["other.png"]}
    batch_upscale.fn(UpscaleOptions(**listed))
    statuses = {row["status"] for row in read_rows(tmp_path / "all.json").values()}
    assert statuses == {"skipped"}


def test_an_object_that_may_not_be_read_fails_alone(
    proxy: FaultProxy, bucket: str, s3_server: S3Server, tmp_path: Path, cat: bytes
) -> None:
    fs = s3_server.filesystem()
    fs.pipe_file(f"{bucket}/in/a.png", cat)
    fs.pipe_file(f"{bucket}/list.csv", b"path\na.png\nsecret.png\n")
    # S3 answers so for a missing object to whom may not list the bucket.
    proxy.fail("403", times=99, method="HEAD", path_contains="secret.png")
    proxy.fail("403", times=99, path_contains="prefix=in")
    rows = upscale(tmp_path, src=f"{bucket}/in", dst=f"{bucket}/out", scales=f"{bucket}/list.csv")
    assert rows["a.png"]["status"] == "written"
    assert rows["secret.png"]["error"]["type"] == "AccessDenied"

    fs.pipe_file(f"{bucket}/list.csv", b"path\nsecret.png\n")
    with pytest.raises(AccessDeniedError):
        upscale(tmp_path, src=f"{bucket}/in", dst=f"{bucket}/out", scales=f"{bucket}/list.csv")


def test_an_object_of_an_inventory_that_may_not_be_read_fails_alone(
    proxy: FaultProxy, bucket: str, s3_server: S3Server, tmp_path: Path, cat: bytes
) -> None:
    fs, name = s3_server.filesystem(), bucket.removeprefix("s3://")
    rows = []
    for key in ("in/a.png", "in/secret.png"):
        fs.pipe_file(f"{bucket}/{key}", cat)
        rows.append(make_row(name, key, size=len(cat), e_tag="0"))
    fs.pipe_file(f"{bucket}/{MANIFEST}", make_manifest(name, "CSV", ["1.csv.gz"]))
    fs.pipe_file(f"{bucket}/{FOLDER}/data/1.csv.gz", make_csv_part(rows))
    proxy.fail("403", times=99, path_contains="secret.png")
    proxy.fail("403", times=99, path_contains="prefix=in")
    found = upscale(
        tmp_path, src=f"{bucket}/in", dst=f"{bucket}/out", scales=f"{bucket}/{MANIFEST}"
    )
    assert found["a.png"]["status"] == "written"
    assert found["secret.png"]["error"]["type"] == "AccessDenied"


def test_objects_that_were_replaced_since_the_inventory(
    proxy: FaultProxy, bucket: str, s3_server: S3Server, tmp_path: Path, cat: bytes
) -> None:
    fs, name = s3_server.filesystem(), bucket.removeprefix("s3://")
    sizes = {"in/grown.png": 60, "in/shrunk.png": len(cat) + 1000}
    for key in sizes:
        fs.pipe_file(f"{bucket}/{key}", cat)
    rows = [make_row(name, key, size=size, e_tag="0") for key, size in sizes.items()]
    fs.pipe_file(f"{bucket}/{MANIFEST}", make_manifest(name, "CSV", ["1.csv.gz"]))
    fs.pipe_file(f"{bucket}/{FOLDER}/data/1.csv.gz", make_csv_part(rows))
    found = upscale(
        tmp_path, src=f"{bucket}/in", dst=f"{bucket}/out", scales=f"{bucket}/{MANIFEST}"
    )
    assert {row["status"] for row in found.values()} == {"written"}
    assert not list_requests(proxy, "prefix=in")


def test_an_inventory_saves_the_requests(
    proxy: FaultProxy, bucket: str, s3_server: S3Server, tmp_path: Path, cat: bytes
) -> None:
    fs, name = s3_server.filesystem(), bucket.removeprefix("s3://")
    for key in ("in/a b+é.png", "in/b.png"):
        fs.pipe_file(f"{bucket}/{key}", cat)
    objects = [*fs.find(f"{bucket}/in", detail=True).values()]
    rows = [
        make_row(
            name, each["Key"].partition("/")[2], size=each["size"], e_tag=each["ETag"].strip('"')
        )
        for each in objects
    ]
    rows += [
        make_row(name, "in/gone.png", size=10, e_tag="0"),
        make_row(name, "x.png", size=1, e_tag="0"),
    ]
    fs.pipe_file(f"{bucket}/{MANIFEST}", make_manifest(name, "CSV", ["1.csv.gz"]))
    fs.pipe_file(f"{bucket}/{FOLDER}/data/1.csv.gz", make_csv_part(rows))
    options = {"src": f"{bucket}/in", "dst": f"{bucket}/out", "scales": f"{bucket}/{MANIFEST}"}
    first = upscale(tmp_path, **options)
    assert {key: row["status"] for key, row in first.items()} == {
        "a b+é.png": "written",
        "b.png": "written",
        "gone.png": "failed",
    }
    assert first["gone.png"]["error"]["type"] == "SourceMissing"
    assert not list_requests(proxy, "prefix=in")

    before = len(proxy.requests)
    again = upscale(tmp_path, **options, exclude=["gone.png"])
    assert {row["status"] for row in again.values()} == {"skipped"}
    assert not [each for each in proxy.requests[before:] if ".png" in each.path]


def test_the_report_is_a_table_if_its_name_says_so(tmp_path: Path, cat: bytes) -> None:
    (tmp_path / "in").mkdir()
    for name in ("=1+1.png", "b.png"):
        (tmp_path / "in" / name).write_bytes(cat)
    for name in ("r.csv", "r.parquet"):
        options = UpscaleOptions(src=str(tmp_path / "in"), report=str(tmp_path / name))
        batch_upscale.fn(options)
    (kept, _) = sorted((tmp_path / "in-upscaled" / ".srcnn" / "runs").glob("*.json"))
    assert len(read_rows(kept)) == 2
    assert (
        b'\n"./=1+1.png","./=1+1.png","written",2,2,8,10,16,20,'
        in (tmp_path / "r.csv").read_bytes()
    )
    rows = pq.read_table(io.BytesIO((tmp_path / "r.parquet").read_bytes())).to_pylist()
    assert [(row["source"], row["status"], row["width_out"]) for row in rows] == [
        ("=1+1.png", "skipped", 20),
        ("b.png", "skipped", 20),
    ]


def test_an_inventory_without_only_listed_is_refused_with_the_option(
    tmp_path: Path, cat: bytes
) -> None:
    (tmp_path / "cat.png").write_bytes(cat)
    manifest, part = tmp_path / "manifest.json", tmp_path / "part.parquet"
    manifest.write_bytes(make_manifest("photos", "CSV", ["1.csv.gz"]))
    part.write_bytes(make_parquet_part([make_row("photos", "cat.png")]))
    for listed in (manifest, part):
        done = run_here(app, "--src", tmp_path, "--scales", listed)
        assert done.returncode == 2
        assert f"{listed}: an S3 Inventory lists images and gives no scales: add" in done.stderr


@pytest.mark.parametrize("option", [[], ["--only-listed"]], ids=str)
def test_damaged_parquet_is_named(tmp_path: Path, cat: bytes, option: list[str]) -> None:
    (tmp_path / "cat.png").write_bytes(cat)
    listed = tmp_path / "list.parquet"
    listed.write_bytes(b"PAR1 and no more")
    done = run_here(app, "--src", tmp_path, "--scales", listed, *option)
    assert done.returncode == 2
    assert f"error: {listed}: cannot be read as Parquet: " in done.stderr


def test_a_name_that_no_bucket_can_have_fails_alone(
    bucket: str, tmp_path: Path, cat: bytes
) -> None:
    Folder(f"{bucket}/in").write("cat.png", cat)
    listed = tmp_path / "list.jsonl"
    listed.write_text('{"path": "caf\\udce9.png"}\n{"path": "cat.png"}\n')
    rows = upscale(tmp_path, src=f"{bucket}/in", dst=f"{bucket}/out", scales=str(listed))
    assert rows["cat.png"]["status"] == "written"
    assert rows["caf\udce9.png"]["error"]["message"].endswith("its name is not UTF-8: rename it")


@pytest.mark.parametrize("mode", [[], ["--dry-run"]], ids=str)
def test_an_empty_list_is_a_warning_about_the_list(
    tmp_path: Path, cat: bytes, mode: list[str]
) -> None:
    (tmp_path / "cat.png").write_bytes(cat)
    listed = tmp_path / "list.csv"
    listed.write_text("path,scale\n")
    done = run_here(app, "--src", tmp_path, "--scales", listed, "--only-listed", *mode)
    assert done.returncode == 0
    assert f"no images in {listed}\n" in done.stderr
