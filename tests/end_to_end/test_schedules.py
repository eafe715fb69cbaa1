"""The nightly schedule, switched on in each documented way, comes due and fills the bucket."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from tests.support.schedules import (
    deploy_copies,
    read_deployment,
    resume_by_command,
    resume_by_page,
    wait_for_first,
)
from tests.support.servers.prefect_pages import find_browser
from tests.support.servers.prefect_server import Deployment
from tests.support.servers.seaweedfs import S3Server

SCALE = 3
BROWSER = find_browser()


def stay(_server: Deployment, _name: str) -> None:
    """Do nothing: `active: true` in the file has switched it on."""


WAYS: dict[str, Callable[[Deployment, str], None]] = {
    "command": resume_by_command,
    "page": resume_by_page,
    "file": stay,
}


@pytest.fixture(scope="module")
def bucket_url(
    deployment: Deployment,
    s3_server: S3Server,
    photograph: npt.NDArray[np.uint8],
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """A bucket with one picture, and a copy of the deployment for each way, all switched on."""
    url = f"s3://{s3_server.make_bucket()}"
    png = cv2.imencode(".png", photograph[:40, :52])[1].tobytes()
    s3_server.filesystem().pipe_file(f"{url}/in/cat.png", png)
    file = tmp_path_factory.mktemp("schedules") / "prefect.yaml"
    options = {
        name: {"src": f"{url}/in", "dst": f"{url}/{name}", "scale": str(SCALE)} for name in WAYS
    }
    deploy_copies(deployment, file, options, active="file")
    for name, switch_on in WAYS.items():
        if BROWSER or name != "page":
            switch_on(deployment, name)
    return url


@pytest.mark.parametrize("name", WAYS)
def test_a_schedule_that_was_switched_on_makes_the_images(
    deployment: Deployment, s3_server: S3Server, bucket_url: str, name: str
) -> None:
    if name == "page" and BROWSER is None:
        pytest.skip("no Chromium or Chrome is installed")
    run = wait_for_first(deployment, name)
    assert run.auto_scheduled
    assert run.state_name == "Completed", deployment.worker.tail()
    written = s3_server.filesystem().cat_file(f"{bucket_url}/{name}/cat.png")
    picture = cv2.imdecode(np.frombuffer(written, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    assert picture.shape == (40 * SCALE, 52 * SCALE, 3)


def test_a_run_with_options_of_its_own_takes_none_of_the_night(
    deployment: Deployment, tmp_path: Path
) -> None:
    parameters = {"options": {"src": str(tmp_path)}}
    given = ["--params", json.dumps(parameters), "--start-in", "1 day"]
    done = deployment.run("deployment", "run", "batch-upscale", *given)
    assert done.returncode == 0, done.stdout + done.stderr
    with deployment.client() as client:
        deployed = read_deployment(client, "batch-upscale")
        assert deployed.parameters["options"]["dst"] == "s3://photos/upscaled"
        (run,) = [each for each in client.read_flow_runs() if each.parameters == parameters]
    assert run.deployment_id == deployed.id
