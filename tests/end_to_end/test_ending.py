"""What ends a run early: too many failures, a held destination, a storage that goes away."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from flows.errors import BatchFailedError
from flows.options.upscale import UpscaleOptions
from flows.upscale import batch_upscale
from srcnn.destination.lock.acquire import hold
from srcnn.destination.lock.owner import Holder
from srcnn.storage.folder import Folder
from tests.support.paths import ROOT
from tests.support.run_python import Run
from tests.support.servers.faults import FaultProxy
from tests.support.servers.seaweedfs import S3Server

UPSCALE = "flows/upscale.py"


@pytest.fixture
def broken(tmp_path: Path, photograph: npt.NDArray[np.uint8]) -> Path:
    """Ten whole pictures and ten broken ones, which fail when they are decoded."""
    folder = tmp_path / "broken"
    folder.mkdir()
    for index in range(10):
        cv2.imwrite(str(folder / f"whole{index}.png"), photograph[index : index + 30, :40])
        whole = (folder / f"whole{index}.png").read_bytes()
        (folder / f"cut{index}.png").write_bytes(whole[: len(whole) // 2])
    return folder


def report_of(dst: str | Path) -> dict[str, Any]:
    (path,) = Path(dst, ".srcnn", "runs").glob("*.json")
    report: dict[str, Any] = json.loads(path.read_text())
    return report


def kinds(report: dict[str, Any]) -> list[str]:
    return [image["error"]["type"] for image in report["images"] if image["error"]]


@pytest.mark.parametrize("limit", ["2", "10%"])
def test_a_hopeless_run_ends_early_and_reports_every_image(
    run: Run, broken: Path, limit: str
) -> None:
    settings = {"SRCNN_SHARD_IMAGES": "1", "SRCNN_TRANSFERS": "1"}
    done = run(UPSCALE, "--src", broken, "--max-failures", limit, "--workers", "1", **settings)
    assert done.returncode == 1
    assert f"3 images failed, more than --max-failures {limit} allows" in done.stderr
    report = report_of(f"{broken}-upscaled")
    assert report["counts"]["requested"] == 20
    assert kinds(report).count("DamagedImage") == 3
    assert kinds(report).count("NotAttempted") == report["counts"]["failed"] - 3 > 0


def test_a_limit_that_is_not_passed_changes_nothing(broken: Path) -> None:
    with pytest.raises(BatchFailedError, match="10 of 20 images failed; report: "):
        batch_upscale.fn(UpscaleOptions(src=str(broken), max_failures="50%"))
    assert report_of(f"{broken}-upscaled")["counts"]["written"] == 10


def test_images_that_fail_in_planning_count(broken: Path) -> None:
    for path in broken.glob("cut*"):
        path.write_bytes(b"no image at all")
    with pytest.raises(BatchFailedError, match=r"20 of 20 .*10 not attempted: 10 images failed"):
        batch_upscale.fn(UpscaleOptions(src=str(broken), max_failures="5"))


def test_the_next_run_makes_what_was_not_attempted(broken: Path) -> None:
    with pytest.raises(BatchFailedError, match=r"20 of 20 .* not attempted: 1 image"):
        batch_upscale.fn(UpscaleOptions(src=str(broken), max_failures="0", workers=1))
    for path in broken.glob("cut*"):
        path.unlink()
    counts = batch_upscale.fn(UpscaleOptions(src=str(broken)))
    assert counts["failed"] == 0
    assert counts["written"] + counts["skipped"] == 10


def test_a_second_run_learns_who_holds_the_destination(run: Run, pictures: Path) -> None:
    dst = Path(f"{pictures}-upscaled")
    with hold(Folder(str(dst)), "the-first-run"):
        done = run(UPSCALE, "--src", pictures)
        assert done.returncode == 2
        assert "error: the destination is in use by run the-first-run (host " in done.stderr
        assert "remove " in done.stderr
        assert "Traceback" not in done.stderr
        looked = run(UPSCALE, "--src", pictures, "--dry-run")
        assert looked.returncode == 0, looked.stderr
    assert not dst.exists()
    assert run(UPSCALE, "--src", pictures).returncode == 0


def test_sigterm_while_planning_gives_the_destination_back(
    pictures: Path, clean_environment: dict[str, str]
) -> None:
    with FaultProxy("http://127.0.0.1:9") as proxy:  # nothing is behind it: every call hangs
        proxy.fail("hang", math.inf)
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        process = subprocess.Popen(
            [sys.executable, UPSCALE, "--src", "s3://nowhere/a", "--dst", str(pictures / "out")],
            cwd=ROOT,
            env=clean_environment | keys | {"AWS_ENDPOINT_URL": proxy.endpoint},
            stderr=subprocess.PIPE,
            text=True,
        )
        until = time.monotonic() + 60
        while not list((pictures / "out").glob(".srcnn/lock/*.json")):
            assert time.monotonic() < until
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 143, stderr
    assert "Traceback" not in stderr
    assert not (pictures / "out").exists()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little patience, one image at a time, and a look at the lock every few seconds."""
    monkeypatch.setenv("SRCNN_STORAGE_ATTEMPTS", "2")
    monkeypatch.setenv("SRCNN_STORAGE_TIMEOUT_SECONDS", "2")
    monkeypatch.setenv("SRCNN_SHARD_IMAGES", "1")
    monkeypatch.setenv("SRCNN_TRANSFERS", "1")
    monkeypatch.setenv("SRCNN_LOCK_SECONDS", "10")


@pytest.fixture
def far(s3_server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """A proxy that stands between this process and its bucket."""
    assert bucket
    with FaultProxy(s3_server.endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        yield proxy


@pytest.fixture
def photos(broken: Path, bucket: str, far: FaultProxy) -> str:
    """Ten whole pictures in the bucket, at the other end of that proxy."""
    assert far.endpoint
    for path in broken.glob("whole*"):
        Folder(bucket).write(f"photos/{path.name}", path.read_bytes())
    return f"{bucket}/photos"


def after_the_first_output(dst: Path, then: Callable[[], object]) -> None:
    def watch() -> None:
        until = time.monotonic() + 60
        while not list(dst.glob("*.png")) and time.monotonic() < until:
            time.sleep(0.005)
        then()

    threading.Thread(target=watch, daemon=True).start()


@pytest.mark.usefixtures("quick")
def test_a_source_that_goes_away_ends_the_run_and_a_later_one_goes_on(
    broken: Path, far: FaultProxy, photos: str
) -> None:
    dst = broken.parent / "out"
    options = UpscaleOptions(src=photos, dst=str(dst), workers=1, scale="16")
    after_the_first_output(dst, lambda: far.fail("reset", math.inf))
    with pytest.raises(BatchFailedError, match=r"not attempted: s3://.* cannot be listed"):
        batch_upscale.fn(options)
    report = report_of(dst)
    assert report["counts"]["requested"] == 10
    assert report["counts"]["written"] > 0
    assert "StorageUnavailable" in kinds(report)
    assert "NotAttempted" in kinds(report)
    far.heal()
    counts = batch_upscale.fn(options)
    assert (counts["written"], counts["failed"]) == (report["counts"]["failed"], 0)


@pytest.mark.usefixtures("quick")
def test_a_folder_that_goes_away_ends_the_run(broken: Path) -> None:
    dst = broken.parent / "out"
    after_the_first_output(dst, lambda: broken.rename(broken.parent / "elsewhere"))
    with pytest.raises(BatchFailedError, match=r"not attempted: .*broken: no such folder"):
        batch_upscale.fn(
            UpscaleOptions(src=str(broken), dst=str(dst), workers=1, scale="16", exclude=["cut*"])
        )
    assert kinds(report_of(dst)).count("FileNotFoundError") == 1


def test_a_full_disk_ends_the_run(broken: Path, clean_environment: dict[str, str]) -> None:
    dst = broken.parent / "small disk"
    dst.mkdir()
    mounted = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=200k none "$0" && exec "$@"']
    if subprocess.run([*mounted, dst, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system mounts no disk for its users")
    settings = {"SRCNN_SHARD_IMAGES": "1", "SRCNN_TRANSFERS": "1"}
    done = subprocess.run(
        [
            *(*mounted, dst, sys.executable, UPSCALE, "--src", broken, "--dst", dst),
            *("--workers", "1", "--scale", "6", "--exclude", "cut*"),
        ],
        cwd=ROOT,
        env=clean_environment | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "No space left on device" in done.stderr
    assert " not attempted: " in done.stderr


@pytest.mark.usefixtures("quick")
def test_a_run_whose_destination_is_taken_drops_its_images_in_progress(
    broken: Path, far: FaultProxy, photos: str
) -> None:
    """Someone who takes this run for dead, wrongly, is not written over."""
    dst = broken.parent / "out"
    far.fail("latency", math.inf, seconds=1)  # or it would be done before it looks at its lock
    other = Holder.for_this_process("another-run", 60).to_json()
    after_the_first_output(dst, lambda: Folder(str(dst)).create(".srcnn/lock/9.json", other))
    with pytest.raises(BatchFailedError, match="run another-run took over the destination"):
        batch_upscale.fn(UpscaleOptions(src=photos, dst=str(dst), workers=1))
    assert 0 < kinds(report_of(dst)).count("NotAttempted") < 10
