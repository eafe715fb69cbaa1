"""The rows of a scales file, each checked.

The file may come from whoever filled the source: all that it holds has a limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from srcnn.errors import UsageError
from srcnn.geometry import Scale, parse_scale
from srcnn.planning.globs import Glob, parse_glob
from srcnn.planning.scales_formats import decode, read_csv, read_json
from srcnn.source_quality import QUALITY_HELP, SourceQuality, parse_source_quality
from srcnn.text import one_line, shorten

LIMIT_BYTES = 64 * 2**20
"""Of a scales file."""

_JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
_MOST_PROBLEMS = 10
_MOST_ROWS = 1_000_000
# Every image is compared with every glob, and a glob takes time to compile. Names are looked up.
_MOST_GLOBS = 10_000
_MOST_GLOB_CHARACTERS = 1_000_000
_LONGEST_PATH = 4096  # Linux has no longer ones
_MOST_SHOWN = 60  # characters of a field in a message
_JSON_TYPES = {dict: "an object", list: "a list", bool: "a boolean", type(None): "nothing"}

# Rows have few different ones.
_parse_scale = lru_cache(1024)(parse_scale)
_parse_quality = lru_cache(1024)(parse_source_quality)


@dataclass(frozen=True)
class ScaleRow:
    """One row.

    Attributes:
        line: in the file, from 1.
        glob: path or glob relative to the source.
        scale: of the images that match.
        quality: of these sources; None for the option's.
    """

    line: int
    glob: Glob
    scale: Scale
    quality: SourceQuality | None = None


def read_rows(name: str, content: bytes) -> list[ScaleRow]:
    """Read the rows of a scales file.

    Args:
        name: path or URL, used in error messages; its extension decides the format.
        content: the file's bytes, UTF-8, with or without a byte order mark.

    Raises:
        UsageError: rows cannot be read, or there are too many; the text names each line.
    """
    read = read_json if name.lower().endswith(_JSON_ENDINGS) else read_csv
    shown = one_line(name)
    rows: list[ScaleRow] = []
    problems: list[str] = []
    bad = 0
    globs = _GlobCount()
    for line, fields in read(shown, decode(shown, content)):
        try:
            row = _parse_row(line, fields)
            globs.add(row.glob)
            rows.append(row)
        except UsageError as error:
            bad += 1
            if bad <= _MOST_PROBLEMS:
                problems.append(f"{shown}:{line}: {error}")
        if globs.is_exceeded or len(rows) + bad > _MOST_ROWS:
            raise UsageError(f"{shown}:{line}: {globs.limits}")
    if problems:
        tail = [f"and {bad - len(problems)} more"] if bad > len(problems) else []
        raise UsageError("\n".join(problems + tail))
    return rows


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
    path, scale = fields.get("path"), fields.get("scale")
    if not isinstance(path, str) or not path.strip() or "\0" in path:
        raise UsageError(f"path: expected a path or glob, got {_show(path)}")
    if len(path) > _LONGEST_PATH:
        raise UsageError(
            f"path {_show(path)}: expected up to {_LONGEST_PATH:,} characters, got {len(path):,}"
        )
    if not isinstance(scale, str) or not scale.strip():
        raise UsageError(f"scale of {_show(path)}: expected a factor or target, got {_show(scale)}")
    quality = fields.get("quality")
    if not (quality is None or isinstance(quality, str)):
        raise UsageError(f"quality of {_show(path)}: expected {QUALITY_HELP}, got {_show(quality)}")
    chosen = _parse_quality(quality) if quality and quality.strip() else None
    return ScaleRow(line, parse_glob(path), _parse_scale(scale), chosen)


def _show(value: object) -> str:
    """Show a field: a text, shortened and escaped, or what else it is."""
    if isinstance(value, str):
        return repr(shorten(value, _MOST_SHOWN))
    return _JSON_TYPES.get(type(value), "something else")
