"""The page of a run, in a real browser: what a person sees of it, and what it may not do."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from flows.errors import BatchFailedError
from flows.options.upscale import UpscaleOptions
from flows.upscale import batch_upscale
from tests.support.servers.prefect_pages import find_browser, open_page
from tests.support.servers.seaweedfs import S3Server

BROWSER = find_browser()
ODD = {
    b"<img src=x onerror=window.pwned=1>.png": "<img src=x onerror=window.pwned=1>.png",
    b'"><script>window.pwned=1<.png': '"><script>window.pwned=1<.png',
    b"{{ 7 * 7 }} &lt; javascript:window.pwned=1.png": (
        "{{ 7 * 7 }} &lt; javascript:window.pwned=1.png"
    ),
    b"esc\x1b[31m\n\xff.png": r"esc\x1b[31m\n\udcff.png",
    "猫 Grüße \u202e.png".encode(): r"猫 Grüße \u202e.png",
}

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")


def fill(folder: Path, photograph: npt.NDArray[np.uint8]) -> None:
    """Pictures of odd names; of each, one that is whole and one that is cut."""
    folder.mkdir()
    picture = cv2.imencode(".png", photograph)[1].tobytes()
    for name in ODD:
        for start, content in ((b"", picture), (b"cut ", picture[:-40])):
            Path(os.fsdecode(os.fsencode(folder) + b"/" + start + name)).write_bytes(content)


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory, photograph: npt.NDArray[np.uint8]) -> Path:
    folder = tmp_path_factory.mktemp("page") / "odd"
    fill(folder, photograph)
    with pytest.raises(BatchFailedError):
        batch_upscale.fn(UpscaleOptions(src=str(folder), scale="3"))
    (page,) = Path(f"{folder}-upscaled").glob(".srcnn/runs/*.html")
    return page


@dataclass
class Seen:
    """A browser, and what it said and asked for."""

    page: Any
    said: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)

    def open(self, url: str) -> None:
        for notes in (self.said, self.requested, self.stopped):
            notes.clear()
        self.page.goto(url)

    def requests_beside(self, url: str) -> list[str]:
        return [each for each in self.requested if each != url and not each.startswith("data:")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Seen]:
    assert BROWSER
    with open_page(BROWSER) as page:
        seen = Seen(page)
        page.on("pageerror", lambda error: seen.said.append(str(error)))
        page.on("console", lambda message: seen.said.append(message.text))
        page.on("request", lambda request: seen.requested.append(request.url))
        page.on("requestfailed", lambda request: seen.stopped.append(request.failure))
        yield seen


@pytest.fixture
def seen(browser: Seen, page_file: Path) -> Iterator[Seen]:
    """The page as it opens; after the test, that it was quiet and asked for nothing."""
    browser.page.emulate_media(color_scheme="light", media="screen")
    browser.page.set_viewport_size({"width": 1200, "height": 900})
    browser.open(page_file.as_uri())
    yield browser
    assert browser.page.evaluate("window.pwned") is None
    assert not browser.said
    assert not browser.requests_beside(page_file.as_uri())


def test_the_verdict_comes_first_and_the_counts_are_right(seen: Seen) -> None:
    assert seen.page.locator("h1").inner_text() == "5 of 10 images failed"
    counts = {name: seen.page.locator(f"#{name}").inner_text() for name in ("requested", "written")}
    counts |= {name: seen.page.locator(f"#{name}").inner_text() for name in ("skipped", "failed")}
    assert counts == {"requested": "10", "written": "5", "skipped": "0", "failed": "5"}
    assert seen.page.locator(".bar rect").count() == 2
    reason = seen.page.locator(".reason")
    assert reason.locator("h3").inner_text() == "5 DamagedImage"
    assert "truncated" in reason.inner_text()
    assert seen.page.locator("h1").bounding_box()["y"] < 100


def test_hostile_names_are_text(seen: Seen) -> None:
    failures = seen.page.locator(".reason li").all_inner_texts()
    assert {name.removeprefix("cut ") for name in failures} == set(ODD.values())
    slowest = seen.page.locator("tbody td:first-child").all_inner_texts()
    assert set(slowest) == set(ODD.values())
    assert set(seen.page.locator("figcaption b").all_inner_texts()) == set(ODD.values())
    sources = seen.page.locator("img").evaluate_all("all => all.map(each => each.src)")
    assert len(sources) == 10
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert seen.page.locator("script").count() == 1
    links = seen.page.locator("a").evaluate_all("all => all.map(each => each.href)")
    assert [re.sub(r".*/", "", link) for link in links] == [
        re.sub(r".*/", "", seen.page.url).replace(".html", ".json")
    ]


def shot(frame: Any) -> npt.NDArray[np.uint8]:
    picture = cv2.imdecode(np.frombuffer(frame.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(picture, np.uint8)


def line_of(frame: Any) -> float:
    """Where the line stands, in percent of the frame."""
    share: float = frame.evaluate(
        "each => 100 * (each.querySelector('.line').getBoundingClientRect().left + 1 -"
        " each.getBoundingClientRect().left) / each.getBoundingClientRect().width"
    )
    return share


def test_the_slider_moves_by_keyboard(seen: Seen) -> None:
    frame = seen.page.locator(".compare").first
    line = frame.locator(".line")
    slider = seen.page.get_by_role("slider").first
    assert line_of(frame) == pytest.approx(50, abs=0.2)
    seen.page.keyboard.press("Tab")
    while slider.evaluate("each => each !== document.activeElement"):
        seen.page.keyboard.press("Tab")
    seen.page.keyboard.press("ArrowRight")
    assert line_of(frame) == pytest.approx(51, abs=0.2)
    assert slider.get_attribute("aria-valuetext") == "51 % bicubic, 49 % upscaled"
    assert frame.evaluate("each => getComputedStyle(each).outlineStyle") == "solid"
    # What is seen is one picture at either end, and both in between.
    shots = {}
    for key in ("Home", "End"):
        seen.page.keyboard.press(key)
        line.evaluate("each => each.style.visibility = 'hidden'")
        shots[key] = shot(frame)
    slider.fill("50")
    middle = shot(frame)
    half = middle.shape[1] // 2
    left, right = np.s_[30:, : half - 4], np.s_[30:, half + 4 :]
    assert np.array_equal(middle[left], shots["End"][left])
    assert np.array_equal(middle[right], shots["Home"][right])
    assert not np.array_equal(shots["Home"][left], shots["End"][left])


def test_the_slider_moves_by_pointer(seen: Seen) -> None:
    frame = seen.page.locator(".compare").nth(1)
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    across = box["y"] + box["height"] / 2
    seen.page.mouse.click(box["x"] + 0.2 * box["width"], across)
    assert line_of(frame) == pytest.approx(20, abs=1)
    seen.page.mouse.down()
    seen.page.mouse.move(box["x"] + 0.9 * box["width"], across, steps=3)
    seen.page.mouse.up()
    assert line_of(frame) == pytest.approx(90, abs=1)
    assert line_of(seen.page.locator(".compare").first) == pytest.approx(50, abs=0.2)


def colour(page: Any, selector: str, name: str) -> list[int]:
    css = page.locator(selector).first.evaluate(f"each => getComputedStyle(each).{name}")
    return [int(level) for level in re.findall(r"\d+", css)[:3]]


def luminance(levels: list[int]) -> float:
    """Relative luminance, as WCAG 2 defines it."""
    shares = [level / 255 for level in levels]
    linear = [
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in shares
    ]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_colours_of_the_system_and_can_be_read(seen: Seen, scheme: Any) -> None:
    seen.page.emulate_media(color_scheme=scheme)
    paper = luminance(colour(seen.page, "body", "backgroundColor"))
    assert (paper < 0.05) == (scheme == "dark")
    card = luminance(colour(seen.page, ".reason", "backgroundColor"))
    for selector, ground in (("h1", paper), (".state", paper), (".when", paper), (".number", card)):
        ink = luminance(colour(seen.page, selector, "color"))
        contrast = (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05)
        assert contrast >= 4.5, selector


@pytest.mark.parametrize("width", [320, 380, 1920])
def test_nothing_is_wider_than_the_window(seen: Seen, width: int) -> None:
    seen.page.set_viewport_size({"width": width, "height": 800})
    assert seen.page.evaluate("document.documentElement.scrollWidth") == width


def test_on_paper_the_pictures_stand_side_by_side(seen: Seen) -> None:
    seen.page.emulate_media(media="print", color_scheme="dark")
    assert luminance(colour(seen.page, "body", "backgroundColor")) == 1
    frame = seen.page.locator(".compare").first
    before = frame.locator(".before").bounding_box()
    after = frame.locator(".after").bounding_box()
    assert before["x"] + before["width"] <= after["x"]
    assert before["y"] == after["y"]
    assert not frame.locator(".line").is_visible()


def test_its_policy_stops_a_script_that_is_not_its_own(
    browser: Seen, page_file: Path, tmp_path: Path
) -> None:
    """Should escaping ever fail, this is what still holds."""
    evil = (
        "<script>window.pwned=1</script><img src=x onerror=window.pwned=1>"
        '<style>h1 { color: rgb(1, 2, 3) }</style><img src="http://127.0.0.1:9/x.png"></main>'
    )
    copy = tmp_path / "copy.html"
    copy.write_text(page_file.read_text().replace("</main>", evil))
    browser.open(copy.as_uri())
    assert browser.page.evaluate("window.pwned") is None
    assert colour(browser.page, "h1", "color") != [1, 2, 3]
    # The browser names what the policy stopped; nothing left it.
    assert set(browser.stopped) == {"csp"}
    assert len(browser.stopped) == len(browser.requests_beside(copy.as_uri())) == 2
    assert len([line for line in browser.said if "Content Security Policy" in line]) == 5


def test_it_opens_from_a_bucket_by_a_signed_url(
    browser: Seen, bucket: str, s3_server: S3Server, pictures: Path
) -> None:
    batch_upscale.fn(UpscaleOptions(src=str(pictures), dst=f"{bucket}/out"))
    fs = s3_server.filesystem()
    (key,) = fs.glob(f"{bucket}/out/.srcnn/runs/*.html")
    url = fs.sign(key)
    browser.open(url)
    assert browser.page.locator("h1").inner_text() == "4 images written, 0 skipped"
    assert browser.page.locator("a").count() == 0
    assert browser.page.locator(".line").count() == 4
    assert not browser.said
    assert not browser.requests_beside(url)
