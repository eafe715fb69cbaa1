"""Azurite, an emulator of Azure Blob Storage from npm; it ends with its parent process."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from typing import Self
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.support.servers.seaweedfs import die_with_parent, free_ports

_READY_SECONDS = 60.0
_ACCOUNT = "devstoreaccount1"
# Not a secret: it is the same in every Azurite, and in its documentation.
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Azurite:
    """The server's process; use it as a context manager."""

    def __enter__(self) -> Self:
        """Start it, and wait until it responds; skip the test if it is not installed."""
        program = shutil.which("azurite-blob")
        if program is None:
            pytest.skip("azurite-blob is not installed: npm install -g azurite")
        (port,) = free_ports(1)
        self._folder = tempfile.mkdtemp(prefix="azurite-")
        flags = ("--inMemoryPersistence", "--silent", "--skipApiVersionCheck", "--disableTelemetry")
        self._process = subprocess.Popen(
            [program, "--blobPort", str(port), *flags],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - one call, before exec
        )
        endpoint = f"http://127.0.0.1:{port}/{_ACCOUNT}"
        self.connection_string = (
            f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_KEY};"
            f"BlobEndpoint={endpoint};"
        )
        self._wait(endpoint)
        return self

    def __exit__(self, *_: object) -> None:
        """Kill it: its data is in memory."""
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait(self, endpoint: str) -> None:
        until = time.monotonic() + _READY_SECONDS
        while True:
            try:
                urlopen(f"{endpoint}?comp=list", timeout=5)  # noqa: S310 - http
            except HTTPError:  # without credentials, it answers that
                return
            except OSError:
                if time.monotonic() > until or self._process.poll() is not None:
                    self.__exit__()
                    raise RuntimeError("Azurite did not start") from None
            time.sleep(0.2)
