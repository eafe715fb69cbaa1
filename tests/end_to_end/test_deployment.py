"""From cold to images in a bucket, by the commands of deploy/README.md, each a process."""

import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas import State
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

from flows.options.upscale import UpscaleOptions
from flows.upscale import batch_upscale
from tests.support.paths import ROOT
from tests.support.servers.prefect_server import Deployment
from tests.support.servers.seaweedfs import S3Server

BATCH, EXPORT = "batch-upscale/batch-upscale", "export-srcnn/export-srcnn"
RUN_SECONDS = 180.0


def parameters(**options: str) -> list[str]:
    return ["--params", json.dumps({"options": options})]


def run_id(output: str) -> UUID:
    found = re.search("UUID: ([0-9a-f-]{36})", output)
    assert found, output
    return UUID(found[1])


@dataclass(frozen=True)
class Batch:
    """Two runs of one batch, the second of them begun at once after the first."""

    pictures: Path
    url: str
    states: list[str]
    lines: list[str]  # of the list of runs: name and message


@pytest.fixture(scope="module")
def batch(
    deployment: Deployment,
    s3_server: S3Server,
    photograph: npt.NDArray[np.uint8],
    tmp_path_factory: pytest.TempPathFactory,
) -> Batch:
    pictures = tmp_path_factory.mktemp("pictures")
    (pictures / "cats").mkdir()
    cv2.imwrite(str(pictures / "cat.png"), photograph[:40, :52])
    cv2.imwrite(str(pictures / "cats" / "nose [1].webp"), photograph[60:101, 100:133])
    url = f"s3://{s3_server.make_bucket()}"
    s3_server.filesystem().put(f"{pictures}/", f"{url}/in/", recursive=True)
    options = {"src": f"{url}/in", "dst": f"{url}/out", "scale": "1.5"}
    begun = deployment.run("deployment", "run", BATCH, *parameters(**options))
    assert begun.returncode == 0, begun.stdout + begun.stderr
    with deployment.client() as client:
        deployed = client.read_deployment_by_name(BATCH)
        second = client.create_flow_run_from_deployment(
            deployed.id, parameters={"options": options}
        )
        both = (run_id(begun.stdout), second.id)
        states = [ended(client, each) for each in both]
        runs = [client.read_flow_run(each) for each in both]
    lines = [f"{run.name}: {run.state.message if run.state else ''}" for run in runs]
    return Batch(pictures, url, states, lines)


def ended(client: SyncPrefectClient, run: UUID) -> str:
    """The name of the state that a run ends in."""
    until = time.monotonic() + RUN_SECONDS
    while time.monotonic() < until:
        state = client.read_flow_run(run).state
        if state and state.is_final():
            return state.name or ""
        time.sleep(0.3)
    return "not ended"


def test_a_batch_run_by_name_fills_the_bucket(
    batch: Batch, s3_server: S3Server, deployment: Deployment
) -> None:
    assert "Completed" in batch.states, deployment.worker.tail()
    here = batch.pictures.parent / "here"
    batch_upscale.fn(UpscaleOptions(src=str(batch.pictures), dst=str(here), scale="1.5"))
    fs = s3_server.filesystem()
    for key in ("cat.png", "cats/nose [1].webp"):
        assert fs.cat_file(f"{batch.url}/out/{key}") == (here / key).read_bytes()
    (report,) = fs.glob(f"{batch.url}/out/.srcnn/runs/*.json")
    assert json.loads(fs.cat_file(report))["counts"]["written"] == 2


def test_the_list_of_runs_says_what_was_upscaled_and_how_it_went(batch: Batch) -> None:
    place = re.escape(batch.url.removeprefix("s3://"))
    counts = r"2 images: 2 written \(.*\), 0 skipped, 0 failed, .*"
    line = rf"{place}/in 20[-\d]+ \d\d:\d\d UTC: {counts}"
    assert any(re.fullmatch(line, each) for each in batch.lines), batch.lines


def test_a_second_run_is_cancelled_while_one_is_running(batch: Batch) -> None:
    assert sorted(batch.states) == ["Cancelled", "Completed"]


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
    ("options", "message"),
    [
        ({"src": "x", "scale": "99"}, "or a target in pixels"),
        ({"src": "x", "sale": "2"}, "'sale' was unexpected"),
        ({"scale": "2"}, "'src' is a required property"),
    ],
)
def test_bad_parameters_are_refused_in_a_sentence(
    deployment: Deployment, options: dict[str, str], message: str
) -> None:
    done = deployment.run("deployment", "run", BATCH, *parameters(**options))
    assert done.returncode == 1
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


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


@pytest.mark.parametrize("password", ["admin:guess", ""])
def test_a_command_without_the_password_says_what_to_check(
    deployment: Deployment, tmp_path: Path, password: str
) -> None:
    done = subprocess.run(
        [sys.executable, "flows/upscale.py", tmp_path, "--track"],
        env=deployment.environment | {"PREFECT_API_AUTH_STRING": password},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        f"error: the Prefect API at {deployment.api_url} refuses the request (status 401): check "
        "PREFECT_API_AUTH_STRING or PREFECT_API_KEY, or run with --no-track\n"
    )


def test_a_run_that_never_starts_is_marked_as_crashed(
    deployment: Deployment, tmp_path: Path
) -> None:
    name = "Mark runs that never start as crashed"
    content = yaml.safe_load((ROOT / "deploy" / "automations.yaml").read_text())
    (automation,) = [each for each in content["automations"] if each["name"] == name]
    automation["name"] = "Impatient"
    automation["trigger"]["within"] = 10  # the least that Prefect takes
    (tmp_path / "one.yaml").write_text(yaml.safe_dump({"automations": [automation]}))
    done = deployment.run("automation", "create", "--from-file", str(tmp_path / "one.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr
    try:
        state = wait_for_crash(deployment)
    finally:  # it would mark the runs of other tests
        deleted = deployment.run("--no-prompt", "automation", "delete", "Impatient")
        assert deleted.returncode == 0, deleted.stdout + deleted.stderr
    assert state.name == "Crashed"
    assert state.message == "Pending for 20 minutes. Run it again."


def wait_for_crash(deployment: Deployment) -> State:
    with deployment.client() as client:
        flow = client.create_flow_from_name("never-starts")
        new = {"flow_id": str(flow), "state": {"type": "PENDING"}}
        run = client._client.post("/flow_runs/", json=new).json()["id"]
        deadline = time.monotonic() + RUN_SECONDS
        while time.monotonic() < deadline:
            state = client.read_flow_run(run).state
            assert state
            if state.is_final():
                return state
            time.sleep(0.5)
    pytest.fail("the run is still pending")
