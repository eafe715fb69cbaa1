"""A run's page in Prefect, in a real browser: what a person sees of it."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from tests.support.run_python import run_python
from tests.support.servers.prefect_pages import PrefectPages, find_browser, open_page

BROWSER = find_browser()
ODD = [
    b"<img src=x onerror=window.pwned=1>|.png",
    b"[click](javascript:window.pwned=1) `a` *b* &lt;.png",
    b"www.example.com ![p](http:x).png",
    b"esc\x1b[31m\n# heading \xff.png",
    "猫 Grüße.png".encode(),
]

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")


@dataclass
class Seen:
    """A page in a browser, and what went wrong in it."""

    page: Any
    server: PrefectPages
    artifacts: dict[str, dict[str, Any]]
    events: list[dict[str, Any]]
    errors: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)

    def open(self, key: str, pages: str) -> None:
        self.page.goto(f"{self.server.url}{pages}/artifacts/artifact/{self.artifacts[key]['id']}")


def source(folder: Path, photograph: npt.NDArray[np.uint8]) -> Path:
    """Pictures of odd names; of each, one that is whole and one that is cut."""
    folder.mkdir()
    picture = cv2.imencode(".png", photograph)[1].tobytes()
    for name in ODD:
        (Path(os.fsdecode(os.fsencode(folder) + b"/" + name))).write_bytes(picture)
        (Path(os.fsdecode(os.fsencode(folder) + b"/cut " + name))).write_bytes(picture[:-40])
    return folder


@pytest.fixture(scope="module")
def tracked(
    tmp_path_factory: pytest.TempPathFactory, photograph: npt.NDArray[np.uint8]
) -> Iterator[tuple[PrefectPages, list[dict[str, Any]]]]:
    """A server, and what a tracked run said of itself."""
    folder = source(tmp_path_factory.mktemp("pages") / "odd", photograph)
    with PrefectPages() as server:
        done = run_python(
            *("flows/upscale.py", "--src", folder, "--json"),
            environment=os.environ | server.environment,
        )
        assert done.returncode == 1, done.stderr
        yield server, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def browser(tracked: tuple[PrefectPages, list[dict[str, Any]]]) -> Iterator[Seen]:
    server, events = tracked
    assert BROWSER
    with open_page(BROWSER) as page:
        seen = Seen(page, server, server.artifacts(), events)
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("request", lambda request: seen.requested.append(request.url))
        yield seen


@pytest.fixture
def seen(browser: Seen) -> Iterator[Seen]:
    """The browser; after the test, that no name ran, and none became something to fetch."""
    yield browser
    assert browser.page.evaluate("window.pwned") is None
    assert not browser.errors
    fetched = [url for url in browser.requested if url.endswith("/x") or "example.com" in url]
    assert not fetched


BOTH = pytest.mark.parametrize("pages", ["", "/v2"], ids=["v1", "v2"])


@BOTH
def test_the_summary_is_read_as_it_was_meant(seen: Seen, pages: str) -> None:
    seen.open("srcnn-summary", pages)
    seen.page.get_by_role("heading", name="5 of 10 images failed").wait_for()
    seen.page.locator("table").nth(1).wait_for()
    (summary,) = [event for event in seen.events if event["event"] == "summary"]
    numbers, slowest = seen.page.locator("table").all()
    cells = [cell.inner_text().strip() for cell in numbers.locator("td").all()]
    assert cells[:4] == ["10", "5", "0", "5"]
    assert cells[4:] == [
        f"{summary['megapixels']:.1f}",
        f"{summary['megapixels_per_second']:.2f}",
        f"{summary['seconds']:.1f}",
    ]
    assert slowest.locator("tbody tr").count() == 5
    assert slowest.locator("tbody td").count() == 20
    text = seen.page.locator("body").inner_text()
    assert summary["report"] in text
    assert summary["page"] in text
    names = {
        "<img src=x onerror=window.pwned=1>",
        "[click](javascript:window.pwned=1) `a` *b* &lt;.png",
        "www.example.com ![p](http:x).png",
        r"esc\x1b[31m\n# heading \udcff.png",
        "猫 Grüße.png",
    }
    shown = slowest.inner_text()
    assert {name for name in names if name in shown} == names
    assert "cut " in text
    links = seen.page.locator("a").evaluate_all("all => all.map(each => each.href)")
    assert not [link for link in links if "javascript" in link or "example.com" in link]


@BOTH
def test_the_history_stays_in_its_column(seen: Seen, pages: str) -> None:
    seen.open("srcnn-history", pages)
    table = seen.page.locator("table")
    table.get_by_text("failed", exact=True).last.wait_for()
    right = "each => Math.max(...each.map(one => one.getBoundingClientRect().right))"
    written = table.locator("th, td, td *").evaluate_all(right)
    beside = seen.page.get_by_text("Flow Run", exact=True).first.bounding_box()
    assert written < beside["x"]


@BOTH
def test_the_contact_sheet_is_seen(seen: Seen, pages: str) -> None:
    seen.open("srcnn-contact-sheet", pages)
    picture = seen.page.locator("img[src^='data:image/jpeg']")
    picture.wait_for()
    picture.evaluate("image => image.decode()")
    assert picture.evaluate("image => image.naturalWidth") > 1000
    assert picture.evaluate("image => image.clientWidth") > 500


def test_the_progress_ends_at_100(seen: Seen) -> None:
    seen.open("srcnn-progress", "")
    seen.page.get_by_text("10 of 10 images", exact=False).first.wait_for()
    assert seen.artifacts["srcnn-progress"]["data"] == 100


def test_the_runs_page_leads_to_all_three(seen: Seen) -> None:
    run = seen.artifacts["srcnn-summary"]["flow_run_id"]
    seen.page.goto(f"{seen.server.url}/runs/flow-run/{run}")
    seen.page.get_by_text("Artifacts", exact=True).last.click()
    for key in ("srcnn-summary", "srcnn-progress", "srcnn-contact-sheet"):
        seen.page.get_by_role("link", name=key).first.wait_for()
