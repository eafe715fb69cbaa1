"""A table of files is a mapping like any other, in little memory."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.storage import file_table
from srcnn.storage.file_table import FileInfo, FileTable, FileTableBuilder
from srcnn.storage.key_columns import decode_keys, encode_key, encode_keys

# What a disk may give: any bytes but 0, those that are no UTF-8 as halves of surrogate pairs.
names = st.binary(min_size=1, max_size=6).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
infos = st.builds(FileInfo, st.integers(0, 2**62), names | st.just(""))
entries = st.lists(st.tuples(names, infos), max_size=20)


@given(entries, st.integers(1, 7))
def test_it_is_the_mapping_of_what_was_added(
    entries: list[tuple[str, FileInfo]], rows_per_chunk: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_table, "_ROWS_PER_CHUNK", rows_per_chunk)
        builder = FileTableBuilder()
        for key, info in entries:
            builder.add(key, info.size, info.version)
        table = builder.build()
        expected = dict(entries)
        assert table == expected
        assert list(table) == sorted(expected, key=encode_key)
        assert len(table) == len(expected)
        assert all(table[key] == info for key, info in expected.items())
        assert all(table.get(key + "x") == expected.get(key + "x") for key in expected)


@given(st.dictionaries(names, infos, min_size=1), st.data())
def test_rows_can_be_dropped_and_replaced(files: dict[str, FileInfo], data: st.DataObject) -> None:
    table = FileTable.of(files)
    kept = data.draw(st.sets(st.sampled_from(sorted(files))))
    mask = pa.array([key in kept for key in table])
    assert table.filter(mask) == {key: info for key, info in files.items() if key in kept}
    changed = {key: FileInfo(1, "new") for key in kept}
    assert table.replace(changed) == files | changed


@given(st.lists(names))
def test_keys_come_back_from_a_column(keys: list[str]) -> None:
    assert decode_keys(encode_keys(keys)) == keys


def test_a_missing_key_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"b\.png"):
        FileTable.of({"a.png": FileInfo(1, "1")})["b.png"]


def test_half_of_a_surrogate_pair_is_no_key() -> None:
    with pytest.raises(UnicodeEncodeError):
        encode_keys(["a", "\ud800"])
