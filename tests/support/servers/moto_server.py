"""moto's S3 server on loopback, which shows what it was sent; it ends with its parent process.

SeaweedFS is the nearer to a real one, but derives media types from names, and knows no ACLs.
"""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from typing import Any, Self
from urllib.error import URLError
from urllib.request import urlopen

import boto3

from tests.support.servers.seaweedfs import die_with_parent, free_ports

_READY_SECONDS = 60.0
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


class MotoServer:
    """The server's process; use it as a context manager."""

    def __enter__(self) -> Self:
        """Start it, and wait until it responds."""
        (port,) = free_ports(1)
        self.endpoint = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - one call, before exec
        )
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        """Kill it: its data is in memory."""
        self._process.kill()
        self._process.wait()

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that AWS tools read."""
        return _CREDENTIALS | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str = "s3") -> Any:
        """Create a client that is independent of the code under test."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",  # noqa: S106 - of a server in the tests
        )

    def make_bucket(self) -> str:
        """Create a bucket; return its name."""
        name = f"test-{uuid.uuid4().hex[:12]}"
        self.client().create_bucket(Bucket=name)
        return name

    def _wait(self) -> None:
        until = time.monotonic() + _READY_SECONDS
        while True:
            try:
                with urlopen(f"{self.endpoint}/moto-api/", timeout=5):  # noqa: S310 - http
                    return
            except (URLError, OSError):
                if time.monotonic() > until or self._process.poll() is not None:
                    self.__exit__()
                    raise RuntimeError("moto's server did not start") from None
            time.sleep(0.2)
