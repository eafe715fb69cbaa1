"""No run asks for the address of a host that nobody configured, and none leaves a device's id."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support.lookups import find_obstacle, record_lookups
from tests.support.paths import ROOT

OBSTACLE = find_obstacle()
pytestmark = pytest.mark.skipif(bool(OBSTACLE), reason=OBSTACLE or "no obstacle")

# ONNX Runtime asks for its maker's host some seconds after its import.
WAIT = "import time; time.sleep(12)"
UNGUARDED = f"""
import socket
try:
    socket.getaddrinfo("configured.example", 443)
except OSError:
    import onnxruntime
{WAIT}
"""
UPSCALE = f"""
import sys
from flows.upscale import app
from flows.cli import run
status = run(app, sys.argv[1:])
{WAIT}
sys.exit(status)
"""
# Prefect reports more from a terminal than from elsewhere.
IN_TERMINAL = """
import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn([sys.executable, *sys.argv[1:]])))
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    """Few: variables such as CI switch off what is looked for."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT)}


def list_ids(home: Path) -> list[str]:
    """ONNX Runtime's; Prefect keeps one in its own home, which it sends to nobody."""
    return [str(path.relative_to(home)) for path in home.rglob("*deviceid*")]


def test_the_recorder_sees_lookups(environment: dict[str, str], home: Path) -> None:
    done, names = record_lookups([sys.executable, "-c", UNGUARDED], environment, ROOT)
    assert done.returncode == 0, done.stderr
    assert "configured.example" in names
    # Builds of ONNX Runtime that report nothing leave no identifier either.
    assert len(names) > 1 or not list_ids(home)


@pytest.mark.parametrize("track", [pytest.param("--no-track", marks=pytest.mark.long), "--track"])
def test_a_run_looks_up_no_name(
    track: str, environment: dict[str, str], home: Path, pictures: Path
) -> None:
    words = ["-c", UPSCALE, "--src", str(pictures), track]
    done, names = record_lookups([sys.executable, "-c", IN_TERMINAL, *words], environment, ROOT)
    assert done.returncode == 0, done.stdout
    assert names <= {"localhost"}
    assert list_ids(home) == []


def test_a_bucket_is_the_only_name_that_is_looked_up(
    environment: dict[str, str], home: Path
) -> None:
    configured = {
        "AWS_ENDPOINT_URL": "http://bucket.example:9000",
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "key",
        "SRCNN_STORAGE_ATTEMPTS": "1",
    }
    words = ["-c", UPSCALE, "--src", "s3://photos/in", "--no-track"]
    done, names = record_lookups([sys.executable, *words], environment | configured, ROOT)
    assert done.returncode == 2, done.stderr
    assert names == {"bucket.example"}
    assert list_ids(home) == []
