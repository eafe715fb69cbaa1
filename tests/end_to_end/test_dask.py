"""Shards on a real Dask cluster: a scheduler and worker processes on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from distributed import Client

from flows.execution.runners import make_runner
from flows.options.upscale import UpscaleOptions
from flows.upscale import batch_upscale
from srcnn.errors import UsageError
from tests.support.paths import ROOT
from tests.support.run_python import Run
from tests.support.servers.dask_cluster import DaskCluster

IMAGES = 24


@pytest.fixture(scope="module")
def cluster() -> Iterator[DaskCluster]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    with DaskCluster(2, clean) as started:
        yield started


@pytest.fixture
def many(tmp_path: Path, photograph: npt.NDArray[np.uint8]) -> Path:
    """So many images that a worker can be killed before they are done."""
    folder = tmp_path / "many"
    folder.mkdir()
    for index in range(IMAGES):
        cv2.imwrite(str(folder / f"{index:02}.png"), photograph[index : index + 100, :160])
    return folder


def outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.png")}


def expected(many: Path) -> dict[str, bytes]:
    folder = many.parent / "expected"
    batch_upscale.fn(UpscaleOptions(src=str(many), dst=str(folder), scale="3"))
    return outputs(folder)


def start(many: Path, cluster: DaskCluster, environment: dict[str, str]) -> subprocess.Popen[str]:
    settings = {"SRCNN_DASK_ADDRESS": cluster.address, "SRCNN_SHARD_IMAGES": "2"}
    return subprocess.Popen(
        [
            *(sys.executable, "flows/upscale.py", "--runner", "dask"),
            *("--src", str(many), "--scale", "3"),
        ],
        cwd=ROOT,
        env=environment | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_a_shard(dst: Path) -> None:
    until = time.monotonic() + 60
    while not list(dst.glob(".srcnn/ledger/*.jsonl")):
        assert time.monotonic() < until, "no shard was finished"
        time.sleep(0.02)


def test_a_cluster_makes_what_threads_make(
    many: Path, cluster: DaskCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRCNN_DASK_ADDRESS", cluster.address)
    dst = many.parent / "out"
    with Client(cluster.address) as client:
        client.get_task_stream()  # from now on the scheduler remembers who did what
        counts = batch_upscale.fn(
            UpscaleOptions(src=str(many), dst=str(dst), scale="3", runner="dask")
        )
        workers = {task["worker"] for task in client.get_task_stream()}
    assert counts == {"requested": IMAGES, "written": IMAGES, "skipped": 0, "failed": 0}
    assert outputs(dst) == expected(many)
    assert len(workers) == 2
    assert "Traceback" not in cluster.log()


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_tracked_run_on_a_cluster(
    many: Path, cluster: DaskCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRCNN_DASK_ADDRESS", cluster.address)
    (many / "cut.png").write_bytes((many / "00.png").read_bytes()[:-40])
    dst = many.parent / "out"
    options = UpscaleOptions(src=str(many), dst=str(dst), scale="3", runner="dask")
    state = batch_upscale(options, return_state=True)
    assert state.is_failed()
    assert "1 of 25 images failed; report: " in (state.message or "")
    (many / "cut.png").unlink()
    assert outputs(dst) == expected(many)


def test_a_killed_worker_costs_nothing_but_time(
    many: Path, cluster: DaskCluster, clean_environment: dict[str, str]
) -> None:
    process = start(many, cluster, clean_environment)
    dst = Path(f"{many}-upscaled")
    wait_for_a_shard(dst)
    cluster.kill_worker()
    cluster.add_worker()
    _, stderr = process.communicate(timeout=120)
    cluster.wait_for(2)
    assert process.returncode == 0, stderr
    assert "Failed to initialize plugins" not in cluster.log()
    assert f"{IMAGES} images: {IMAGES} written" in stderr
    assert outputs(dst) == expected(many)


def test_ctrl_c_reaches_the_workers_and_a_later_run_goes_on(
    many: Path, cluster: DaskCluster, clean_environment: dict[str, str]
) -> None:
    process = start(many, cluster, clean_environment)
    dst = Path(f"{many}-upscaled")
    wait_for_a_shard(dst)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    (report,) = (dst / ".srcnn" / "runs").glob("*.json")
    counts = json.loads(report.read_text())["counts"]
    assert 0 < counts["written"] < IMAGES
    done = start(many, cluster, clean_environment)
    _, stderr = done.communicate(timeout=120)
    assert done.returncode == 0
    assert f"{counts['failed']} written" in stderr
    assert f"{counts['written']} skipped" in stderr
    assert outputs(dst) == expected(many)


def test_a_run_whose_scheduler_dies_accounts_for_every_image(
    many: Path, clean_environment: dict[str, str]
) -> None:
    dst = Path(f"{many}-upscaled")
    with DaskCluster(1, clean_environment) as own:
        process = start(many, own, clean_environment)
        wait_for_a_shard(dst)
        own.kill_scheduler()
        _, stderr = process.communicate(timeout=120)
    assert process.returncode == 1, stderr
    assert (
        f"of {IMAGES} images failed (the connection to the Dask scheduler was lost); report: "
        in stderr
    )
    assert "Traceback" not in stderr
    (report,) = (dst / ".srcnn" / "runs").glob("*.json")
    images = json.loads(report.read_text())["images"]
    assert len(images) == IMAGES
    assert {image["error"]["type"] for image in images if image["error"]} == {"Lost"}
    assert not list((dst / ".srcnn").glob("lock/*"))


def test_a_third_ctrl_c_ends_a_run_that_nobody_works_for(
    many: Path, clean_environment: dict[str, str]
) -> None:
    with DaskCluster(1, clean_environment) as own:
        process = start(many, own, clean_environment)
        wait_for_a_shard(Path(f"{many}-upscaled"))
        own.kill_worker()
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(1)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "dropping the images in progress" in stderr
    (report,) = Path(f"{many}-upscaled").glob(".srcnn/runs/*.json")
    assert json.loads(report.read_text())["counts"]["requested"] == IMAGES
    assert not list(Path(f"{many}-upscaled").glob(".srcnn/lock/*"))


@pytest.mark.long
@pytest.mark.usefixtures("prefect_server")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_tracked_run_whose_scheduler_dies_ends_too(
    many: Path, clean_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dst = Path(f"{many}-upscaled")
    monkeypatch.setenv("SRCNN_SHARD_IMAGES", "1")
    with DaskCluster(1, clean_environment) as own, ThreadPoolExecutor() as pool:
        monkeypatch.setenv("SRCNN_DASK_ADDRESS", own.address)
        options = UpscaleOptions(src=str(many), scale="3", runner="dask")
        running = pool.submit(copy_context().run, batch_upscale, options, return_state=True)
        wait_for_a_shard(dst)
        own.kill_scheduler()
        state = running.result(timeout=120)
    assert state.is_failed()
    assert (
        "images failed (the connection to the Dask scheduler was lost); report: " in state.message
    )
    assert not list((dst / ".srcnn").glob("lock/*"))


def test_a_run_without_workers_ends(many: Path, clean_environment: dict[str, str]) -> None:
    dst = Path(f"{many}-upscaled")
    with DaskCluster(1, clean_environment) as own:
        process = start(many, own, clean_environment)
        wait_for_a_shard(dst)
        own.kill_worker()
        _, stderr = process.communicate(timeout=120)
    assert process.returncode == 1, stderr
    sentence = f"of {IMAGES} images failed (the Dask cluster has had no workers for 20 s); report: "
    assert sentence in stderr
    assert "Traceback" not in stderr
    assert not list((dst / ".srcnn").glob("lock/*"))


# What Python runs first in a process that finds it on its path: hides our packages.
WITHOUT_PACKAGE = """import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("srcnn", "tasks", "flows"):
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Hidden())
"""


def test_workers_that_lack_the_package_are_named(
    run: Run, pictures: Path, tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_PACKAGE)
    check_refused(run, pictures, clean_environment | {"PYTHONPATH": str(tmp_path)}, "No module")


def test_workers_with_another_version_are_named(
    run: Run, pictures: Path, tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    old = tmp_path / "srcnn_batch-0.0.9.dist-info"
    old.mkdir()
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: srcnn-batch\nVersion: 0.0.9\n")
    # Without the working folder on the path: an editable install lies there.
    path = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "PYTHONSAFEPATH": "1"}
    check_refused(run, pictures, clean_environment | path, "srcnn-batch 0.0.9")


def check_refused(run: Run, pictures: Path, workers: dict[str, str], found: str) -> None:
    with DaskCluster(1, workers) as own:
        done = run(
            *("flows/upscale.py", "--src", pictures, "--runner", "dask"),
            SRCNN_DASK_ADDRESS=own.address,
        )
        assert "Traceback" not in own.log()
    assert done.returncode == 2, done.stderr
    assert "error: the Dask process at tcp://127.0.0.1:" in done.stderr
    assert found in done.stderr
    assert "Traceback" not in done.stderr
    assert not Path(f"{pictures}-upscaled").exists()


def test_no_scheduler_is_reported_in_a_sentence(run: Run, pictures: Path) -> None:
    with pytest.raises(UsageError, match="--runner dask needs SRCNN_DASK_ADDRESS"):
        make_runner("dask", None, None)
    dead = {"SRCNN_DASK_ADDRESS": "tcp://127.0.0.1:1"}
    done = run("flows/upscale.py", "--src", pictures, "--runner", "dask", **dead)
    assert done.returncode == 2
    assert "error: the Dask scheduler at tcp://127.0.0.1:1 cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr
