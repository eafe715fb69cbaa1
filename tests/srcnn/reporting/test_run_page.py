"""The page of a run: bounded, escaped, and never a reason to fail."""

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.options.upscale import UpscaleOptions
from flows.output.describe_run import describe_run, list_versions
from flows.upscale import batch_upscale
from srcnn.geometry import Size
from srcnn.image_results import ImageResults
from srcnn.image_task import Failure, ImageResult
from srcnn.printable_text import one_line
from srcnn.reporting.page_values import BAR_LENGTH, draw_bar, format_duration, format_option
from srcnn.reporting.previews import Preview
from srcnn.reporting.report import Report
from srcnn.reporting.run_page import RunPage, render_run_page
from srcnn.reporting.summary import summarize
from srcnn.reporting.verdict import judge
from tasks.run_page import write_page
from tests.support.jobs import make_job

STARTED = datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC)


def written(name: str = "a.png") -> ImageResult:
    return ImageResult(name, name, "written", (2.0, 2.0), Size(500, 1000), Size(1000, 2000), 1.0)


def failed(name: str, kind: str = "DamagedImage", message: str = "cut") -> ImageResult:
    return ImageResult(name, name, "failed", error=Failure(kind, message))


def page_of(
    *images: ImageResult,
    ended: str = "",
    problem: str = "",
    warnings: tuple[str, ...] = (),
    destination: Path = Path("photos-upscaled"),
    ignored: Mapping[str, int] = MappingProxyType({}),
    **options: Any,
) -> RunPage:
    job = make_job(Path("photos"), destination, "run-1")
    versions = list_versions()
    results = ImageResults().add(images)
    report = Report(job, STARTED, 4.0, options, results, versions=versions, ignored=ignored)
    return describe_run(report, summarize(report), ended, ("out/run-1.json", problem), warnings)


def text_of(html: bytes) -> str:
    """What a browser shows, roughly."""
    body = re.sub(r"<(style|script)>.*?</\1>", "", html.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


def test_it_says_how_the_run_went_and_of_what() -> None:
    images = [written(), failed("b.png"), ImageResult("c.png", "c.png", "skipped")]
    page = page_of(*images, scale="2.5", max_failures=None, include=["a*", "<b>"], dry_run=False)
    html = render_run_page(page, [])
    text = text_of(html)
    for shown in (
        "1 of 3 images failed",
        "2026-11-23 01:02:03 UTC , 4.0 s",
        "2.0 Mpx written",
        "1 DamagedImage cut b.png",
        "a.png 2000x1000 2.0 1.0",
        "source photos destination photos-upscaled report out/run-1.json model bundled sha256 "
        + page.job.model.sha256,
        "scale 2.5 include a*, <b> dry-run no",
    ):
        assert shown in text
    assert re.search(r"versions srcnn-batch \S+, ONNX Runtime [\d.]+, Python 3\.", text)
    assert "Prefect" not in text
    assert "max-failures" not in text
    assert '<a href="run-1.json">' in html.decode()
    assert "<img" not in html.decode()


@pytest.mark.parametrize(
    ("images", "ended", "state", "headline"),
    [
        ([written()], "", "passed", "1 image written, 0 skipped"),
        ([written(), failed("b")], "", "failed", "1 of 2 images failed"),
        ([], "", "warned", "No images were found"),
        ([written()], "the disk is full", "failed", "Ended early: 1 of 1 images written"),
    ],
)
def test_the_verdict(images: list[ImageResult], ended: str, state: str, headline: str) -> None:
    page = page_of(*images, ended=ended)
    verdict = judge(page.summary, ended)
    assert (verdict.state, verdict.headline) == (state, headline)
    html = render_run_page(page, []).decode()
    assert f'<header class="{state}">' in html
    assert headline in html
    assert ("The disk is full. Run again" in html) == bool(ended)


def test_a_report_that_could_not_be_written_is_a_failure() -> None:
    html = render_run_page(page_of(written(), problem="the report: no <space>\n"), []).decode()
    assert '<header class="failed">' in html
    assert r"<p>the report: no &lt;space&gt;\n</p>" in html


def test_files_left_alone_are_counted_by_their_kind() -> None:
    ignored = {".heic": 1200, ".<b>": 1, "no extension": 3}
    html = render_run_page(page_of(written(), ignored=ignored), [])
    shown = "Files of other kinds, not upscaled .heic 1,200 .<b> 1 no extension 3"
    assert shown in text_of(html)
    assert "not upscaled" not in text_of(render_run_page(page_of(written()), []))


def test_it_stays_small_however_many_images_failed() -> None:
    kinds = [chr(97 + first) + chr(97 + second) for first in range(26) for second in range(26)]
    images = [
        failed(f"{at}{'<' * 900}.png", "Odd" + kinds[at % 676], "reason <> " * 100)
        for at in range(100_000)
    ]
    page = page_of(*images, warnings=("a <warning> " * 100,) * 10_000, include=["<a>" * 1000] * 99)
    html = render_run_page(page, [])
    assert len(html) < 1_000_000
    assert html.count(b"<li>") < 15 * 20 + 30
    text = text_of(html)
    counts = re.findall(r"([\d,]+) Odd\w\w", text) + re.findall(r"other reasons: ([\d,]+)", text)
    assert sum(int(count.replace(",", "")) for count in counts) == 100_000
    assert "and 128 more: the report has every name" in text
    assert "and 9,980 more: see the log" in text


def test_pictures_are_in_the_page() -> None:
    preview = Preview('"><b>', "x2", 30, 20, b"before", b"after")
    html = render_run_page(page_of(written()), [preview]).decode()
    assert 'src="data:image/jpeg;base64,YmVmb3Jl" width="30" height="20"' in html
    assert 'src="data:image/jpeg;base64,YWZ0ZXI=" width="30" height="20"' in html
    assert "<b>" not in html.replace("<b>&#34;&gt;&lt;b&gt;</b>", "")


class Tags(HTMLParser):
    """Notes the names of elements, and of their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


def tags_of(name: str) -> tuple[list[tuple[str, tuple[str, ...]]], str]:
    preview = Preview(one_line(name), name, 3, 2, b"", b"")
    images = [written(name), failed(name, name or "E", f"no {name}")]
    page = page_of(*images, ended=f"x{name}", problem=f"x{name}", warnings=(name,), scale=name)
    html = render_run_page(page, [preview]).decode()
    tags = Tags()
    tags.feed(html)
    return tags.found, html


@given(
    st.text(alphabet=st.characters(exclude_categories=()), max_size=20)
    | st.text(alphabet="<>\"'&;/=`{}% \\ax\n", max_size=20)
)
@example("\ud800\x1b\u202e\r\x00")
def test_no_text_becomes_markup(name: str) -> None:
    found, html = tags_of(name)
    assert html.replace("\n", "").isprintable()
    assert found == tags_of("plain")[0]
    assert (
        f"<td>{unescape(re.findall('<td>(.*?)</td>', html)[0])}</td>"
        == f"<td>{one_line(name)}</td>"
    )


def test_the_bar_shows_one_image_of_100000() -> None:
    images = [written(f"{at}") for at in range(99_998)]
    summary = page_of(*images, failed("x"), failed("y", "NotAttempted")).summary
    parts = draw_bar(summary)
    assert [part.name for part in parts] == ["written", "failed", "idle"]
    assert min(part.length for part in parts) > 5
    assert parts[-1].start + parts[-1].length == pytest.approx(BAR_LENGTH)
    assert draw_bar(page_of().summary) == []


def test_values_are_written_for_people() -> None:
    assert [format_duration(each) for each in (0.04, 59.9, 61, 3661, 90_000)] == [
        "0.0 s",
        "59.9 s",
        "1 min 1 s",
        "1 h 1 min",
        "25 h 0 min",
    ]
    assert [format_option(each) for each in (True, False, 3, "a\n", ["x", "y"])] == [
        "yes",
        "no",
        "3",
        r"a\n",
        "x, y",
    ]


def pages(source: Path) -> list[Path]:
    return list(Path(f"{source}-upscaled").glob(".srcnn/runs/*.html"))


def test_a_run_keeps_its_page_beside_its_report(
    pictures: Path, caplog: pytest.LogCaptureFixture
) -> None:
    batch_upscale.fn(UpscaleOptions(src=str(pictures), dry_run=True))
    assert not pages(pictures)
    with caplog.at_level(logging.INFO, logger="srcnn"):
        batch_upscale.fn(UpscaleOptions(src=str(pictures)))
    (page,) = pages(pictures)
    assert page.with_suffix(".json").exists()
    assert caplog.messages.count(f"page: {page}") == 1
    content = page.read_text()
    assert "4 images written, 0 skipped" in content
    assert content.count('src="data:image/jpeg;base64,') == 2 * 4
    # Pictures are shown of what a run has written.
    batch_upscale.fn(UpscaleOptions(src=str(pictures)))
    (second,) = set(pages(pictures)) - {page}
    assert "0 images written, 4 skipped" in second.read_text()
    assert "data:image/jpeg" not in second.read_text()


def test_a_page_that_cannot_be_written_fails_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ".srcnn").mkdir()
    (tmp_path / ".srcnn" / "runs").write_text("a file where a folder should be")
    with caplog.at_level(logging.WARNING, logger="srcnn"):
        assert write_page.fn(page_of(written(), destination=tmp_path), []) == ""
    assert "the page could not be written: " in caplog.text
