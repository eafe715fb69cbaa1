"""The rows of a scales file, each checked.

The file may come from whoever filled the source: all that it holds has a limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from srcnn.errors import UsageError
from srcnn.geometry import Scale
from srcnn.parse_scale import parse_scale
from srcnn.planning.csv_json_rows import COLUMNS, NumberedFields, decode, read_csv, read_json
from srcnn.planning.globs import Glob, parse_glob
from srcnn.planning.name_template import NAME_HELP, NameTemplate, parse_name
from srcnn.planning.parquet_rows import is_parquet, read_parquet
from srcnn.printable_text import one_line, shorten
from srcnn.source_quality import QUALITY_HELP, SourceQuality, parse_source_quality

LIMIT_BYTES = 64 * 2**20
"""Of a scales file."""

_JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
_NEEDED = ("path", "scale")
_MOST_PROBLEMS = 10
_MOST_ROWS = 1_000_000
# Every image is compared with every glob, and a glob takes time to compile. Names are looked up.
_MOST_GLOBS = 10_000
_MOST_GLOB_CHARACTERS = 1_000_000
_LONGEST_PATH = 4096  # Linux has no longer ones
_MOST_SHOWN = 60  # characters of a field in a message
# JSON can escape it, and no file is named so. Bytes that are not UTF-8 are U+DC80 to U+DCFF.
_HALF_OF_A_PAIR = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_JSON_TYPES = {dict: "an object", list: "a list", bool: "a boolean", type(None): "nothing"}

# Rows have few different ones.
_parse_scale = lru_cache(1024)(parse_scale)
_parse_quality = lru_cache(1024)(parse_source_quality)
_parse_name = lru_cache(1024)(parse_name)


@dataclass(frozen=True)
class ScaleRow:
    """One row.

    Attributes:
        line: in the file, from 1.
        glob: path or glob relative to the source.
        scale: of the images that match.
        quality: of these sources; None for the option's.
        name: of these outputs; None for the option's.
    """

    line: int
    glob: Glob
    scale: Scale
    quality: SourceQuality | None = None
    name: NameTemplate | None = None


class RowChoice(NamedTuple):
    """What a row asks for; None for what it leaves to the options.

    Attributes:
        scale: of the images.
        quality: of the sources.
        name: of the outputs.
    """

    scale: Scale | None
    quality: SourceQuality | None = None
    name: NameTemplate | None = None


def read_rows(name: str, content: bytes) -> list[ScaleRow]:
    """Read the rows of a scales file.

    Args:
        name: path or URL, used in error messages; its extension decides the format.
        content: the file's bytes: Parquet, or UTF-8, with or without a byte order mark.

    Raises:
        UsageError: rows cannot be read, or there are too many; the text names each line.
    """
    rows: list[ScaleRow] = []
    problems, globs = RowProblems(one_line(name)), _GlobCount()
    for line, fields in read_fields(name, content, _NEEDED):
        try:
            row = _parse_row(line, fields)
            globs.add(row.glob)
            rows.append(row)
        except UsageError as error:
            problems.add(line, error)
        if globs.is_exceeded or len(rows) + problems.count > _MOST_ROWS:
            raise UsageError(f"{problems.name}:{line}: {globs.limits}")
    problems.raise_if_any()
    return rows


def read_fields(name: str, content: bytes, needed: Sequence[str]) -> Iterator[NumberedFields]:
    """Yield the rows of a file as fields that are not checked yet.

    Args:
        name: path or URL, used in messages; by its extension it is JSON Lines or CSV.
        content: the file's bytes.
        needed: the columns that the file must have.

    Raises:
        UsageError: the file as a whole cannot be read.
    """
    shown = one_line(name)
    if is_parquet(content):
        return read_parquet(shown, content, needed, COLUMNS)
    text = decode(shown, content)
    if name.lower().endswith(_JSON_ENDINGS):
        return read_json(shown, text)
    return read_csv(shown, text, needed)


class RowProblems:
    """Collects what is wrong with the rows of a file.

    Attributes:
        name: of the file.
        count: of the rows that cannot be read.
    """

    def __init__(self, name: str) -> None:
        """Start with none."""
        self.name, self.count = name, 0
        self._first: list[str] = []

    def add(self, line: int, error: UsageError) -> None:
        """Add a row that cannot be read."""
        self.count += 1
        if self.count <= _MOST_PROBLEMS:
            self._first.append(f"{self.name}:{line}: {error}")

    def raise_if_any(self) -> None:
        """Raise one error that names the first lines.

        Raises:
            UsageError: there are any.
        """
        if self._first:
            more = self.count - len(self._first)
            raise UsageError("\n".join([*self._first, *([f"and {more} more"] if more else [])]))


class _GlobCount:
    """Counts the globs of a file."""

    limits = (
        f"expected up to {_MOST_ROWS:,} rows, and up to {_MOST_GLOBS:,} of them with wildcards, "
        f"of {_MOST_GLOB_CHARACTERS:,} characters in all: a folder's path stands for all below it"
    )

    def __init__(self) -> None:
        self._globs = self._characters = 0

    def add(self, glob: Glob) -> None:
        if glob.regex:
            self._globs += 1
            self._characters += len(glob.text)

    @property
    def is_exceeded(self) -> bool:
        return self._globs > _MOST_GLOBS or self._characters > _MOST_GLOB_CHARACTERS


def _parse_row(line: int, fields: Mapping[str, object] | str) -> ScaleRow:
    if isinstance(fields, str):
        raise UsageError(fields)
    path = parse_path(fields)
    choice = parse_choice(fields)
    if choice.scale is None:
        got = _show(fields.get("scale"))
        raise UsageError(f"scale of {_show(path)}: expected a factor or target, got {got}")
    return ScaleRow(line, parse_glob(path), choice.scale, choice.quality, choice.name)


def parse_path(fields: Mapping[str, object]) -> str:
    """Return the path of a row, as it is written.

    Raises:
        UsageError: it has none, or one that is too long or that no file can have.
    """
    path = fields.get("path")
    if not isinstance(path, str) or not path.strip() or "\0" in path:
        raise UsageError(f"path: expected a path or glob, got {_show(path)}")
    if _HALF_OF_A_PAIR.search(path):
        raise UsageError(f"path {_show(path)}: expected text, got half of a surrogate pair")
    if len(path) > _LONGEST_PATH:
        raise UsageError(
            f"path {_show(path)}: expected up to {_LONGEST_PATH:,} characters, got {len(path):,}"
        )
    return path


def parse_choice(fields: Mapping[str, object]) -> RowChoice:
    """Return what a row asks for.

    Raises:
        UsageError: a field is wrong.
    """
    scale = _find_text(fields, "scale", "a factor or target")
    quality = _find_text(fields, "quality", QUALITY_HELP)
    name = _find_text(fields, "name", NAME_HELP)
    return RowChoice(
        _parse_scale(scale) if scale else None,
        _parse_quality(quality) if quality else None,
        _parse_name(name) if name else None,
    )


def _find_text(fields: Mapping[str, object], column: str, expected: str) -> str | None:
    """Return the text of a field; None if it is empty."""
    value = fields.get(column)
    if not (value is None or isinstance(value, str)):
        path = _show(fields.get("path"))
        raise UsageError(f"{column} of {path}: expected {expected}, got {_show(value)}")
    return value if value and value.strip() else None


def _show(value: object) -> str:
    """Show a field: a text, shortened and escaped, or what else it is."""
    if isinstance(value, str):
        return repr(shorten(value, _MOST_SHOWN))
    return _JSON_TYPES.get(type(value), "something else")
