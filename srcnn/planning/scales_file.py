"""The scales file: a factor or target for each image, by path or glob.

CSV with the header `path,scale`, or JSON Lines with those keys. The last row that
matches an image wins.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from srcnn.errors import UsageError
from srcnn.geometry import Scale, parse_scale
from srcnn.planning.globs import Patterns

DEFAULT_NAME = "scales.csv"
_JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
_MOST_PROBLEMS = 10

# The fields of a row, or what keeps it from being read.
_Found: TypeAlias = Mapping[str, object] | str


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        line: in the file, from 1.
        path: path or glob relative to the source.
        scale: what its images get.
    """

    line: int
    path: str
    scale: Scale


class Scales:
    """The rows of a scales file, asked by key.

    Attributes:
        name: of the file, for messages.
        rows: in the file's order.
    """

    def __init__(self, name: str, rows: Sequence[Row]) -> None:
        """Take the rows.

        Raises:
            UsageError: a path is empty.
        """
        self.name = name
        self.rows = rows
        self._patterns = Patterns(row.path for row in rows)

    def row_for(self, key: str) -> Row | None:
        """The last row that matches an image, or None."""
        index = self._patterns.last_match(key)
        return None if index is None else self.rows[index]


def read_scales(name: str, content: bytes) -> Scales:
    """Read a scales file.

    Args:
        name: path or URL; its ending tells the format, the messages repeat it.
        content: the file's bytes, UTF-8, with or without a byte order mark.

    Raises:
        UsageError: rows cannot be read; the text names each line.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(f"{name}:{line}: expected UTF-8 text") from error
    lines = _json_rows if name.lower().endswith(_JSON_ENDINGS) else _csv_rows
    rows, problems = [], []
    for line, found in lines(name, text):
        try:
            rows.append(_row(line, found))
        except UsageError as error:
            problems.append(f"{name}:{line}: {error}")
    if problems:
        more = len(problems) - _MOST_PROBLEMS
        tail = [f"and {more} more"] if more > 0 else []
        raise UsageError("\n".join(problems[:_MOST_PROBLEMS] + tail))
    return Scales(name, rows)


def _row(line: int, found: _Found) -> Row:
    if isinstance(found, str):
        raise UsageError(found)
    path, scale = found.get("path"), found.get("scale")
    if not isinstance(path, str) or not path.strip():
        raise UsageError(f"path: expected a path or glob, got {path!r}")
    if not isinstance(scale, str) or not scale.strip():
        raise UsageError(f"scale of {path!r}: expected a factor or target, got {scale!r}")
    Patterns([path])
    return Row(line, path, parse_scale(scale))


def _csv_rows(name: str, text: str) -> Iterator[tuple[int, _Found]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [column.strip().lower() for column in next(reader, [])]
        if "path" not in header or "scale" not in header:
            raise UsageError(
                f"{name}:1: expected the header 'path,scale', got {','.join(header)!r}"
            )
        for fields in reader:
            if len(fields) == len(header):
                if any(value.strip() for value in fields):
                    yield reader.line_num, dict(zip(header, fields, strict=True))
            elif any(value.strip() for value in fields):
                yield reader.line_num, f"expected {len(header)} fields, got {len(fields)}"
    except csv.Error as error:  # the rest cannot be told into rows
        yield reader.line_num, str(error)


def _json_rows(_name: str, text: str) -> Iterator[tuple[int, _Found]]:
    # Not splitlines(): it also splits at U+2028 and its like, which a string may hold.
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        try:
            # Numbers stay text: 1.3 is exact in decimal, and not in binary.
            value = json.loads(content, parse_float=str, parse_int=str)
        except json.JSONDecodeError as error:
            yield line, f"not JSON: {error.msg}"
        except RecursionError:
            yield line, "not JSON that we read: nested too deep"
        else:
            yield (
                line,
                value if isinstance(value, dict) else "expected an object with path and scale",
            )
