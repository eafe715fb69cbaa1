"""The scales file: a factor or target for each image, and its quality, by path or glob.

CSV with the header `path,scale` or `path,scale,quality`, JSON Lines with those keys, or Parquet
with those columns. The last row that matches an image wins.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from srcnn.geometry import Scale
from srcnn.graphs.graph_format import CLEAN
from srcnn.graphs.graph_interface import GraphInterface
from srcnn.planning.globs import Globs
from srcnn.planning.scales_rows import LIMIT_BYTES, ScaleRow, read_rows
from srcnn.source_quality import AUTO, SourceQuality
from srcnn.storage.file_table import FileTable
from srcnn.storage.files import read_file
from srcnn.storage.folder import Folder
from srcnn.text import one_line

DEFAULT_NAME = "scales.csv"
_MOST_UNUSED_LISTED = 10


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
    else:
        content = source.read(DEFAULT_NAME, LIMIT_BYTES)
    return read_scales(url or source.get_url(DEFAULT_NAME), content)


class Resolved(NamedTuple):
    """What is asked for of one image.

    Attributes:
        scale: the factor or target.
        quality: of its source.
    """

    scale: Scale
    quality: SourceQuality


Choices = tuple[npt.NDArray[np.int32], Sequence[Resolved]]
"""For each of N images (N,) an index, and what is asked for by that index."""


class Resolver(Protocol):
    """Finds what is asked for of images."""

    def resolve_all(self, files: FileTable) -> Choices:
        """Find the scale and the quality of each file."""

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
        """Find the scale and the quality of each file."""
        if self._scales is None:
            return np.zeros(len(files), np.int32), [self.default]
        numbers: dict[Resolved, int] = {}
        choices = (numbers.setdefault(self.resolve(key), len(numbers)) for key in files)
        return np.fromiter(choices, np.int32, len(files)), list(numbers)

    def resolve(self, key: str) -> Resolved:
        """Find the scale of an image, and the quality of its source."""
        row = self._scales.find_row(key) if self._scales else None
        self._used.add(row)
        if row is None:
            return self.default
        return Resolved(row.scale, row.quality or self.default.quality)

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
