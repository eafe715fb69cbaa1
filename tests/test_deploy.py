"""`deploy/prefect.yaml`: what it names exists, and its parameters are options."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.flows import load_flow_from_entrypoint

ROOT = Path(__file__).parent.parent
CONTENT: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "prefect.yaml").read_text())


def test_both_flows_are_deployed_under_their_names() -> None:
    names = {deployment["name"] for deployment in CONTENT["deployments"]}
    assert names == {"export-srcnn", "batch-upscale"}


@pytest.mark.parametrize("deployment", CONTENT["deployments"], ids=lambda each: each["name"])
def test_an_entrypoint_is_its_flow(
    deployment: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    flow = load_flow_from_entrypoint(deployment["entrypoint"])
    assert flow.name == deployment["name"]
    if deployment.get("parameters"):
        assert flow.validate_parameters(deployment["parameters"])


def test_runs_of_one_batch_never_overlap() -> None:
    (batch,) = [each for each in CONTENT["deployments"] if each["name"] == "batch-upscale"]
    assert batch["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
