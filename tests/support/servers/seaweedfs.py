"""A real S3 server on loopback, from the SeaweedFS wheel; it ends with its parent process."""

from __future__ import annotations

import ctypes
import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import s3fs

ACCESS_KEY = "testkey"
SECRET_KEY = "testsecret-do-not-repeat"  # noqa: S105 - of a server that runs during the tests
_READY_SECONDS = 60.0
_FILLERS = 4
_PORTS = (
    *("s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port"),
    *("volume.port.grpc", "filer.port", "filer.port.grpc", "admin.port", "admin.port.grpc"),
)
_FLAGS = (
    *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-webdav=false"),
    *(
        "-volume.max=10000",
        "-admin.ui=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.autoCreateBucket=false",
    ),
)


def free_ports(count: int) -> list[int]:
    """Find ports that are not in use."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def die_with_parent() -> None:
    """Run between fork and exec: ends the server if the test runner is killed (Linux)."""
    set_parent_death_signal = 1
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


@dataclass(frozen=True)
class S3Server:
    """The server's endpoints and credentials."""

    endpoint: str
    filer: str
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that AWS tools read."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def filesystem(self) -> s3fs.S3FileSystem:
        """Create a client that is independent of the code under test."""
        return s3fs.S3FileSystem(
            key=self.access_key,
            secret=self.secret_key,
            endpoint_url=self.endpoint,
            skip_instance_cache=True,
            use_listings_cache=False,
        )

    def fill(self, bucket: str, keys: Sequence[str], content: bytes = b"") -> None:
        """Write the same content to many keys, by the filer: five times as fast as by S3."""
        with ThreadPoolExecutor(_FILLERS) as pool:
            parts = [keys[start::_FILLERS] for start in range(_FILLERS)]
            list(pool.map(lambda part: self._fill(bucket, part, content), parts))

    def _fill(self, bucket: str, keys: Sequence[str], content: bytes) -> None:
        connection = http.client.HTTPConnection(self.filer)
        for key in keys:
            connection.request("PUT", f"/buckets/{bucket}/{quote(key)}", body=content)
            response = connection.getresponse()
            response.read()
            if response.status != http.client.CREATED:
                raise OSError(f"{key}: {response.status}")
        connection.close()

    def make_bucket(self) -> str:
        """Create a bucket; return its name."""
        name = f"test-{uuid.uuid4().hex[:12]}"
        self.filesystem().mkdir(name)
        return name


class SeaweedFS:
    """The server's process; use it as a context manager."""

    def __enter__(self) -> S3Server:
        """Start it, and wait until it can write and read a file."""
        self._folder = Path(tempfile.mkdtemp(prefix="seaweedfs-"))
        ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command(ports),
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - one call, before exec
            )
        server = S3Server(
            f"http://127.0.0.1:{ports['s3.port']}", f"127.0.0.1:{ports['filer.port']}"
        )
        try:
            self._wait(server)
        except BaseException:
            self.__exit__()
            raise
        return server

    def __exit__(self, *_: object) -> None:
        """Kill it: its data is not needed, and a clean shutdown takes up to 12 s."""
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _command(self, ports: dict[str, int]) -> list[str]:
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        credentials = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
        identity = {"name": "test", "credentials": credentials, "actions": actions}
        config = self._folder / "s3.json"
        config.write_text(json.dumps({"identities": [identity]}))
        return [
            str(Path(sys.executable).parent / "weed"),
            *("-logtostderr=true", "mini", f"-dir={self._folder}", f"-s3.config={config}"),
            *(f"-{name}={port}" for name, port in ports.items()),
            *(f"-filer.localSocket={self._folder}/f", f"-s3.localSocket={self._folder}/s3"),
            *_FLAGS,
        ]

    def _wait(self, server: S3Server) -> None:
        until = time.monotonic() + _READY_SECONDS
        while True:
            try:
                bucket = server.make_bucket()
                server.filesystem().pipe_file(f"{bucket}/canary", b"1")
                if server.filesystem().cat_file(f"{bucket}/canary") == b"1":
                    return
            # Any error of a server that is not ready.
            except Exception:  # noqa: BLE001
                if time.monotonic() > until or self._process.poll() is not None:
                    tail = (self._folder / "log").read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"SeaweedFS did not start:\n{tail}") from None
            time.sleep(0.2)
