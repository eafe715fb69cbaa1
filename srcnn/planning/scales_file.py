"""The scales file: a factor or target for each image, by path or glob.

CSV with the header `path,scale`, or JSON Lines with those keys. The last row that
matches an image wins.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from srcnn.errors import UsageError
from srcnn.geometry import Scale, Size, parse_scale
from srcnn.graphs.graph_interface import GraphInterface
from srcnn.planning.globs import Glob, Globs, parse_glob
from srcnn.storage.files import read_file
from srcnn.storage.folder import Folder

DEFAULT_NAME = "scales.csv"
_JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
_MOST_PROBLEMS = 10
_MOST_UNUSED_LISTED = 10

# The fields of a row, or why it cannot be read.
_Fields: TypeAlias = Mapping[str, object] | str


@dataclass(frozen=True)
class ScaleRow:
    """One row.

    Attributes:
        line: in the file, from 1.
        glob: path or glob relative to the source.
        scale: of the images that match.
    """

    line: int
    glob: Glob
    scale: Scale


class Scales:
    """The rows of a scales file, looked up by key.

    Attributes:
        name: of the file, for messages.
        rows: in the file's order.
    """

    def __init__(self, name: str, rows: Sequence[ScaleRow]) -> None:
        """Take the rows."""
        self.name = name
        self.rows = rows
        self._globs = Globs(row.glob for row in rows)

    def find_row(self, key: str) -> ScaleRow | None:
        """Return the last row that matches an image, or None."""
        index = self._globs.last_match(key)
        return None if index is None else self.rows[index]


def read_scales(name: str, content: bytes) -> Scales:
    """Read a scales file.

    Args:
        name: path or URL; its extension decides the format, and messages repeat it.
        content: the file's bytes, UTF-8, with or without a byte order mark.

    Raises:
        UsageError: rows cannot be read; the text names each line.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(f"{name}:{line}: expected UTF-8 text") from error
    read = _read_json if name.lower().endswith(_JSON_ENDINGS) else _read_csv
    rows, problems = [], []
    for line, fields in read(name, text):
        try:
            rows.append(_parse_row(line, fields))
        except UsageError as error:
            problems.append(f"{name}:{line}: {error}")
    if problems:
        more = len(problems) - _MOST_PROBLEMS
        tail = [f"and {more} more"] if more > 0 else []
        raise UsageError("\n".join(problems[:_MOST_PROBLEMS] + tail))
    return Scales(name, rows)


def _parse_row(line: int, fields: _Fields) -> ScaleRow:
    if isinstance(fields, str):
        raise UsageError(fields)
    path, scale = fields.get("path"), fields.get("scale")
    if not isinstance(path, str) or not path.strip():
        raise UsageError(f"path: expected a path or glob, got {path!r}")
    if not isinstance(scale, str) or not scale.strip():
        raise UsageError(f"scale of {path!r}: expected a factor or target, got {scale!r}")
    return ScaleRow(line, parse_glob(path), parse_scale(scale))


def _read_csv(name: str, text: str) -> Iterator[tuple[int, _Fields]]:
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
    except csv.Error as error:  # the rest cannot be split into rows
        yield reader.line_num, str(error)


def _read_json(_name: str, text: str) -> Iterator[tuple[int, _Fields]]:
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
            yield line, "JSON nested too deeply"
        else:
            yield (
                line,
                value if isinstance(value, dict) else "expected an object with path and scale",
            )


def find_scales(source: Folder, listing: Container[str], url: str | None) -> Scales | None:
    """Read the scales file of a run; None if there is none.

    Args:
        source: of the run, which may hold `scales.csv`.
        listing: keys of its files.
        url: of the file that the user named, or None.

    Raises:
        UsageError: rows cannot be read; the text names each line.
        SourceMissingError: the file that the user named does not exist.
    """
    if url is None and DEFAULT_NAME not in listing:
        return None
    # Not by its URL: in an archive (`zip://pictures::a.zip`) a key is not at the end of it.
    content = read_file(url, source.limits) if url else source.read(DEFAULT_NAME)
    return read_scales(url or source.get_url(DEFAULT_NAME), content)


class ScaleResolver:
    """Finds every image's scale, and remembers which rows decided one."""

    def __init__(self, scales: Scales | None, default: Scale | None, graph: GraphInterface) -> None:
        """Start with every row unused.

        Args:
            scales: the scales file, or None.
            default: for images that no row matches; None for the model's own.
            graph: of the model, which may have a fixed factor.
        """
        self._scales = scales
        self._default = default or graph.default_scale
        self._graph = graph
        self._used: set[ScaleRow | None] = set()

    def resolve(self, key: str) -> Scale:
        """Find the scale of an image.

        Raises:
            UsageError: the model cannot make it; the text names the image.
        """
        row = self._scales.find_row(key) if self._scales else None
        self._used.add(row)
        scale = row.scale if row else self._default
        check_scale(key, scale, self._graph)
        return scale

    def list_unused_rows(self) -> list[str]:
        """Return a warning for each row that matches no image: most often a misspelt path."""
        if self._scales is None:
            return []
        name = self._scales.name
        unused = [row for row in self._scales.rows if row not in self._used]
        warnings = [f"{name}:{row.line}: {row.glob.text!r} matches no image" for row in unused]
        more = len(warnings) - _MOST_UNUSED_LISTED
        tail = [f"and {more} more rows of {name} match no image"] if more > 0 else []
        return warnings[:_MOST_UNUSED_LISTED] + tail


def check_scale(key: str, scale: Scale, graph: GraphInterface, size: Size | None = None) -> None:
    """Refuse a scale that the model cannot make, naming the image.

    Args:
        key: of the image.
        scale: that it asks for.
        graph: of the model.
        size: of the image, which decides the factor of a target.

    Raises:
        UsageError: the model has another fixed factor.
    """
    try:
        graph.check_scale(scale, size)
    except UsageError as error:
        raise UsageError(f"{key}: {error}") from error
