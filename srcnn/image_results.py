"""The results of a run, one for each image requested, by source.

Most images of a nightly run are up to date. These are rows of a table, which become objects only
when somebody looks at them.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import pyarrow as pa

from srcnn.geometry import Size, measure_scale
from srcnn.graphs.graph_format import CLEAN
from srcnn.image_task import ImageResult
from srcnn.storage.key_columns import KEY_TYPE, decode_keys

ROWS_PER_CHUNK = 20_000
# As the bytes of UTF-8 are sorted. Names that are not valid UTF-8 may be out of order.
_ORDER = attrgetter("source")
# Sizes and quality are null if no record has them.
UP_TO_DATE = pa.schema(
    [
        ("source", KEY_TYPE),
        ("output", KEY_TYPE),
        ("height_in", pa.int32()),
        ("width_in", pa.int32()),
        ("height_out", pa.int32()),
        ("width_out", pa.int32()),
        ("quality", pa.float64()),
    ]
)


@dataclass(frozen=True)
class ImageResults:
    """Results, by source.

    Attributes:
        others: of the images that were not skipped as up to date, by source.
        up_to_date: of those that were, with the columns of `UP_TO_DATE`, by source.
    """

    others: list[ImageResult] = field(default_factory=list)
    up_to_date: pa.Table = field(default_factory=UP_TO_DATE.empty_table)

    def add(self, results: Iterable[ImageResult]) -> ImageResults:
        """Return these results and others."""
        return ImageResults(sorted([*self.others, *results], key=_ORDER), self.up_to_date)

    def map(self, change: Callable[[ImageResult], ImageResult]) -> ImageResults:
        """Return the results with a change to those that are not up to date."""
        return ImageResults([change(each) for each in self.others], self.up_to_date)

    def list_chunks(self) -> Iterator[pa.Table]:
        """Yield the table of those up to date in parts."""
        for start in range(0, len(self.up_to_date), ROWS_PER_CHUNK):
            yield self.up_to_date.slice(start, ROWS_PER_CHUNK)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.others) + len(self.up_to_date)

    def __iter__(self) -> Iterator[ImageResult]:
        """Yield all results, by source."""
        return heapq.merge(self.others, self._iterate_up_to_date(), key=_ORDER)

    def _iterate_up_to_date(self) -> Iterator[ImageResult]:
        for chunk in self.list_chunks():
            yield from map(build_result, *list_columns(chunk))


def list_columns(chunk: pa.Table) -> list[list[Any]]:
    """Return the columns of a part of a table with the columns of `UP_TO_DATE`, keys as texts."""
    return [
        decode_keys(column.combine_chunks()) if column.type == KEY_TYPE else column.to_pylist()
        for column in chunk.columns
    ]


def build_result(  # noqa: PLR0913, PLR0917 - a row of the table
    source: str,
    output: str,
    height_in: int | None,
    width_in: int | None,
    height_out: int | None,
    width_out: int | None,
    quality: float | None,
) -> ImageResult:
    """Return the result of a row of a table with the columns of `UP_TO_DATE`."""
    if height_in is None or width_in is None or height_out is None or width_out is None:
        return ImageResult(source, output, "skipped")
    size_in, size_out = Size(height_in, width_in), Size(height_out, width_out)
    scale = measure_scale(size_in, size_out)
    known = CLEAN if quality is None else quality
    return ImageResult(source, output, "skipped", scale, size_in, size_out, quality=known)
