"""Failures that somebody has accepted: of one version of a file, for one reason.

The file that lists them has failed images as the report has them, one a line. A source that
changed since, or fails for another reason, is not known. Nothing is read again for it: versions
come from the listing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

from srcnn.errors import UsageError
from srcnn.image_task import NOT_ATTEMPTED, ImageResult
from srcnn.printable_text import one_line
from srcnn.storage.atomic_files import read_file
from srcnn.storage.file_table import FileInfo
from srcnn.storage.retries import StorageLimits
from srcnn.validation_errors import describe_unreadable

_LIMIT_BYTES = 64 * 2**20
# They say how a run went, and nothing about the file.
_OF_THE_RUN = frozenset({NOT_ATTEMPTED, "Lost", "KilledWorker", "StorageUnavailable"})


@dataclass(frozen=True)
class _Error:
    """What is compared of an error; its message may change with a library."""

    type: str


@dataclass(frozen=True)
class KnownFailure:
    """A line of the file; what else it has is for people.

    Attributes:
        source: key in the source.
        source_info: size and version of the file that failed.
        error: why it failed.
    """

    source: str
    source_info: FileInfo
    error: _Error

    @property
    def can_be_known(self) -> bool:
        """Whether the failure is the file's own, and can be recognized again."""
        return self.error.type not in _OF_THE_RUN and bool(self.source_info.version)


_LINE = TypeAdapter(KnownFailure)


def parse_known_failure(fields: object) -> KnownFailure:
    """Parse a failed image, as reports have it.

    Raises:
        ValueError: it is none, or does not say which version of the file failed.
    """
    # Not with pydantic's JSON parser, which rejects file names that are not valid UTF-8.
    return _LINE.validate_python(fields)


class KnownFailures:
    """Failures that were accepted."""

    def __init__(self, failures: Iterable[KnownFailure] = ()) -> None:
        """Take the failures."""
        self._failures = frozenset(failures)

    def mark(self, result: ImageResult) -> ImageResult:
        """Return a result; one that says so if its failure is known.

        Args:
            result: of an image that was attempted.
        """
        if result.error is None or result.source_info is None:
            return result
        failure = KnownFailure(result.source, result.source_info, _Error(result.error.type))
        is_known = failure.can_be_known and failure in self._failures
        return replace(result, known=True) if is_known else result

    def list_outdated(self, results: Iterable[ImageResult]) -> list[str]:
        """List the sources that are in the file, and do not fail any more.

        Args:
            results: of a run.
        """
        sources = {failure.source for failure in self._failures}
        if not sources:
            return []
        found = [each for each in results if each.source in sources]
        failed = {each.source for each in found if each.error}  # as one of several outputs
        return list(dict.fromkeys(each.source for each in found if each.source not in failed))


def read_known_failures(url: str | None, limits: StorageLimits) -> KnownFailures:
    """Read the file of `--known-failures`.

    Args:
        url: path or URL; None for no known failures.
        limits: of remote calls.

    Raises:
        UsageError: a line cannot be read; the message names it.
        SourceMissingError: the file does not exist.
        StorageError: it is too large, or not a plain file.
    """
    if url is None:
        return KnownFailures()
    content = read_file(url, limits, limit_bytes=_LIMIT_BYTES)
    return KnownFailures(_parse(one_line(url), content))


def _parse(name: str, content: bytes) -> Iterator[KnownFailure]:
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield parse_known_failure(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise UsageError(
                f"{name}:{number}: {describe_unreadable(error)}: expected a failed image as "
                "`srcnn history DST --failures` writes it"
            ) from error
