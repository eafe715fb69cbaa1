"""A run in numbers, and as a page whose names cannot become markup."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from flows.output.markdown import format_code, format_table
from flows.output.summary_page import render_summary
from srcnn.geometry import Size
from srcnn.image_results import ImageResults
from srcnn.image_task import Failure, ImageResult
from srcnn.printable_text import one_line, shorten
from srcnn.reporting.report import Report
from srcnn.reporting.summary import group_failures, summarize
from tests.support.jobs import make_job

EVIL = '<img src=x onerror="alert(1)">|`a`*b*.png'


def written(name: str, seconds: float = 1.0) -> ImageResult:
    return ImageResult(
        name, name, "written", (2.0, 2.0), Size(500, 1000), Size(1000, 2000), seconds
    )


def failed(name: str, kind: str, message: str) -> ImageResult:
    return ImageResult(name, name, "failed", error=Failure(kind, message))


def report(*images: ImageResult, seconds: float = 4.0, dry_run: bool = False) -> Report:
    job = make_job(Path("photos"), Path("photos-upscaled"), "run-1")
    job = replace(job, model=replace(job.model, sha256="0" * 64))
    started = datetime(2026, 11, 23, tzinfo=UTC)
    return Report(job, started, seconds, {"dry_run": dry_run}, ImageResults().add(images))


def page(run: Report, place: str = "", warnings: tuple[str, ...] = (), page_url: str = "") -> str:
    return render_summary(run, summarize(run), place, page_url, warnings)


def test_the_numbers_of_a_run() -> None:
    images = [
        written("a.png", 3.0),
        written("b.png", 5.0),
        ImageResult("c.png", "c.png", "skipped"),
    ]
    images += [failed("d.png", "DamagedImage", "cut"), failed("e.png", "NotAttempted", "ended")]
    summary = summarize(report(*images))
    assert summary.counts == {"requested": 5, "written": 2, "skipped": 1, "failed": 2}
    assert (summary.not_attempted, summary.megapixels) == (1, 4.0)
    assert summary.megapixels_per_second == 1.0
    assert [image.source for image in summary.slowest] == ["b.png", "a.png"]
    assert [(reason.type, reason.count) for reason in summary.reasons] == [("DamagedImage", 1)]


def test_notes_are_counted_in_a_line() -> None:
    note = "CMYK converted to RGB by its profile"
    images = [replace(written(f"{at}.jpg"), notes=(note,)) for at in range(3)]
    skipped = replace(ImageResult("c.jpg", "c.jpg", "skipped"), notes=(note,))
    summary = summarize(report(*images, skipped, written("d.png")))
    assert summary.note_lines == [f"3 images: {note}"]
    assert f"- 3 images: {note}" in page(report(*images))
    assert "converted" not in page(report(written("d.png")))


def test_a_failure_that_came_once_keeps_its_words() -> None:
    message = "the result would have 300.0 megapixels, more than the output limit of 250"
    once = failed("a.png", "ImageTooLarge", message)
    assert message in page(report(once))
    again = failed("b.png", "ImageTooLarge", message.replace("300", "400"))
    assert "the result would have N megapixels" in page(report(once, again))


def test_a_dry_run_and_a_run_of_no_time_have_no_rate() -> None:
    assert summarize(report(written("a.png"), dry_run=True)).megapixels_per_second == 0
    assert summarize(report(written("a.png"), seconds=0)).megapixels_per_second == 0
    assert "## 1 of 1 images would be written" in page(report(written("a.png"), dry_run=True))


@pytest.mark.parametrize(
    ("first", "second", "folded"),
    [
        (
            "it had 40x30 px when the run was planned, now 41x30",
            "it had 9x7 px when the run was planned, now 9x8",
            "it had NxN px when the run was planned, now NxN",
        ),
        (
            "[Errno 2] No such file or directory: 's3://b/0.png'",
            "[Errno 2] No such file or directory: 's3://b/1.png'",
            "[Errno N] No such file or directory: …",
        ),
        ("/in/0.png: reset", "/in/1.png: reset", "… reset"),
        ("0.png is cut", "1.png is cut", "… is cut"),
        ("etag 0123456789abcdef", "etag fedcba9876543210", "etag N"),
        ("many\n lines", "many lines", "many lines"),
    ],
)
def test_messages_that_differ_in_names_and_numbers_are_one(
    first: str, second: str, folded: str
) -> None:
    images = [failed("0.png", "E", first), failed("1.png", "E", second)]
    (reason,) = group_failures(images)
    assert (reason.message, reason.count) == (folded, 2)
    assert reason.examples == ["0.png", "1.png"]


def test_reasons_are_message_apart_by_type_and_text() -> None:
    images = [failed("0", "A", "cut"), failed("1", "B", "cut"), failed("2", "B", "torn")]
    assert len(group_failures([*images, failed("3", "B", "torn")])) == 3
    assert group_failures([*images, failed("3", "B", "torn")])[0].message == "torn"


def test_a_page_is_short_however_many_images_failed() -> None:
    letters = [chr(97 + first) + chr(97 + second) for first in range(26) for second in range(26)]
    images = [
        failed(f"{number}{'x' * 300}.png", "Odd" + letters[number % 676], "reason " * 100)
        for number in range(100_000)
    ]
    run = report(*images)
    text = page(run, warnings=("a warning " * 100,) * 10_000)
    assert text.count("\n") < 120
    assert len(text) < 25_000
    kept = [int(count.replace(",", "")) for count in re.findall(r"- \*\*([\d,]+)\*\*", text)]
    assert sum(kept) == 100_000


def test_failed_images_are_listed_by_name_up_to_a_limit() -> None:
    images = [failed(f"{number:02}.png", "DamagedImage", "cut") for number in range(60)]
    images.append(failed("late.png", "NotAttempted", "ended"))
    text = page(report(*images), page_url="https://host/a.html")
    names = re.findall(r"^- `(\d+\.png)`: `DamagedImage`$", text, re.MULTILINE)
    assert names == [f"{number:02}.png" for number in range(50)]
    assert "- and 10 more: the report has every name; [the page](<https://host/a.html>)" in text
    assert "the page has more" in page(report(*images), page_url="s3://bucket/a.html")
    assert "late.png" not in text
    assert "Failed images" not in page(report(written("a.png")))


def test_a_long_name_leaves_the_figures_beside_it_in_sight() -> None:
    text = page(report(written("folder/" + "x" * 200 + "/end.png")))
    (row,) = [line for line in text.splitlines() if "end.png" in line]
    assert len(row) < 100


def test_a_page_says_where_the_runs_page_is() -> None:
    assert "- page: `s3://bucket/a.html`\n" in page(report(), page_url="s3://bucket/a.html")
    assert "- page: [read it](<https://host/a.html>)" in page(
        report(), page_url="https://host/a.html"
    )
    assert "- page" not in page(report())


def test_a_page_says_where_the_report_is() -> None:
    assert "report: `s3://bucket/a b.json`" in page(report(), "s3://bucket/a b.json")
    linked = page(report(), "https://host/a b>.json?x=1")
    assert "report: [read it](<https://host/a%20b%3E.json?x=1>)" in linked
    assert "- report" not in page(report())


def rendered(text: str) -> str:
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(text)


def test_names_never_become_markup() -> None:
    images = [written(EVIL), failed(EVIL, "DamagedImage", f"no {EVIL}")]
    html = rendered(page(report(*images), EVIL, (EVIL, "# heading\n- item")))
    assert "<img" not in html
    assert html.count("<h1>") == 0
    (slowest,) = re.findall(r"<h3>Slowest images</h3>.*?</table>", html, re.DOTALL)
    assert slowest.count("<td>") == 4
    assert "x onerror=" in unescape(slowest)


@given(st.text(max_size=40) | st.text(alphabet="|`\\<*_&# a", max_size=12))
def test_any_text_stays_in_its_cell_as_it_is(text: str) -> None:
    html = rendered(format_table(["name", "end"], [[format_code(text, 1000), "end"]]))
    first, second = re.findall(r"<td>(.*?)</td>", html, re.DOTALL)
    assert second == "end"
    shown = unescape(re.sub(r"</?code>", "", first))
    assert shown.replace(" ", "") == one_line(text).replace(" ", "")


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=30))
def test_one_line_holds_only_what_can_be_shown_and_sent(text: str) -> None:
    shown = one_line(text)
    assert shown.isprintable()
    shown.encode()  # which a lone surrogate could not be
    assert one_line(shown) == shown


@given(st.text(max_size=60), st.integers(3, 50))
def test_shortened_keeps_both_ends(text: str, length: int) -> None:
    short = shorten(text, length)
    assert len(short) == min(len(text), length)
    if len(text) <= length:
        assert short == text
    else:  # the mark is one character, wherever the text itself has such
        cuts = [at for at in range(length) if short[at] == "…"]
        assert any(text.startswith(short[:at]) and text.endswith(short[at + 1 :]) for at in cuts)
