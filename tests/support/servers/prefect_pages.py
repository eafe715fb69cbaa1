"""A Prefect server with its web pages, and a browser to view them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import httpx

from tests.support.servers.seaweedfs import die_with_parent, free_ports

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_START = ("server", "start", "--no-services")
_START_SECONDS = 120


class PrefectPages:
    """`prefect server start` on a free port of loopback, with its own database.

    Attributes:
        url: of its pages.
        environment: variables that make a command use it.
    """

    def __enter__(self) -> Self:
        """Start it, and wait until it responds."""
        self._home = tempfile.mkdtemp()
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {"PREFECT_API_URL": f"{self.url}/api", "PREFECT_HOME": self._home}
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "prefect", "server", "start", "--no-services", "--port"),
                str(port),
            ],
            env=os.environ
            | self.environment
            | {
                "PREFECT_SERVER_UI_API_URL": f"{self.url}/api",  # its pages expect port 4200
                "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it calls prctl and nothing else
        )
        until = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.__exit__()
                raise RuntimeError("prefect server start did not respond")
            time.sleep(0.2)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, and remove what it wrote."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/health", timeout=5).is_success
        except httpx.HTTPError:
            return False

    def artifacts(self) -> dict[str, dict[str, Any]]:
        """Return the newest artifact of each key, over all runs."""
        url = f"{self.url}/api/artifacts/filter"
        found = httpx.post(url, json={"sort": "CREATED_DESC"}, timeout=30).json()
        return {artifact["key"]: artifact for artifact in reversed(found) if artifact["key"]}


def find_browser() -> str | None:
    """Find the system's Chromium; None if there is none."""
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


@contextmanager
def open_page(browser: str, width: int = 1500, height: int = 1100) -> Iterator[Page]:
    """Open a page in a headless browser that can only reach this machine.

    Args:
        browser: its executable.
        width: of the window, in pixels.
        height: of the window, in pixels.
    """
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - an optional dependency

    # A browser's sandbox does not work for root, as in containers.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=arguments)
        page = chromium.new_page(viewport={"width": width, "height": height})
        page.route("**/*", _only_loopback)  # Prefect's pages request remote ones
        yield page
        chromium.close()


def _only_loopback(route: Route) -> None:
    if route.request.url.startswith(("http://127.0.0.1:", "data:", "file:")):
        route.continue_()
    else:
        route.abort()
