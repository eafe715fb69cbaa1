"""Which images are up to date: by the ledger, and by the files of the destination."""

from __future__ import annotations

from posixpath import splitext

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from srcnn.destination.records import RecordTable
from srcnn.geometry import Scale, Size, is_large_enough, is_too_large
from srcnn.image_results import UP_TO_DATE
from srcnn.job import Job
from srcnn.planning.select_images import Overwrite, RequestedImages
from srcnn.storage.file_table import FileTable
from srcnn.storage.key_columns import decode_key

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
# All before the extension, and slashes behind it.
_BEFORE_EXTENSION = r"(?s)^.*(\.[^./]*)/*$"
_SIDES = ("height_in", "width_in", "height_out", "width_out")


class Comparison:
    """Images whose outputs exist and are on record, beside these files and these records.

    Attributes:
        images: all that were asked for, N of them.
        records: of the ledger.
        exists: (N,) whether the output exists.
        image_rows: (P,) the images that are compared, by their rows.
        record_rows: (P,) their records.
    """

    def __init__(
        self,
        job: Job,
        images: RequestedImages,
        existing: FileTable,
        records: RecordTable,
        *,
        may_shrink: bool = False,
    ) -> None:
        """Find the file and the record of each output.

        Args:
            job: what all images share.
            images: the images.
            existing: the destination's files.
            records: of the ledger.
            may_shrink: whether images above their target are made smaller.
        """
        self._may_shrink = may_shrink
        self._job, self.images, self._existing, self.records = job, images, existing, records
        file_rows = _find_rows(images.outputs, existing.keys_column)
        record_rows = _find_rows(images.outputs, records.column("output"))
        self.exists: Mask = file_rows >= 0
        self.image_rows: Rows = np.flatnonzero(self.exists & (record_rows >= 0))
        self.record_rows: Rows = record_rows[self.image_rows]
        self._file_rows: Rows = file_rows[self.image_rows]

    def compare_sizes(self) -> Mask:
        """Whether each output has its recorded size, (P,)."""
        return _equal(self._existing.sizes, self._file_rows, self._record("output_size"))

    def compare_versions(self) -> Mask:
        """Whether each output has its recorded version, (P,)."""
        return _equal(self._existing.versions, self._file_rows, self._record("output_version"))

    def compare_outputs(self) -> Mask:
        """Whether each output is proved to be the recorded file, of the image's source, (P,)."""
        keys = self.images.files.keys_column
        same_source = _equal(keys, self.image_rows, self._record("source"))
        same_file = self.compare_sizes() & self.compare_versions() & self.have_versions()
        return same_file & same_source

    def compare_making(self) -> Mask:
        """Whether the job would make the recorded output again, (P,)."""
        files, rows = self.images.files, self.image_rows
        same_file = _equal(files.sizes, rows, self._record("source_size"))
        same_file &= _equal(files.versions, rows, self._record("source_version"))
        same_file &= self.have_source_versions()
        texts = [str(each.scale) for each in self.images.resolved]
        return (
            same_file
            & self._has_value("scale", texts, self.images.choices[rows])
            & self._has_value("options", *self._digest_options())
            & self._has_value("model", [self._job.model.sha256], np.zeros(len(rows), np.int64))
            & self._compare_qualities()
            & self._compare_shrinking()
        )

    def have_versions(self) -> Mask:
        """Whether each output has a version, without which no change could be noticed, (P,)."""
        return _is_given(self._existing.versions, self._file_rows)

    def have_source_versions(self) -> Mask:
        """Whether each source has one, (P,)."""
        return _is_given(self.images.files.versions, self.image_rows)

    def _record(self, name: str) -> pa.Array:
        """Return a column of the records, (P,)."""
        return self.records.column(name).take(pa.array(self.record_rows))

    def _has_value(self, name: str, values: list[str], choices: npt.NDArray[np.integer]) -> Mask:
        """Whether a column that has few values has the chosen one, (P,)."""
        column = self._record(name)
        numbers = _find_rows(pa.array(values, column.type.value_type), column.dictionary)
        found: Mask = column.indices.to_numpy(zero_copy_only=False) == numbers[choices]
        return found

    def _digest_options(self) -> tuple[list[str], npt.NDArray[np.integer]]:
        """Digest the options once for each extension; return which of them each output has."""
        outputs = self.images.outputs.take(pa.array(self.image_rows))
        extensions = pc.replace_substring_regex(outputs, _BEFORE_EXTENSION, r"\1")
        encoded = extensions.dictionary_encode()
        names = [splitext(f"x{decode_key(each.as_py())}")[1] for each in encoded.dictionary]
        digests = [self._job.digest_options(f"x{name}") for name in names]
        return digests, encoded.indices.to_numpy(zero_copy_only=False)

    def _compare_qualities(self) -> Mask:
        """Whether each output has the image's quality, or is the same at every quality, (P,)."""
        rows = self.image_rows
        if self._job.model.graph.quality is None:
            return np.ones(len(rows), bool)
        given = np.array([each.quality.given or np.nan for each in self.images.resolved])
        wanted = given[self.images.choices[rows]]
        found = self._record("file_quality").to_numpy(zero_copy_only=False)
        recorded = self._record("quality").to_numpy(zero_copy_only=False)
        result: Mask = recorded == np.where(np.isnan(wanted), found, wanted)
        others = np.flatnonzero(~result)
        result[others] = self._are_copies(others)
        return result

    def _compare_shrinking(self) -> Mask:
        """Whether each image above its target was made smaller if it is to be, or was not, (P,)."""
        height_in, width_in, height_out, width_out = (
            self._record(name).to_numpy(zero_copy_only=False) for name in _SIDES
        )
        is_shrunk: Mask = (height_out < height_in) | (width_out < width_in)
        if not self._may_shrink:
            return ~is_shrunk
        result = np.ones(len(is_shrunk), bool)
        copies = np.flatnonzero((height_out == height_in) & (width_out == width_in))
        result[copies] = [
            not is_too_large(size, scale) for size, scale in self._list_requests(copies)
        ]
        return result

    def _are_copies(self, pairs: Rows) -> list[bool]:
        """Whether some of the images, by their place among P, meet their target already."""
        return [is_large_enough(size, scale) for size, scale in self._list_requests(pairs)]

    def _list_requests(self, pairs: Rows) -> list[tuple[Size, Scale]]:
        """List the size and the scale of some of the images, by their place among P."""
        heights, widths = (
            self._record(name).take(pa.array(pairs)).to_pylist() for name in _SIDES[:2]
        )
        choices = self.images.choices[self.image_rows[pairs]]
        return [
            (Size(height, width), self.images.resolved[choice].scale)
            for height, width, choice in zip(heights, widths, choices, strict=True)
        ]


def find_up_to_date(comparison: Comparison, overwrite: Overwrite) -> tuple[Mask, pa.Table]:
    """Find the images that need not be processed.

    Args:
        comparison: of all images.
        overwrite: when an existing output is written again.

    Returns:
        A mask (N,) of the images, and what is known of them, with the columns of
        `srcnn.image_results.UP_TO_DATE`.
    """
    is_skipped = np.zeros(len(comparison.images), bool)
    record_rows: Rows = np.full(len(comparison.images), -1)
    if overwrite == "always":
        return is_skipped, UP_TO_DATE.empty_table()
    is_current = comparison.compare_outputs()
    if overwrite == "changed":
        is_current &= comparison.compare_making()
        is_skipped[comparison.image_rows[is_current]] = True
    else:
        is_skipped = comparison.exists
    record_rows[comparison.image_rows[is_current]] = comparison.record_rows[is_current]
    return is_skipped, _describe(comparison, is_skipped, record_rows[is_skipped])


def _describe(comparison: Comparison, is_skipped: Mask, record_rows: Rows) -> pa.Table:
    images, records = comparison.images, comparison.records
    mask, rows = pa.array(is_skipped), pa.array(record_rows, mask=record_rows < 0)
    columns = [images.files.keys_column.filter(mask), images.outputs.filter(mask)]
    columns += [records.column(name).take(rows) for name in (*_SIDES, "quality")]
    return pa.Table.from_arrays(columns, schema=UP_TO_DATE)


def _find_rows(keys: pa.Array, within: pa.Array) -> Rows:
    """Find the row of each key in another column; -1 for those that are not there."""
    rows: Rows = pc.index_in(keys, value_set=within).fill_null(-1).to_numpy().astype(np.int64)
    return rows


def _equal(column: pa.Array, rows: Rows, other: pa.Array) -> Mask:
    return _to_mask(pc.equal(column.take(pa.array(rows)), other))


def _is_given(versions: pa.Array, rows: Rows) -> Mask:
    return _to_mask(pc.not_equal(versions.take(pa.array(rows)), b""))


def _to_mask(column: pa.Array) -> Mask:
    mask: Mask = column.to_numpy(zero_copy_only=False)
    return mask
