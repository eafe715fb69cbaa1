"""Credentials reach the bucket, and nothing else: whether from the environment or a block."""

import base64
import json
import sqlite3
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from tests.support.run_python import run_python
from tests.support.servers.prefect_server import AUTH, Deployment
from tests.support.servers.seaweedfs import SECRET_KEY, S3Server

BLOCK = "night-shift"
# The block says who, and where: runs that use it need no AWS_* at all.
SAVE_BLOCK = """
import json, sys
from prefect_aws import AwsCredentials
from prefect_aws.client_parameters import AwsClientParameters
given = json.load(sys.stdin)
where = AwsClientParameters(endpoint_url=given.pop("endpoint"))
AwsCredentials(aws_client_parameters=where, region_name="eu-west-1", **given).save(sys.argv[1])
"""


def forms(secret: str) -> Iterator[bytes]:
    """A secret in the clear, and what it is inside of base64, wherever it begins there."""
    yield secret.encode()
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + secret.encode())
        yield encoded[4 if offset else 0 : -4]  # without what depends on its neighbours


def run_here(
    server: Deployment, *arguments: str, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    return run_python(*arguments, environment=server.environment | environment, stdin=stdin)


@pytest.fixture(scope="module")
def photos(s3_server: S3Server, photograph: npt.NDArray[np.uint8]) -> str:
    """The URL of a bucket with a picture, and one that is damaged."""
    content = cv2.imencode(".png", photograph[:40, :50])[1].tobytes()
    bucket, fs = s3_server.make_bucket(), s3_server.filesystem()
    fs.pipe_file(f"{bucket}/in/cat.png", content)
    fs.pipe_file(f"{bucket}/in/cut.png", content[:-40])
    return f"s3://{bucket}"


def by_worker(deployment: Deployment, photos: str) -> subprocess.CompletedProcess[str]:
    """A run with the credentials of the worker's environment."""
    options = json.dumps({"options": {"src": f"{photos}/in", "dst": f"{photos}/by-worker"}})
    name = "batch-upscale/batch-upscale"
    return deployment.run("deployment", "run", name, "--watch", "--params", options)


def by_block(
    deployment: Deployment, photos: str, s3_server: S3Server
) -> subprocess.CompletedProcess[str]:
    """A run with the credentials of a block, and with no others."""
    given = {
        "aws_access_key_id": s3_server.access_key,
        "aws_secret_access_key": s3_server.secret_key,
        "endpoint": s3_server.endpoint,
    }
    saved = run_here(deployment, "-c", SAVE_BLOCK, BLOCK, stdin=json.dumps(given))
    assert saved.returncode == 0, saved.stderr
    words = ["--src", f"{photos}/in", "--dst", f"{photos}/by-block"]
    return run_here(deployment, "flows/upscale.py", *words, SRCNN_AWS_BLOCK=BLOCK)


@pytest.fixture(scope="module")
def runs(
    deployment: Deployment, photos: str, s3_server: S3Server
) -> dict[str, subprocess.CompletedProcess[str]]:
    """Both, at the same time."""
    with ThreadPoolExecutor() as pool:
        worker = pool.submit(by_worker, deployment, photos)
        block = pool.submit(by_block, deployment, photos, s3_server)
        return {"worker": worker.result(), "block": block.result()}


@pytest.fixture(scope="module")
def traces(
    deployment: Deployment,
    runs: dict[str, subprocess.CompletedProcess[str]],
    s3_server: S3Server,
    photos: str,
) -> dict[str, bytes]:
    """Everything that was printed, logged, kept by the server, or written to the bucket."""
    fs = s3_server.filesystem()
    found = {path: fs.cat_file(path) for path in fs.find(photos)}
    # Raw files, the write-ahead log too, and rows: a long value is scattered over pages.
    for path in deployment.home.rglob("*"):
        if path.is_file():
            found[path.name] = path.read_bytes()
    with closing(sqlite3.connect(deployment.home / "prefect.db")) as database:
        found["rows"] = "\n".join(database.iterdump()).encode()
    found["printed"] = "".join(done.stdout + done.stderr for done in runs.values()).encode()
    return found


def test_a_block_alone_opens_the_bucket(
    runs: dict[str, subprocess.CompletedProcess[str]], s3_server: S3Server, photos: str
) -> None:
    assert runs["block"].returncode == 1, runs["block"].stderr  # one picture is damaged
    assert "1 of 2 images failed" in runs["block"].stderr
    assert s3_server.filesystem().exists(f"{photos}/by-block/cat.png")


def test_what_is_searched_holds_both_runs(traces: dict[str, bytes], photos: str) -> None:
    names = {name.rpartition("/")[2].rpartition(".")[2] for name in traces}
    assert {"rows", "printed", "db", "log", "json", "jsonl", "png"} <= names
    for dst in ("by-worker", "by-block"):
        assert f"{photos}/{dst}".encode() in traces["rows"]
    assert b"by-worker" in b"".join(text for name, text in traces.items() if "log" in name)
    assert BLOCK.encode() in traces["rows"]


@pytest.mark.parametrize("secret", [SECRET_KEY, AUTH.partition(":")[2]], ids=["S3", "server"])
def test_no_secret_is_left_anywhere(traces: dict[str, bytes], secret: str) -> None:
    for name, content in traces.items():
        assert not [form for form in forms(secret) if form in content], name


def test_the_search_finds_what_is_there() -> None:
    around = [b"{", b"{'", b"{'a"]
    for before in around:
        text = base64.b64encode(before + SECRET_KEY.encode() + b"'}")
        assert any(form in text for form in forms(SECRET_KEY))


def test_a_block_that_is_not_there_is_named(deployment: Deployment, photos: str) -> None:
    done = run_here(deployment, "flows/upscale.py", "--src", photos, SRCNN_AWS_BLOCK="day-shift")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "day-shift (SRCNN_AWS_BLOCK) cannot be read" in done.stderr
