"""Alerts, and the place of a run that died, as deploy/README.md has them. No flow is run."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas import FlowRun, State, StateType
from prefect.client.schemas.actions import WorkPoolUpdate

from tests.support.paths import ROOT
from tests.support.servers.prefect_server import Deployment
from tests.support.servers.webhook import Webhook

README = (ROOT / "deploy" / "README.md").read_text()
SHORTEST_SECONDS = 10  # that Prefect takes for `within`
WAIT_SECONDS = 90.0


@dataclass(frozen=True)
class Nights:
    """A server whose worker is paused, so that states are what a test makes them."""

    server: Deployment
    client: SyncPrefectClient
    webhook: Webhook
    deployment: UUID

    def start(self, *states: StateType) -> tuple[FlowRun, State]:
        """Create a run, propose states as its worker does; return it with the last one."""
        run = self.client.create_flow_run_from_deployment(
            self.deployment, parameters={"options": {"src": "/data/photos"}}
        )
        state = run.state
        for each in states:
            state = self.set_state(run, each)
        assert state
        return run, state

    def set_state(self, run: FlowRun, kind: StateType) -> State:
        state = self.client.set_flow_run_state(run.id, State(type=kind)).state
        assert state
        return state

    def free(self, run: FlowRun) -> None:
        self.client.set_flow_run_state(run.id, State(type=StateType.COMPLETED), force=True)

    def create_automation(self, automation: dict[str, Any]) -> None:
        created = self.client._client.post("/automations/", json=automation)
        assert created.status_code == 201, created.text


def read_commands(heading: str) -> str:
    """Return the commands below a heading of deploy/README.md."""
    part = README.split(f"\n### {heading}\n")[1].split("\n## ")[0]
    (commands, *_) = re.findall("```sh\n(.*?)```", part, re.DOTALL)
    return str(commands)


def read_automations(name: str) -> list[dict[str, Any]]:
    content = yaml.safe_load((ROOT / "deploy" / name).read_text())
    automations: list[dict[str, Any]] = content["automations"]
    for each in automations:
        each["trigger"]["within"] = min(each["trigger"]["within"], SHORTEST_SECONDS)
    return automations


@pytest.fixture(scope="module")
def nights(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    """Alerts created by the commands of the README, to a webhook."""
    folder = tmp_path_factory.mktemp("alerts")
    (folder / "impatient.yaml").write_text(
        yaml.safe_dump({"automations": read_automations("alerts.yaml")})
    )
    commands = read_commands("Alerts")
    commands = commands.replace("deploy/alerts.yaml", str(folder / "impatient.yaml"))
    commands = commands.replace("/tmp/alerts.yaml", str(folder / "alerts.yaml"))  # noqa: S108 - as written there
    with Webhook() as webhook, deployment.client() as client:
        path = f"{Path(sys.executable).parent}:{deployment.environment['PATH']}"
        done = subprocess.run(
            ["/bin/sh", "-euc", commands],
            cwd=ROOT,
            env=deployment.environment | {"PATH": path, "ALERT_URL": webhook.url},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        client.update_work_pool("srcnn", WorkPoolUpdate(is_paused=True))
        deployed = client.read_deployment_by_name("batch-upscale/batch-upscale")
        try:
            yield Nights(deployment, client, webhook, deployed.id)
        finally:
            client.update_work_pool("srcnn", WorkPoolUpdate(is_paused=False))
            for each in client._client.post("/automations/filter", json={}).json():
                client._client.delete(f"/automations/{each['id']}")


def test_failed_skipped_and_late_runs_are_reported_and_cancelled_ones_are_not(
    nights: Nights,
) -> None:
    late, _ = nights.start()
    failed, _ = nights.start(StateType.PENDING, StateType.RUNNING)
    skipped, state = nights.start(StateType.PENDING)
    assert (state.name, state.message) == ("Cancelled", "Deployment concurrency limit reached.")
    assert "Cancelled" in nights.webhook.wait_for(skipped.name)
    message = "3 of 9 images failed"
    nights.client.set_flow_run_state(failed.id, State(type=StateType.FAILED, message=message))
    assert message in nights.webhook.wait_for(failed.name)
    cancelled, _ = nights.start(StateType.CANCELLED)
    assert "batch-upscale: Late" in nights.webhook.wait_for(late.name)
    assert not [text for text in nights.webhook.texts if cancelled.name in text]
    nights.free(late)


def test_the_command_of_the_readme_frees_the_place_of_a_dead_run(nights: Nights) -> None:
    dead, _ = nights.start(StateType.PENDING, StateType.RUNNING)
    part = README.split("\n### Stopping\n")[1]
    found = re.search(r"prefect api (POST) (/flow_runs/ID/\w+) \\\n  --data '(.*)'\n", part)
    assert found
    method, path, data = found.groups()
    done = nights.server.run("api", method, path.replace("ID", str(dead.id)), "--data", data)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Its process is gone." in nights.webhook.wait_for(dead.name)
    after, state = nights.start(StateType.PENDING)
    assert state.type == StateType.PENDING
    nights.free(after)


def test_the_automation_frees_the_place_of_a_run_without_heartbeats(nights: Nights) -> None:
    (automation,) = [
        each
        for each in read_automations("automations.yaml")
        if each["name"] == "Mark dead runs as crashed"
    ]
    nights.create_automation(automation)
    dead, _ = nights.start(StateType.PENDING, StateType.RUNNING)
    heartbeat = {
        "id": str(uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": "prefect.flow-run.heartbeat",
        "resource": {"prefect.resource.id": f"prefect.flow-run.{dead.id}"},
    }
    nights.client._client.post("/events", json=[heartbeat])
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        state = nights.client.read_flow_run(dead.id).state
        assert state
        if state.is_final():
            break
        time.sleep(0.5)
    assert state.name == "Crashed"
    after, state = nights.start(StateType.PENDING)
    assert state.type == StateType.PENDING
    nights.free(after)
