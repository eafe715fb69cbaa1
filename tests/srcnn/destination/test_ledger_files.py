"""Files of a ledger that are parsed at once give what each gives alone."""

import uuid

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from srcnn.destination.ledger_files import read_ledger_files
from srcnn.destination.record_lines import format_line, parse_files, parse_lines
from srcnn.destination.records import SCHEMA, Record, to_records, to_table
from srcnn.geometry import Size
from srcnn.storage.file_table import FileInfo
from srcnn.storage.folder import Folder

FILES_PER_BATCH = 64


def record(name: str, quality: float = 100) -> Record:
    infos = (FileInfo(9, "source"), FileInfo(1, "output"))
    sizes = (Size(4, 6), Size(8, 12))
    return Record(name, name, *infos, "2", "digest", "sha256", *sizes, quality, quality)


LINE, OTHER = (format_line(record(name)).encode() for name in ("a.png", "\u00fc {}.png"))
HALF = LINE.index(b', "options"')
CONTENTS = [
    LINE,  # without an end, as a file that was cut between two records
    LINE + b"\n",
    LINE + b"\n" + OTHER + b"\n",
    LINE + OTHER + b"\n",  # two on a line
    LINE[:HALF],
    LINE[HALF:] + b"\n",
    LINE[:HALF] + b"\n" + LINE[HALF:] + b"\n",
    LINE + b"\r\n",
    format_line(record("a\udcff.png")).encode() + b"\n",  # not valid UTF-8
    LINE[: LINE.index(b', "quality"')] + b"}\n",  # of an earlier version
    LINE.replace(b"[4, 6]", b"[4, 6, 1]") + b"\n",
    b"",
    b"\n",
    b"{}\n",
]


def parse_alone(content: bytes) -> list[Record] | None:
    try:
        return list(to_records(parse_lines(content)))
    except ValueError:
        return None


@given(st.lists(st.sampled_from(CONTENTS), max_size=6))
@example([LINE + OTHER + b"\n", LINE[:HALF], LINE[HALF:] + b"\n"])
@settings(deadline=None)
def test_files_are_read_as_each_alone(contents: list[bytes]) -> None:
    folder = Folder(f"memory://{uuid.uuid4()}")
    for number, content in enumerate(contents):
        folder.write(f"{number}.jsonl", content)
    folder.write("end.jsonl", LINE)
    found = list(read_ledger_files(folder, folder.files()))
    expected = [parse_alone(content) for content in [*contents, LINE]]
    tables = [each for _, each in found if not isinstance(each, str)]
    warned = {keys[0] for keys, each in found if isinstance(each, str)}
    assert warned == {f"{n}.jsonl" for n, each in enumerate(expected) if each is None}
    assert list(to_records(pa.concat_tables([SCHEMA.empty_table(), *tables]))) == [
        each for records in expected if records for each in records
    ]


def test_files_of_one_version_are_parsed_at_once() -> None:
    table = parse_files([LINE, LINE + b"\n", OTHER + b"\n"])
    assert table is not None
    assert table.equals(to_table(map(record, ("a.png", "a.png", "\u00fc {}.png"))))


def test_many_and_large_files_are_not_in_memory_at_once() -> None:
    folder = Folder(f"memory://{uuid.uuid4()}")
    for number in range(FILES_PER_BATCH + 1):
        folder.write(f"{number:03d}.jsonl", LINE)
    large = b"\n".join([LINE] * 60_000)  # more than half of a batch
    folder.write("900.jsonl", large)
    folder.write("901.jsonl", large)
    batches = [keys for keys, _ in read_ledger_files(folder, folder.files())]
    assert list(map(len, batches)) == [FILES_PER_BATCH, 2, 1]
