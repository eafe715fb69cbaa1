"""CSV and JSON Lines as numbered rows of fields, for a scales file of unknown origin."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from srcnn.errors import UsageError
from srcnn.printable_text import shorten

NumberedFields: TypeAlias = tuple[int, Mapping[str, object] | str]
"""A row's line, from 1, and its fields, or why it cannot be read."""

COLUMNS = ("path", "scale", "quality", "name")
_LONGEST_LINE = 65_536  # characters
_MOST_SHOWN = 60  # characters of a header
# How files begin that are often given in place of a text, and what to do then.
_OTHER_FILES = {
    b"\xff\xfe": "UTF-16: save it as UTF-8",
    b"\xfe\xff": "UTF-16: save it as UTF-8",
    b"\x1f\x8b": "a gzip file: unpack it, or give the manifest.json of an S3 Inventory",
}
# Not splitlines(): it also splits at U+2028 and its like, which a name may hold.
_CSV_LINES = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_JSON_LINES = re.compile(r"[^\n]*\n|[^\n]+")


def decode(name: str, content: bytes) -> str:
    """Decode a text file.

    Args:
        name: used in error messages.
        content: UTF-8, with or without a byte order mark.

    Raises:
        UsageError: it is not UTF-8, or holds a NUL, as no text file does; the text names the line.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        got = f", got {found}" if (found := _OTHER_FILES.get(content[:2])) else ""
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(f"{name}:{line}: expected UTF-8 text{got}") from error
    before, nul, _ = text.partition("\0")
    if nul:
        line = before.count("\n") + 1
        raise UsageError(f"{name}:{line}: expected UTF-8 text, got a NUL: save it as UTF-8")
    return text


def read_csv(name: str, text: str, needed: Sequence[str]) -> Iterator[NumberedFields]:
    """Yield the rows of a CSV file.

    Args:
        name: used in error messages.
        text: of the file.
        needed: the columns that its header must have.

    Raises:
        UsageError: its header is not the one of a scales file, or a line is too long.
    """
    reader = csv.reader(_split_lines(name, text, _CSV_LINES), strict=True)
    begin = 1
    try:
        header = _read_header(name, next(reader, []), needed)
        begin = reader.line_num + 1
        for fields in reader:
            if any(value.strip() for value in fields):
                fits = len(fields) == len(header)
                row = dict(zip(header, fields, strict=True)) if fits else None
                yield reader.line_num, row or f"expected {len(header)} fields, got {len(fields)}"
            begin = reader.line_num + 1
    except csv.Error as error:  # the rest cannot be split into rows
        yield begin, f"a quoted field does not end as expected: {error}"


def _read_header(name: str, fields: Sequence[str], needed: Sequence[str]) -> list[str]:
    header = [column.strip().lower() for column in fields]
    if not set(needed) <= set(header) or any(header.count(column) > 1 for column in COLUMNS):
        got = shorten(",".join(header), _MOST_SHOWN)
        raise UsageError(
            f"{name}:1: expected the header '{','.join(needed)}' or 'path,scale,quality,name', "
            f"each column once, got {got!r}"
        )
    return header


def read_json(name: str, text: str) -> Iterator[NumberedFields]:
    """Yield the rows of a JSON Lines file; numbers stay text, as 1.3 is exact in decimal only.

    Raises:
        UsageError: a line is too long.
    """
    for line, content in enumerate(_split_lines(name, text, _JSON_LINES), start=1):
        if content.strip():
            yield line, _parse_json(content)


def _parse_json(content: str) -> Mapping[str, object] | str:
    try:
        value = json.loads(
            content,
            parse_float=str,
            parse_int=str,
            parse_constant=str,
            object_pairs_hook=_make_object,
        )
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg}: expected an object on each line"
    except RecursionError:
        return "JSON nested too deeply"
    except UsageError as error:
        return str(error)
    return value if isinstance(value, dict) else "expected an object with path and scale"


def _make_object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if twice := [key for key in COLUMNS if keys.count(key) > 1]:
        raise UsageError(f"expected each key once, got {twice[0]!r} more than once")
    return dict(pairs)


def _split_lines(name: str, text: str, pattern: re.Pattern[str]) -> Iterator[str]:
    for number, match in enumerate(pattern.finditer(text), start=1):
        line = match[0]
        if len(line) > _LONGEST_LINE:
            raise UsageError(
                f"{name}:{number}: expected lines of up to {_LONGEST_LINE:,} characters, "
                f"got {len(line):,}"
            )
        yield line
