"""The nightly schedule of deploy/prefect.yaml, made to come due within seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas import FlowRun
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.responses import DeploymentResponse

from tests.support.paths import ROOT
from tests.support.servers.prefect_pages import find_browser, open_page
from tests.support.servers.prefect_server import AUTH, PrefectServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

BATCH = "batch-upscale"
_INTERVAL_SECONDS = 20
_RUN_SECONDS = 180.0
_CLICKS, _CLICK_SECONDS = 5, 10.0


def deploy_copies(
    server: PrefectServer, file: Path, options: Mapping[str, dict[str, Any]], *, active: str = ""
) -> None:
    """Deploy copies of `batch-upscale` with a schedule that is due every 20 s.

    Args:
        server: with a worker.
        file: where to write the copy of deploy/prefect.yaml.
        options: what to enter in place of the bucket, by the name of the copy.
        active: the copy whose schedule is switched on in the file.
    """
    content = yaml.safe_load((ROOT / "deploy" / "prefect.yaml").read_text())
    (batch,) = [each for each in content["deployments"] if each["name"] == BATCH]
    content["deployments"] = [
        _copy(batch, name, given, active=name == active) for name, given in options.items()
    ]
    file.write_text(yaml.safe_dump(content))
    done = server.run("--no-prompt", "deploy", "--all", "--prefect-file", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def _copy(
    batch: dict[str, Any], name: str, options: dict[str, Any], *, active: bool
) -> dict[str, Any]:
    """Return the deployment under another name, with these options wherever it has its own."""
    copy = deepcopy(batch) | {"name": name}
    (schedule,) = copy["schedules"]
    for place in (copy, schedule):
        if "parameters" in place:
            place["parameters"]["options"] |= options
    for timing in ("cron", "timezone"):
        del schedule[timing]
    schedule["interval"] = _INTERVAL_SECONDS
    schedule["active"] |= active
    return copy


def read_deployment(client: SyncPrefectClient, name: str) -> DeploymentResponse:
    """Read a copy by its name."""
    return client.read_deployment_by_name(f"{BATCH}/{name}")


def resume_by_command(server: PrefectServer, name: str) -> None:
    """Switch a schedule on by the command of deploy/README.md."""
    with server.client() as client:
        (schedule,) = read_deployment(client, name).schedules
    done = server.run("deployment", "schedule", "resume", f"{BATCH}/{name}", str(schedule.id))
    assert done.returncode == 0, done.stdout + done.stderr


def resume_by_page(server: PrefectServer, name: str) -> None:
    """Click a schedule's switch in Prefect's page: on, off, and on again."""
    browser = find_browser()
    assert browser
    with server.client() as client, open_page(browser) as page:
        deployed = read_deployment(client, name)
        page.goto(server.url)
        page.get_by_placeholder("admin:pass").fill(AUTH)
        page.get_by_role("button", name="Login").click()
        page.wait_for_url("**/dashboard**")
        for active in (True, False, True):
            page_url = f"{server.url}/v2/deployments/deployment/{deployed.id}"
            clicked = _click_switch(page, page_url, partial(read_deployment, client, name), active)
            assert clicked.parameters == deployed.parameters
            assert clicked.schedules[0].parameters == deployed.schedules[0].parameters


def _click_switch(
    page: Page,
    url: str,
    read: Callable[[], DeploymentResponse],
    wanted: bool,  # noqa: FBT001
) -> DeploymentResponse:
    """Open a deployment's page and click its switch, until the server says that it has changed.

    Again, because Prefect's server refuses a request while its SQLite is locked.
    """
    for _ in range(_CLICKS):
        page.goto(url)
        page.get_by_role("switch").first.wait_for()
        unwanted = page.get_by_role("switch", checked=not wanted)
        if unwanted.count():
            unwanted.first.click()
        deadline = time.monotonic() + _CLICK_SECONDS
        while time.monotonic() < deadline:
            if (found := read()).schedules[0].active == wanted:
                return found
            time.sleep(0.2)
    pytest.fail(f"after {_CLICKS} clicks, the schedule is not {'on' if wanted else 'off'}")


def wait_for_first(server: PrefectServer, name: str) -> FlowRun:
    """Wait until a scheduled run has ended, and delete its deployment; return the run."""
    deadline = time.monotonic() + _RUN_SECONDS
    with server.client() as client:
        deployed = read_deployment(client, name)
        of_copy = DeploymentFilter(id=DeploymentFilterId(any_=[deployed.id]))
        while time.monotonic() < deadline:
            runs = client.read_flow_runs(deployment_filter=of_copy)
            ended = [run for run in runs if run.state and run.state.is_final()]
            # While the first is in progress, those that come due are cancelled.
            if worked := [run for run in ended if run.state_name != "Cancelled"]:
                client.delete_deployment(deployed.id)
                return worked[0]
            time.sleep(0.5)
    pytest.fail(f"no scheduled run of {name} has ended")
