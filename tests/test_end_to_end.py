"""From cold to images in a bucket, by the commands of deploy/README.md, each a process."""

import json
import re
import time
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect_server import Deployment
from seaweedfs import S3Server

from flows.options import UpscaleOptions
from flows.upscale import batch_upscale

BATCH, EXPORT = "batch-upscale/batch-upscale", "export-srcnn/export-srcnn"
RUN_SECONDS = 90.0


def parameters(**options: str) -> list[str]:
    return ["--params", json.dumps({"options": options})]


def run_id(output: str) -> UUID:
    found = re.search("UUID: ([0-9a-f-]{36})", output)
    assert found, output
    return UUID(found[1])


def upload(pictures: Path, bucket: str, s3_server: S3Server) -> None:
    s3_server.filesystem().put(f"{pictures}/", f"{bucket}/in/", recursive=True)


def test_a_batch_run_by_name_fills_the_bucket(
    deployment: Deployment, s3_server: S3Server, bucket: str, pictures: Path
) -> None:
    upload(pictures, bucket, s3_server)
    options = parameters(src=f"{bucket}/in", dst=f"{bucket}/out", scale="1.5")
    done = deployment.run("deployment", "run", BATCH, "--watch", *options)
    assert done.returncode == 0, done.stdout + deployment.worker.tail()

    here = pictures.parent / "here"
    batch_upscale.fn(UpscaleOptions(src=str(pictures), dst=str(here), scale="1.5"))
    expected = [path for path in here.rglob("*.*") if ".srcnn" not in path.parts and path.is_file()]
    assert len(expected) == 4
    fs = s3_server.filesystem()
    for path in expected:
        assert fs.cat_file(f"{bucket}/out/{path.relative_to(here)}") == path.read_bytes()
    (report,) = fs.ls(f"{bucket}/out/.srcnn/runs", detail=False)
    assert json.loads(fs.cat_file(report))["counts"]["written"] == 4


def test_an_export_is_run_by_its_flow_name_alone(
    deployment: Deployment, s3_server: S3Server, bucket: str
) -> None:
    pytest.importorskip("torch")
    options = parameters(dst=f"{bucket}/models")
    done = deployment.run("deployment", "run", "export-srcnn", "--watch", *options)
    assert done.returncode == 0, done.stdout + done.stderr + deployment.worker.tail()
    assert s3_server.filesystem().exists(f"{bucket}/models/srcnn.onnx")
    of_run = ArtifactFilterFlowRunId(any_=[run_id(done.stdout)])
    with deployment.client() as client:
        artifacts = client.read_artifacts(artifact_filter=ArtifactFilter(flow_run_id=of_run))
    assert "srcnn-parity" in {artifact.key for artifact in artifacts}


def test_the_full_name_works_outside_of_the_project(deployment: Deployment, tmp_path: Path) -> None:
    later = ["--start-in", "1 day"]
    done = deployment.run("deployment", "run", EXPORT, *later, cwd=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    with deployment.client() as client:
        assert client.read_flow_run(run_id(done.stdout)).deployment_id


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"src": "x", "scale": "99"}, "Validation failed for field 'options.scale'"),
        ({"src": "x", "sale": "2"}, "'sale' was unexpected"),
        ({"scale": "2"}, "'src' is a required property"),
    ],
)
def test_bad_parameters_are_refused_in_a_sentence(
    deployment: Deployment, options: dict[str, str], told: str
) -> None:
    done = deployment.run("deployment", "run", BATCH, *parameters(**options))
    assert done.returncode == 1
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_second_run_is_cancelled_while_one_is_running(
    deployment: Deployment, s3_server: S3Server, bucket: str, pictures: Path
) -> None:
    upload(pictures, bucket, s3_server)
    options = {"options": {"src": f"{bucket}/in", "dst": f"{bucket}/out"}}
    with deployment.client() as client:
        batch = client.read_deployment_by_name(BATCH)
        runs = [client.create_flow_run_from_deployment(batch.id, parameters=options) for _ in "12"]
        until, states = time.monotonic() + RUN_SECONDS, [None]
        while not all(states) and time.monotonic() < until:
            read = [client.read_flow_run(run.id).state for run in runs]
            states = [state.name if state and state.is_final() else None for state in read]
            time.sleep(0.5)
    assert sorted(map(str, states)) == ["Cancelled", "Completed"]


def test_nothing_runs_at_night_until_somebody_says_so(deployment: Deployment) -> None:
    with deployment.client() as client:
        (schedule,) = client.read_deployment_by_name(BATCH).schedules
    assert not schedule.active
    assert schedule.schedule.timezone == "Europe/Berlin"


def test_the_automation_for_dead_runs_is_taken(deployment: Deployment) -> None:
    done = deployment.run("automation", "create", "--from-file", "deploy/automations.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_who_does_not_know_the_password_learns_nothing(deployment: Deployment) -> None:
    done = deployment.run("deployment", "ls", PREFECT_API_AUTH_STRING="admin:guess")
    assert done.returncode == 1
    assert "401" in done.stdout + done.stderr
    assert "export-srcnn" not in done.stdout
