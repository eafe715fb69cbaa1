"""The page of a run, for people: one HTML file that needs no network and opens anywhere.

Names and messages come from strangers. The template escapes every value, after control characters
became visible, and the page's own policy lets it load nothing and run only the script in it.
https://developer.mozilla.org/docs/Web/HTTP/Guides/CSP
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from srcnn.job import Job
from srcnn.reporting.page_values import FILTERS, draw_bar, make_visible
from srcnn.reporting.previews import Preview
from srcnn.reporting.report import RUNS_FOLDER
from srcnn.reporting.summary import Summary
from srcnn.reporting.verdict import judge

if TYPE_CHECKING:
    from jinja2 import Template

MOST_WARNINGS = 20
_PACKAGE = "srcnn.reporting"
# Shown apart from the other options.
_PLACES = {"src", "dst", "model"}


@dataclass(frozen=True)
class RunPage:
    """What the page of a run shows; bounded, however many images the run had.

    Attributes:
        job: what all images shared.
        started: when, UTC.
        options: as the user gave them.
        summary: the numbers of the run.
        ended: why it ended early; empty if it did not.
        problem: why it failed, other than by its images; empty if it did not.
        warnings: of the plan, MOST_WARNINGS at the most.
        other_warnings: how many more there were.
        report_url: of the JSON report; empty if none was kept.
        versions: of the programs that made it, by name.
        ignored: files of the source that are not images we read: how many, by extension.
    """

    job: Job
    started: datetime
    options: Mapping[str, Any]
    summary: Summary
    ended: str
    problem: str
    warnings: Sequence[str]
    other_warnings: int
    report_url: str
    versions: Mapping[str, str]
    ignored: Mapping[str, int]

    @property
    def key(self) -> str:
        """Where the destination keeps it, beside the report."""
        return f"{RUNS_FOLDER}/{self.job.run_id}.html"


def render_run_page(page: RunPage, previews: Sequence[Preview]) -> bytes:
    """Render the page.

    Args:
        page: what it shows.
        previews: of images before and after; may be empty.

    Returns:
        HTML in UTF-8: some tens of kilobytes, and 4/3 of what the previews have.
    """
    style, script = (_read(f"run_page.{kind}") for kind in ("css", "js"))
    options = {name: value for name, value in page.options.items() if name not in _PLACES}
    verdict = judge(page.summary, page.ended)
    text = _load_template().render(
        page=page,
        verdict=verdict,
        state="failed" if page.problem else verdict.state,
        bar=draw_bar(page.summary),
        options=options,
        previews=previews,
        is_local=page.job.destination.local_path is not None,
        style=style,
        script=script,
        policy=_write_policy(style, script),
    )
    return text.encode()


@cache
def _load_template() -> Template:
    import jinja2  # noqa: PLC0415 - slow to import, and needed once, at the end of a run

    environment = jinja2.Environment(
        autoescape=True,
        finalize=make_visible,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    return environment.from_string(_read("run_page.html"))


def _read(name: str) -> str:
    return resources.files(_PACKAGE).joinpath(name).read_text("utf-8")


def _write_policy(style: str, script: str) -> str:
    """Return a Content-Security-Policy that allows this style and this script, and no request."""
    style_hash, script_hash = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (style, script)
    )
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{style_hash}'; "
        f"script-src 'sha256-{script_hash}'; base-uri 'none'; form-action 'none'"
    )
