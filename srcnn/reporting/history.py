"""The earlier runs of a destination, from the reports that it keeps.

A report of 100,000 images has tens of megabytes, and begins with what is needed here: only the
beginning is read, up to a limit. Reports may be damaged, huge or somebody else's: each is a run
that cannot be read, and none stops the others.
"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, NonNegativeFloat, TypeAdapter

from srcnn.batch.known_failures import parse_known_failure
from srcnn.errors import StorageUnavailableError, UnusableFileError, UsageError
from srcnn.reporting.report import RUNS_FOLDER
from srcnn.storage.bounded_reads import TEXT_LIMIT_BYTES
from srcnn.storage.file_table import FileInfo
from srcnn.storage.folder import Folder
from srcnn.validation_errors import describe_unreadable

RunState = Literal["passed", "failed", "ended early", "unreadable"]
NIGHTS = 14

_IO_THREADS = 16
_REPORT = re.compile(r"(\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{6})\.json")
_FIRST_BYTES = 64 * 1024
_LIMIT_BYTES = 4 * 2**20  # of all that comes before the images
# Text within JSON has no bare quotes: the first match is the name of the list.
_IMAGES = re.compile(rb',\s*"images"\s*:\s*\[')

_Count = Annotated[int, Field(ge=0, lt=10**12)]
_Seconds = Annotated[NonNegativeFloat, Field(lt=1e9)]


@dataclass(frozen=True)
class _Model:
    sha256: str


@dataclass(frozen=True)
class _Run:
    started: AwareDatetime
    seconds: _Seconds
    src: str
    model: _Model


@dataclass(frozen=True)
class Counts:
    """Images of a run, as its report has them."""

    requested: _Count
    written: _Count
    skipped: _Count
    failed: _Count


@dataclass(frozen=True)
class _Summary:
    """What reports of earlier versions lack."""

    known: _Count = 0
    not_attempted: _Count = 0
    megapixels: Annotated[NonNegativeFloat, Field(lt=1e12)] | None = None
    ended: str = ""
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ReportHead:
    """A report without its images."""

    run: _Run
    counts: Counts
    summary: _Summary = field(default_factory=_Summary)

    @property
    def state(self) -> RunState:
        """How the run ended; as its exit status said, where that was not a signal's."""
        if self.summary.ended:
            return "ended early"
        return "failed" if self.counts.failed > self.summary.known else "passed"

    @property
    def megapixels_per_second(self) -> float | None:
        """Written, over the whole time of the run; None if the report does not say."""
        megapixels, seconds = self.summary.megapixels, self.run.seconds
        return None if megapixels is None or not seconds else megapixels / seconds


_HEADS = TypeAdapter(ReportHead)


@dataclass(frozen=True)
class PastRun:
    """A run that a destination keeps the report of.

    Attributes:
        run_id: of the run, from the name of its report.
        head: the beginning of the report; None if it cannot be read.
        problem: why it cannot; empty if it can.
    """

    run_id: str
    head: ReportHead | None
    problem: str = ""

    @property
    def state(self) -> RunState:
        """How the run ended."""
        return self.head.state if self.head else "unreadable"


def read_history(destination: Folder, last: int) -> list[PastRun]:
    """Read the last runs of a destination, the newest first.

    Args:
        destination: of the runs.
        last: how many, at the most.

    Raises:
        UsageError: no run is recorded there.
        OSError: the storage failed.
    """
    folder = destination.subfolder(RUNS_FOLDER)
    reports = _list_reports(destination, folder)[:last]
    with ThreadPoolExecutor(_IO_THREADS) as pool:
        return list(pool.map(partial(_read_run, folder), *zip(*reports, strict=True)))


def read_failures(destination: Folder) -> tuple[PastRun, list[dict[str, Any]]]:
    """Read the images of the last run that failed for reasons that can be known.

    Args:
        destination: of the run.

    Returns:
        The run, and its failed images, as the report has them.

    Raises:
        UsageError: no run is recorded there.
        UnusableFileError: the last report cannot be read.
        OSError: the storage failed.
    """
    folder = destination.subfolder(RUNS_FOLDER)
    key, info = _list_reports(destination, folder)[0]
    try:
        images = json.loads(folder.read(key, TEXT_LIMIT_BYTES, info))["images"]
        failed = [image for image in images if image["status"] == "failed"]
        return _read_run(folder, key, info), [image for image in failed if _can_be_known(image)]
    except (ValueError, RecursionError, TypeError, LookupError) as error:
        reason = describe_unreadable(error)
        raise UnusableFileError(f"{folder.get_url(key)}: not a report: {reason}") from error


def _can_be_known(image: dict[str, Any]) -> bool:
    try:
        return parse_known_failure(image).can_be_known
    except ValueError:  # of an earlier version, which did not say which file failed
        return False


def _list_reports(destination: Folder, folder: Folder) -> list[tuple[str, FileInfo]]:
    """List the reports, the newest first: run ids sort by time."""
    files = folder.files() if folder.exists() else {}
    reports = [item for item in files.items() if _REPORT.fullmatch(item[0])]
    if not reports:
        raise UsageError(
            f"{destination.given}: no runs are recorded in {RUNS_FOLDER}/ there: expected the "
            "destination of an upscale run"
        )
    return sorted(reports, reverse=True)


def _read_run(folder: Folder, key: str, info: FileInfo) -> PastRun:
    run_id = key.removesuffix(".json")
    try:
        return PastRun(run_id, _HEADS.validate_python(json.loads(_read_head(folder, key, info))))
    except StorageUnavailableError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        return PastRun(run_id, None, describe_unreadable(error))


def _read_head(folder: Folder, key: str, info: FileInfo) -> bytes:
    """Read a report up to its images, and close it as JSON; a short one may have none."""
    with folder.open(key, info) as file:
        content = file.read(_FIRST_BYTES)
        found = _IMAGES.search(content)
        if not found and len(content) == _FIRST_BYTES:
            content += file.read(_LIMIT_BYTES - _FIRST_BYTES)
            found = _IMAGES.search(content)
    if found:
        return content[: found.start()] + b"}"
    if len(content) == _LIMIT_BYTES:
        raise ValueError(f"no report: its first {_LIMIT_BYTES:,} bytes have no list of images")
    return content
