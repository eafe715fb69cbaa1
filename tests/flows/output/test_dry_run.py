"""What a dry run says: by its structure, for folders of every kind; and that nothing is written."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from flows.execution.estimate_run import estimate_run
from flows.execution.runners import Runner
from flows.execution.task_calls import choose_task_calls
from flows.output.log_dry_run import describe_image
from flows.output.log_estimate import announce_early, log_accuracy
from flows.upscale import app
from srcnn.estimation.first_images import EarlyEstimate
from srcnn.estimation.interval import Interval
from srcnn.geometry import Size
from srcnn.image_task import ImageResult
from srcnn.planning.plan import Plan, make_plan
from srcnn.planning.select_images import PlanOptions
from tests.support.jobs import make_job
from tests.support.run_here import run_here
from tests.support.servers.seaweedfs import S3Server

VALUE = r"\d+(\.\d)? ?\w*"
ESTIMATE = (
    rf"would take ({VALUE} to|about) {VALUE} and write ({VALUE} to|about) {VALUE}: estimated from"
)


def dry_run(pictures: Path, *arguments: str | Path, status: int = 0) -> str:
    before = sorted(pictures.parent.rglob("*"))
    done = run_here(app, pictures, "--dry-run", *arguments)
    assert done.returncode == status, done.stderr
    assert sorted(pictures.parent.rglob("*")) == before
    return done.stderr


def test_a_summary_and_an_estimate(pictures: Path) -> None:
    text = dry_run(pictures)
    assert "would write 4 images: " in text
    assert "1 png" in text
    assert "largest results: cat.png (104x80 px), " in text
    assert "4 images: 4 would be written" in text
    assert re.search(rf"{ESTIMATE} 4 images, processed on this machine in ", text), text
    assert "cat.png: would write" not in text


def test_nothing_to_do_takes_no_measurement(pictures: Path) -> None:
    assert run_here(app, pictures).returncode == 0
    text = dry_run(pictures)
    assert "would skip 4 images: 4 up to date" in text
    assert "would take" not in text
    assert "in memory" not in text
    assert "would skip 4 images: 4 there already" in dry_run(pictures, "--overwrite", "never")


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    text = dry_run(tmp_path / "none")
    assert "no images in " in text
    assert "0 images: 0 would be written" in text
    assert "would take" not in text


def test_images_that_are_large_enough(pictures: Path) -> None:
    text = dry_run(pictures, "--scale", "longest=30", "--when-larger", "skip")
    assert "would skip 4 images: 4 large enough" in text


def test_refusals_are_grouped_with_a_few_names(pictures: Path) -> None:
    for number in range(5):
        (pictures / f"bad {number}.png").write_bytes(b"no image")
    text = dry_run(pictures, status=1)
    expected = "would refuse 5 images: DamagedImage: not a readable image"
    assert text.count("DamagedImage") == text.count(expected) == 1
    assert "(bad 0.png, bad 1.png, bad 2.png, and 2 more)" in text


def test_damaged_images_of_the_sample_may_fail(pictures: Path) -> None:
    (pictures / "cut.png").write_bytes((pictures / "cat.png").read_bytes()[:-40])
    text = dry_run(pictures)
    assert "1 of the 5 images that were tried failed:\ncut.png: DamagedImage: " in text
    assert re.search(ESTIMATE, text)


def test_a_folder_of_damaged_images_has_no_estimate(pictures: Path) -> None:
    cut = (pictures / "cat.png").read_bytes()[:-40]
    for path in pictures.rglob("*.*"):
        path.unlink()
    (pictures / "cut.png").write_bytes(cut)
    text = dry_run(pictures)
    assert "none of the 1 images that were tried could be processed, for example cut.png: " in text
    assert "would take" not in text


def test_the_report_has_all_images_and_the_estimate(pictures: Path, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.json"
    file.touch()
    dry_run(pictures, "--report", file)
    report = json.loads(file.read_text())
    assert len(report["images"]) == 4
    estimate = report["run"]["estimate"]
    assert 0 < estimate["seconds"][0] < estimate["seconds"][1]
    assert 0 < estimate["bytes"][0] < estimate["bytes"][1]
    assert estimate["images"] == 4


def test_a_list_is_of_a_dry_run(pictures: Path) -> None:
    done = run_here(app, pictures, "--list")
    assert done.returncode == 2
    assert "--list shows what --dry-run would do" in done.stderr
    assert not Path(f"{pictures}-upscaled").exists()


def test_on_a_bucket_what_was_not_measured_is_said(
    s3_server: S3Server, bucket: str, pictures: Path
) -> None:
    fs, name = s3_server.filesystem(), bucket.removeprefix("s3://")
    for path in ("cat.png", "cats/eye.jpg"):
        fs.pipe_file(f"{name}/in/{path}", (pictures / path).read_bytes())
    before = sorted(fs.find(name))
    done = run_here(app, f"{bucket}/in", f"{bucket}/out", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert re.search(rf"reading {bucket}/in was measured: {VALUE}/s\n", done.stderr)
    writing = rf"not in the time, because not measured: writing .* to {bucket}/out\n"
    assert re.search(writing, done.stderr)
    fs.invalidate_cache()
    assert sorted(fs.find(name)) == before


def test_a_line_of_the_list_has_the_quality_that_would_be_taken() -> None:
    image = ImageResult("a.jpg", "a.jpg", "written", (2, 2), Size(20, 30), Size(40, 60), quality=75)
    assert describe_image(image) == "a.jpg: would write a.jpg, 30x20 -> 60x40 px, q75"
    clean = replace(image, quality=99, status="skipped")
    assert describe_image(clean) == "a.jpg: skipped a.jpg, 30x20 -> 60x40 px"


class Cluster:
    """A runner whose images are processed elsewhere."""

    remote = True


def test_another_machine_is_not_estimated_by_this_one(
    pictures: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "srcnn")
    job = make_job(pictures)
    tasks = make_plan(job, PlanOptions()).tasks
    found = estimate_run(choose_task_calls(), job, Plan(tasks, []), cast("Runner", Cluster()), 0)
    assert found is None
    assert "no estimate of the time: the images are processed on other machines" in caplog.text


def test_a_run_says_how_near_its_estimate_came(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "srcnn")
    estimate = EarlyEstimate(Interval(720, 900), 40)
    announce_early(estimate)
    log_accuracy(estimate, 800)
    assert [record.getMessage() for record in caplog.records] == [
        "estimated: 12 to 15 min in all, by the first 40 images",
        "took 13 min; after its first 40 images, 12 to 15 min had been estimated",
    ]
