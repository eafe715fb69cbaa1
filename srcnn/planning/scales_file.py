"""The scales file: a factor or target for each image, its quality and its name, by path or glob.

CSV with the header `path,scale`, and perhaps quality and name, JSON Lines with those keys, or
Parquet with those columns. The last row that matches an image wins; one for each name.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Container, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from srcnn.errors import UsageError
from srcnn.geometry import Scale
from srcnn.graphs.graph_format import CLEAN
from srcnn.graphs.graph_interface import GraphInterface
from srcnn.planning.glob_matches import GlobMatches
from srcnn.planning.globs import Globs
from srcnn.planning.name_template import NameTemplate
from srcnn.planning.s3_inventory import is_inventory
from srcnn.planning.scales_rows import LIMIT_BYTES, ScaleRow, read_rows
from srcnn.printable_text import one_line
from srcnn.source_quality import AUTO, SourceQuality
from srcnn.storage.atomic_files import read_file
from srcnn.storage.file_table import FileTable
from srcnn.storage.folder import Folder

DEFAULT_NAME = "scales.csv"
_MOST_UNUSED_LISTED = 10
_MOST_OUTPUTS = 10_000_000  # where rows have names: a few of them may ask for any number


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
        self._plain = [row for row in rows if row.name is None]
        self._named = [row for row in rows if row.name is not None]
        self._globs = Globs(row.glob for row in self._plain)
        self._matches = GlobMatches((row.glob, str(row.name)) for row in self._named)

    @property
    def has_names(self) -> bool:
        """Whether an image may have several outputs."""
        return bool(self._named)

    def find_row(self, key: str) -> ScaleRow | None:
        """Return the last row without a name that matches an image, or None."""
        index = self._globs.last_match(key)
        return None if index is None else self._plain[index]

    def list_rows(self, key: str) -> list[ScaleRow | None]:
        """List the rows that each ask for an output of an image; None for what the options say.

        They are the last row without a name, if one matches, and the last one of each name.
        """
        named = [self._named[index] for index in self._matches.list_last_matches(key)]
        plain = self.find_row(key)
        return [*([plain] if plain or not named else []), *named]


def read_scales(name: str, content: bytes) -> Scales:
    """Read a scales file; see `read_rows`."""
    return Scales(one_line(name), read_rows(name, content))


def find_scales(source: Folder, listing: Container[str], url: str | None) -> Scales | None:
    """Read the scales file of a run; None if there is none.

    Args:
        source: of the run, which may hold `scales.csv`.
        listing: keys of its files.
        url: of the file that the user named, or None.

    Raises:
        UsageError: rows cannot be read; the text names each line.
        SourceMissingError: the file that the user named does not exist.
        StorageError: it is too large, or not a plain file.
    """
    if url is None and DEFAULT_NAME not in listing:
        return None
    # Not by its URL: in an archive (`zip://pictures::a.zip`) a key is not at the end of it.
    if url:
        content = read_file(url, source.limits, limit_bytes=LIMIT_BYTES)
        _refuse_inventory(url, content)
    else:
        content = source.read(DEFAULT_NAME, LIMIT_BYTES)
    return read_scales(url or source.get_url(DEFAULT_NAME), content)


def _refuse_inventory(url: str, content: bytes) -> None:
    if is_inventory(url, content):
        raise UsageError(
            f"{one_line(url)}: an S3 Inventory lists images and gives no scales: add --only-listed"
        )


class Resolved(NamedTuple):
    """What is asked for of one output.

    Attributes:
        scale: the factor or target.
        quality: of the source.
        name: of the output; None for the option's.
    """

    scale: Scale
    quality: SourceQuality
    name: NameTemplate | None = None


class Choices(NamedTuple):
    """What is asked for of files.

    Attributes:
        choices: for each of N outputs (N,) an index of `resolved`.
        resolved: what is asked for, each once.
        rows: (N,) the file of each output, in the order of the files; None for one of each file.
    """

    choices: npt.NDArray[np.int32]
    resolved: Sequence[Resolved]
    rows: npt.NDArray[np.int32] | None = None


class Resolver(Protocol):
    """Finds what is asked for of images."""

    def resolve_all(self, files: FileTable) -> Choices:
        """Find what is asked for of each file.

        Raises:
            UsageError: that are too many outputs.
        """

    def list_warnings(self) -> list[str]:
        """Return warnings of what was given without any effect."""


def describe_ignored_qualities(
    graph: GraphInterface, chosen: Collection[SourceQuality | None]
) -> list[str]:
    """Return a warning if qualities were given that the model cannot follow.

    Args:
        graph: of the model; without such weights, all sources count as clean.
        chosen: the qualities that were given; None for none.
    """
    if graph.quality is not None or set(chosen) <= {None, AUTO, SourceQuality(CLEAN)}:
        return []
    text = (
        "the model has no weights for the quality of its sources, so the quality that "
        "--source-quality or the scales file gives changes nothing"
    )
    return [text]


class ScaleResolver:
    """Finds every image's scale and quality, and remembers which rows decided one.

    Attributes:
        default: of images that no row matches.
    """

    def __init__(
        self,
        scales: Scales | None,
        default: Scale | None,
        graph: GraphInterface,
        quality: SourceQuality = AUTO,
    ) -> None:
        """Start with every row unused.

        Args:
            scales: the scales file, or None.
            default: for images that no row matches; None for the model's own.
            graph: of the model, which may have a fixed factor.
            quality: for images that no row matches, or whose row has none.
        """
        self._scales = scales
        self._graph = graph
        self.default = Resolved(default or graph.default_scale, quality)
        self._used: set[ScaleRow | None] = set()

    def resolve_all(self, files: FileTable) -> Choices:
        """Find what is asked for of each file.

        Raises:
            UsageError: that are too many outputs.
        """
        if self._scales is None:
            return Choices(np.zeros(len(files), np.int32), [self.default])
        if self._scales.has_names:
            return self._resolve_names(files, self._scales)
        numbers: dict[Resolved, int] = {}
        choices = (numbers.setdefault(self.resolve(key), len(numbers)) for key in files)
        return Choices(np.fromiter(choices, np.int32, len(files)), list(numbers))

    def resolve(self, key: str) -> Resolved:
        """Find what is asked for of an image by the last row without a name, or the options."""
        return self._use(self._scales.find_row(key) if self._scales else None)

    def _resolve_names(self, files: FileTable, scales: Scales) -> Choices:
        numbers: dict[Resolved, int] = {}
        choices, rows = array("i"), array("i")
        for number, key in enumerate(files):
            for row in scales.list_rows(key):
                choices.append(numbers.setdefault(self._use(row), len(numbers)))
                rows.append(number)
            if len(choices) > _MOST_OUTPUTS:
                raise UsageError(
                    f"{scales.name}: expected up to {_MOST_OUTPUTS:,} outputs where rows have "
                    f"names, got more, at {one_line(key)}: split the source with --include"
                )
        return Choices(np.array(choices, np.int32), list(numbers), np.array(rows, np.int32))

    def _use(self, row: ScaleRow | None) -> Resolved:
        self._used.add(row)
        if row is None:
            return self.default
        return Resolved(row.scale, row.quality or self.default.quality, row.name)

    def list_warnings(self) -> list[str]:
        """Return warnings of what was given without any effect."""
        chosen = {row.quality for row in self._used if row} | {self.default.quality}
        return [*self._list_unused_rows(), *describe_ignored_qualities(self._graph, chosen)]

    def _list_unused_rows(self) -> list[str]:
        """Return a warning for each row that matches no image: most often a misspelt path."""
        if self._scales is None:
            return []
        name = self._scales.name
        unused = [row for row in self._scales.rows if row not in self._used]
        warnings = [f"{name}:{row.line}: {row.glob.text!r} matches no image" for row in unused]
        more = len(warnings) - _MOST_UNUSED_LISTED
        tail = [f"and {more} more rows of {name} match no image"] if more > 0 else []
        return warnings[:_MOST_UNUSED_LISTED] + tail
