"""The system's PostgreSQL on loopback; it ends with the process that started it.

Prefect needs the extension pg_trgm (Debian: part of postgresql), which servers in wheels lack.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.support.servers.seaweedfs import die_with_parent, free_ports

_READY_SECONDS = 60.0
# It refuses to run as root.
_USER = "nobody"


def find_binaries() -> Path | None:
    """Return the folder of the newest PostgreSQL with pg_trgm; None if there is none."""
    on_path = [Path(found).parent for found in [shutil.which("postgres")] if found]
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    newest_first = sorted(debian, key=lambda folder: float(folder.parent.name), reverse=True)
    return next((each for each in [*on_path, *newest_first] if _has_trigrams(each)), None)


def _has_trigrams(binaries: Path) -> bool:
    if not (binaries / "pg_config").exists():
        return False
    command = [str(binaries / "pg_config"), "--sharedir"]
    shared = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return Path(shared, "extension", "pg_trgm.control").exists()


class Postgres:
    """The server's process, without passwords; use it as a context manager."""

    def __init__(self, binaries: Path) -> None:
        """Start nothing yet.

        Args:
            binaries: the folder of `postgres`, from `find_binaries`.
        """
        self._binaries = binaries

    def __enter__(self) -> str:
        """Start it, and wait until it is ready; return its database as `host:port/name`."""
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        data = self._folder / "data"
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam(_USER)
            os.chown(self._folder, user.pw_uid, user.pw_gid)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._call("initdb", "-D", str(data), "-U", "prefect", "--auth=trust", "--no-sync")
        (port,) = free_ports(1)
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(str(self._binaries / "postgres"), "-D", str(data), "-p", str(port)),
                    *("-h", "127.0.0.1", "-k", str(self._folder), "-F"),
                ],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - one call, before exec
                **self._as,
            )
        try:
            self._wait(port)
        except BaseException:
            self.__exit__()
            raise
        return f"127.0.0.1:{port}/postgres"

    def __exit__(self, *_: object) -> None:
        """Kill it, because its data is not needed."""
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _call(self, name: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._binaries / name), *arguments],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            **self._as,
        )
        if done.returncode:
            raise RuntimeError(f"{name} failed:\n{done.stdout}{done.stderr}")

    def _wait(self, port: int) -> None:
        until = time.monotonic() + _READY_SECONDS
        while True:
            try:
                self._call("pg_isready", "-h", "127.0.0.1", "-p", str(port))
            except RuntimeError:
                if time.monotonic() > until or self._process.poll() is not None:
                    tail = (self._folder / "log").read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"PostgreSQL did not start:\n{tail}") from None
                time.sleep(0.2)
            else:
                return
