"""The first commands of deploy/README.md, from a checkout to a bucket that the schedule fills."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from tests.support.paths import ROOT
from tests.support.servers.seaweedfs import S3Server, free_ports
from tests.support.tracked_files import list_tracked_files

PART = (ROOT / "deploy" / "README.md").read_text().split("## One machine, by hand\n")[1]
SERVER, WORKER = re.findall(r"```sh\n(.*?)```", PART, re.DOTALL)[:2]
# The environment that these create is the one in which the tests run.
ACTIVATE = ". .venv/bin/activate\n"
FIRST = "make demo\n" + ACTIVATE
PATIENCE_SECONDS = 200.0


class Machine:
    """A new user's checkout, and the terminals that are open in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._checkout = folder, folder / "checkout"
        for name in list_tracked_files():
            copy = self._checkout / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy)
        (self.port,) = free_ports(1)
        self._terminals: list[subprocess.Popen[bytes]] = []
        self._environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "PREFECT_HOME": str(folder / "prefect"),
            "PYTHONPATH": str(self._checkout),  # the packages are installed from another checkout
            "PREFECT_SERVER_API_PORT": str(self.port),
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "DO_NOT_TRACK": "1",
        }

    def open_terminal(self, commands: str) -> None:
        """Run commands in the checkout; another server may use Prefect's own port here."""
        commands = commands.replace(":4200", f":{self.port}")
        commands = commands.replace("> .env", f"| sed s/:4200/:{self.port}/ > .env")
        with (self.folder / f"{len(self._terminals)}.log").open("wb") as output:
            terminal = subprocess.Popen(
                ["/bin/bash", "-e", "-c", commands],
                cwd=self._checkout,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._terminals.append(terminal)

    def add_credentials(self, server: S3Server) -> None:
        """Add those of the bucket to `.env`, once it is there."""
        path = self._checkout / ".env"
        wait_until(lambda: path.exists() and "PREFECT_API_URL" in path.read_text())
        with path.open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in server.environment.items())

    def enter_bucket(self, url: str) -> None:
        """Enter the bucket, switch the schedule on, and let it come due within a minute."""
        path = self._checkout / "deploy" / "prefect.yaml"
        text = path.read_text()
        originals = "src: s3://photos/originals\n        dst: s3://photos/upscaled"
        for old, new in {
            originals: f"src: {url}/in\n        dst: {url}/out",
            "active: false": "active: true",
            '"0 2 * * *"': '"* * * * *"',
        }.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path.write_text(text)

    def press_ctrl_c(self) -> None:
        """Interrupt the last terminal first, each with its whole group."""
        for terminal in reversed(self._terminals):
            os.killpg(terminal.pid, signal.SIGINT)
            terminal.wait(60)

    def read_logs(self) -> str:
        return "".join(path.read_text()[-3000:] for path in sorted(self.folder.glob("*.log")))

    def close(self) -> None:
        """Kill what is left."""
        for terminal in self._terminals:
            with suppress(ProcessLookupError):
                os.killpg(terminal.pid, signal.SIGKILL)
            terminal.wait()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.close()


def test_ten_commands_lead_from_a_checkout_to_a_nightly_bucket(
    machine: Machine, s3_server: S3Server, photograph: npt.NDArray[np.uint8]
) -> None:
    url, fs = f"s3://{s3_server.make_bucket()}", s3_server.filesystem()
    fs.pipe_file(f"{url}/in/cat.png", cv2.imencode(".png", photograph[:40, :52])[1].tobytes())
    assert len((SERVER + WORKER).splitlines()) == 10
    assert SERVER.startswith(FIRST)
    machine.open_terminal(SERVER.removeprefix(FIRST))
    machine.add_credentials(s3_server)
    machine.enter_bucket(url)
    machine.open_terminal(WORKER.removeprefix(ACTIVATE))

    def is_written() -> bool:
        fs.invalidate_cache()
        return bool(fs.exists(f"{url}/out/cat.png"))

    assert wait_until(is_written), machine.read_logs()
    assert "Traceback" not in machine.read_logs()
    machine.press_ctrl_c()
    assert "Traceback" not in machine.read_logs()


def wait_until(is_true: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if is_true():
            return True
        time.sleep(0.3)
    return False
