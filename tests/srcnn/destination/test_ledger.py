"""The ledger: read whole, compacted without loss, and enough to know what is up to date."""

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.options.upscale import UpscaleOptions
from flows.upscale import batch_upscale
from srcnn.destination import ledger
from srcnn.destination.ledger import LEDGER_FOLDER
from srcnn.destination.records import Record
from srcnn.geometry import Size
from srcnn.storage.file_table import FileInfo
from srcnn.storage.filesystems import resolve
from srcnn.storage.folder import Folder


def record(output: str, content: int = 0, source: int = 0) -> Record:
    """Build the record of an output with this content, from a source with that content."""
    infos = (FileInfo(9, f"source {source}"), FileInfo(1, f"output {content}"))
    return Record(output, output, *infos, "2", "digest", "sha256", Size(4, 6), Size(8, 12))


@pytest.fixture(params=["local", "memory", "s3"])
def dst(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    if request.param == "s3":
        return Folder(f"{request.getfixturevalue('bucket')}/out")
    return Folder(str(tmp_path / "out") if request.param == "local" else f"memory://{uuid.uuid4()}")


def ledger_files(dst: Folder) -> list[str]:
    return sorted(key for key in dst.files() if key.startswith(LEDGER_FOLDER))


def write_output(dst: Folder, key: str) -> Record:
    """Write an output, and return its record."""
    return replace(record(key), output_info=dst.write(key, key.encode()))


FIRST_LINE = (
    b'{"output": "a.png", "source": "b/a.png", "source_info": {"size": 9, "version": "\\u00fc"}, '
    b'"output_info": {"size": 1, "version": "1700000000.000000"}, "scale": "2", '
    b'"options": "digest", "model": "sha256", "size_in": [4, 6], "size_out": [8, 12]}'
)
# At first there was no quality of the source.
PRESENT_LINE = FIRST_LINE.removesuffix(b"}") + b', "quality": 100.0, "file_quality": 100.0}'
# For a while there was a choice, which no longer matters.
LINES = [
    FIRST_LINE,
    PRESENT_LINE,
    *(
        FIRST_LINE.replace(b"12]}", b'12], "precision": "%b"}' % each)
        for each in (b"exact", b"fast")
    ),
]


@pytest.mark.parametrize("line", LINES)
def test_the_ledger_keeps_its_format(dst: Folder, line: bytes) -> None:
    dst.write(f"{LEDGER_FOLDER}run 1.jsonl", line + b"\n")
    found = ledger.load(dst, dst.files())
    infos = (FileInfo(9, "ü"), FileInfo(1, "1700000000.000000"))
    sizes = (Size(4, 6), Size(8, 12))
    expected = Record("a.png", "b/a.png", *infos, "2", "digest", "sha256", *sizes)
    assert found.records == {"a.png": expected}
    assert found.warnings == []
    ledger.append(dst, "run 2", [expected])
    assert dst.read(ledger_files(dst)[1]) == PRESENT_LINE + b"\n"
    assert ledger.load(dst, dst.files()).records == {"a.png": expected}


def test_many_files_are_read_in_their_order(dst: Folder) -> None:
    for number in range(150):
        ledger.append(dst, f"run {number:03d}", [record("a.png", number), record(f"{number}.png")])
    found = ledger.load(dst, dst.files())
    assert found.records["a.png"] == record("a.png", 149)
    assert len(found.records) == 151
    assert (len(found.files), found.superseded, found.warnings) == (150, 149, [])


DEEP = b"[" * 100_000
POISON = {
    "no record": b"{}",
    "empty": b"",
    "an empty line": b"\n",
    "not UTF-8": b"\xff\xfe",
    "UTF-16": FIRST_LINE.decode().encode("utf-16"),
    "cut": b'{"output": 1',
    "lists": b"[]\n[]",
    "deep": DEEP,
    "deep inside": FIRST_LINE.replace(b"[4, 6]", DEEP),
    "deep objects": b'{"a":' * 100_000,
    "a name twice": FIRST_LINE.replace(b'"scale": "2"', b'"scale": "2", "scale": "3"'),
    "not a number": FIRST_LINE.replace(b"[4, 6]", b"[NaN, 6]"),
    "infinite": FIRST_LINE.replace(b'"size": 9', b'"size": Infinity'),
    "no pixels": FIRST_LINE.replace(b"[4, 6]", b"[0, 0]"),
    "below zero": FIRST_LINE.replace(b"[8, 12]", b"[-8, 12]"),
    "huge": FIRST_LINE.replace(b"[8, 12]", b"[8, 1" + 400 * b"0" + b"]"),
    "longer than Python converts": FIRST_LINE.replace(b"[8, 12]", b"[8, 1" + 5000 * b"0" + b"]"),
    "no quality": PRESENT_LINE.replace(b'"quality": 100.0', b'"quality": NaN'),
    "a quality of 0": PRESENT_LINE.replace(b'"file_quality": 100.0', b'"file_quality": 0'),
    "nested": FIRST_LINE.replace(b'"scale": "2"', b'"scale": {"a": [["2"]]}'),
    "null": FIRST_LINE.replace(b'"output": "a.png"', b'"output": null'),
}


@pytest.mark.parametrize("content", POISON.values(), ids=POISON)
def test_a_damaged_file_is_reported_and_left(dst: Folder, content: bytes) -> None:
    for number in range(3):
        ledger.append(
            dst, f"run {number}", [write_output(dst, "a.png"), write_output(dst, f"{number}.png")]
        )
    damaged = ledger_files(dst)[1]
    dst.write(damaged, content)
    found = ledger.load(dst, dst.files())
    (warning,) = found.warnings
    assert warning.startswith(f"{dst.get_url(damaged)}: ")
    assert warning.endswith("; the images it recorded will be upscaled again")
    assert sorted(found.records) == ["0.png", "2.png", "a.png"]
    assert ledger.compact(dst, "run 9") == 2
    assert damaged in ledger_files(dst)
    after = ledger.load(dst, dst.files())
    assert (after.records, after.warnings) == (found.records, [warning])


def test_files_that_never_end_are_reported(tmp_path: Path) -> None:
    dst = Folder(str(tmp_path))
    ledger.append(dst, "run 1", [record("a.png")])
    folder = tmp_path / LEDGER_FOLDER
    (folder / "run 2.jsonl").symlink_to("/dev/zero")
    with (folder / "run 3.jsonl").open("wb") as file:
        file.truncate(2**40)  # a sparse file
    os.mkfifo(tmp_path / "fifo")
    (folder / "run 4.jsonl").symlink_to(tmp_path / "fifo")
    (folder / "run 5.jsonl").symlink_to("run 5.jsonl")
    found = ledger.load(dst, dst.files())
    assert sorted(found.records) == ["a.png"]
    reasons = [warning.partition(".jsonl: ")[2].partition(";")[0] for warning in found.warnings]
    assert reasons == [
        "expected a plain file, got a device",
        f"expected up to {64 * 2**20:,} bytes, got {2**40:,}",
        "expected a plain file, got a FIFO",
        "a link that leads to itself",
    ]


def test_a_file_that_is_too_large_is_not_read_from_a_bucket(bucket: str) -> None:
    dst = Folder(f"{bucket}/out")
    dst.write(f"{LEDGER_FOLDER}run 1.jsonl", b"\n" * (64 * 2**20 + 1))
    (warning,) = ledger.load(dst, dst.files()).warnings
    assert "expected up to" in warning


def test_a_name_with_control_characters_is_escaped(dst: Folder) -> None:
    dst.write(f"{LEDGER_FOLDER}run \x1b[31m.jsonl", b"{}")
    (warning,) = ledger.load(dst, dst.files()).warnings
    assert warning.isprintable()


def test_compacted_files_are_small_enough_to_be_read(tmp_path: Path) -> None:
    """Names of 1,024 bytes take six times as much when they are escaped."""
    dst = Folder(str(tmp_path))
    template = write_output(dst, "a.png")
    long = [
        replace(template, source="\u00fc" * 5000 + str(number), scale=str(number))
        for number in range(2000)
    ]
    for number, one in enumerate(long):
        (tmp_path / f"{number}.png").write_bytes(b"")
        long[number] = replace(one, output=f"{number}.png")
    ledger.append(dst, "run 1", long[:1000])
    ledger.append(dst, "run 2", long[1000:])
    assert ledger.compact(dst, "run 9") == 2
    assert len(ledger_files(dst)) == 4
    found = ledger.load(dst, dst.files())
    assert (len(found.records), found.warnings) == (2000, [])


def test_a_file_that_was_removed_since_it_was_listed_is_reported(dst: Folder) -> None:
    ledger.append(dst, "run 1", [record("a.png")])
    listing = dst.files()
    dst.remove(ledger_files(dst)[0])
    found = ledger.load(dst, listing)
    assert found.records == {}
    assert "removed since it was listed" in found.warnings[0]


def test_compacting_keeps_what_counts_in_one_file(dst: Folder) -> None:
    kept = [write_output(dst, f"{number}.png") for number in range(5)]
    for number in range(4):
        ledger.append(dst, f"run {number}", [*kept, record("gone.png", number)])
    before = ledger.load(dst, dst.files())
    assert before.is_scattered
    assert ledger.compact(dst, "run 5") == 4
    assert ledger_files(dst) == [f"{LEDGER_FOLDER}run 5--000000.jsonl"]
    after = ledger.load(dst, dst.files())
    assert after.records == {one.output: one for one in kept}
    assert (after.superseded, after.is_scattered) == (0, False)
    ledger.append(dst, "run 5", [record("0.png", 7, 7)])
    assert ledger_files(dst)[0] == f"{LEDGER_FOLDER}run 5--000000.jsonl"  # read first
    ledger.append(dst, "run 6", [kept[1]])
    assert ledger.load(dst, dst.files()).records == after.records


def test_a_large_ledger_is_gathered_in_files_of_a_bounded_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ledger, "_RECORDS_PER_FILE", 40)
    monkeypatch.setattr(ledger, "_MAX_FILES", 100)
    dst = Folder(f"memory://{uuid.uuid4()}")
    kept = [write_output(dst, f"{number}.png") for number in range(101)]
    for number, one in enumerate(kept):
        ledger.append(dst, f"run {number:04d}", [one])
    before = ledger.load(dst, dst.files())
    assert before.is_scattered  # by the number of files alone
    ledger.compact(dst, "run 2000")
    assert len(ledger_files(dst)) == 3
    after = ledger.load(dst, dst.files())
    assert after.records == before.records
    assert not after.is_scattered
    resolve(dst.url)[0].rm(dst.url, recursive=True)


def test_runs_that_are_later_by_their_clocks_are_left_alone(dst: Folder) -> None:
    later = write_output(dst, "a.png")
    ledger.append(dst, "run 9", [later])
    for number in range(3):
        ledger.append(dst, f"run {number}", [record("a.png", 1), write_output(dst, "b.png")])
    assert ledger.compact(dst, "run 5") == 3
    assert len(ledger_files(dst)) == 2
    assert ledger.load(dst, dst.files()).records["a.png"] == later


class Killed(BaseException):
    """Ends a process, as far as its storage can see."""


class Dying(Folder):
    """A destination whose process is killed after a number of changes."""

    def __init__(self, url: str, changes: int) -> None:
        super().__init__(url)
        self.changes = changes

    def _change(self) -> None:
        self.changes -= 1
        if self.changes < 0:
            raise Killed

    def write(self, key: str, data: bytes) -> FileInfo:
        self._change()
        return super().write(key, data)

    def remove(self, key: str) -> None:
        self._change()
        super().remove(key)


NAMES = st.sampled_from(["a.png", "b.png", "c.png"])
RECORDS = st.builds(record, NAMES, st.integers(0, 2), st.integers(0, 2))
RUNS = st.lists(st.lists(RECORDS, min_size=1, max_size=4), min_size=1, max_size=5)


def clear(dst: Folder) -> None:
    for key in ledger_files(dst) if dst.exists() else []:
        dst.remove(key)


@settings(max_examples=30)
@given(RUNS, st.dictionaries(NAMES, st.integers(0, 2)), st.lists(RECORDS, max_size=3))
def test_compacting_killed_at_any_moment_loses_nothing(
    runs: list[list[Record]], contents: dict[str, int], later: list[Record]
) -> None:
    """For the outputs that exist, the same record counts as without compacting."""
    url = f"memory://{uuid.uuid4()}"
    dst = Folder(url)
    dst.write("README.txt", b"a folder in memory exists as long as it holds a file")
    outputs = {key: dst.write(key, b"1") for key in contents}

    def match_listing(one: Record) -> Record:
        """Return the record of the existing file, if it has that content."""
        if contents.get(one.output) == int(one.output_info.version.split()[1]):
            return replace(one, output_info=outputs[one.output])
        return one

    runs = [[match_listing(one) for one in run] for run in runs]
    later = [match_listing(one) for one in later]

    def fill(more: list[Record]) -> None:
        clear(dst)
        for number, run in enumerate(runs):
            ledger.append(dst, f"run {number}", run)
        ledger.append(dst, "run 8", more)

    def counting() -> dict[str, Record]:
        found = ledger.load(dst, dst.files())
        assert found.warnings == []
        return {key: one for key, one in found.records.items() if key in outputs}

    fill([])
    expected = counting()
    fill(later)
    expected_later = counting()
    for changes in range(len(runs) + 3):
        fill([])
        try:
            ledger.compact(Dying(url, changes), "run 8")
        except Killed:
            pass
        else:
            assert len(ledger_files(dst)) <= 1
        assert counting() == expected
        ledger.append(dst, "run 8", later)
        assert counting() == expected_later
        ledger.compact(dst, "run 9")  # the next run finishes it
        assert counting() == expected_later
    resolve(url)[0].rm(url, recursive=True)


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place with twelve small images."""
    where = request.getfixturevalue("bucket") if request.param == "s3" else str(tmp_path)
    picture = cv2.imencode(".png", np.full((6, 8, 3), 99, np.uint8))[1].tobytes()
    for number in range(12):
        Folder(f"{where}/in").write(f"{number:02d}.png", picture)
    return str(where)


def upscale(place: str) -> dict[str, int]:
    return batch_upscale.fn(UpscaleOptions(src=f"{place}/in", dst=f"{place}/out"))


@pytest.fixture
def requests(place: str) -> Iterator[list[tuple[str, str]]]:
    """Method and URL of each request, recorded when it is sent to the server."""
    fs, _ = resolve(place)
    sent: list[tuple[str, str]] = []

    def note(request: Any, **_: object) -> None:
        sent.append((request.method, request.url))

    if place.startswith("s3://"):
        fs.connect()
        fs.s3.meta.events.register("before-send.s3", note)
    yield sent
    if place.startswith("s3://"):
        fs.s3.meta.events.unregister("before-send.s3", note)


@pytest.mark.parametrize("place", ["s3"], indirect=True)
def test_a_finished_job_reads_listings_and_the_ledger(
    place: str, requests: list[tuple[str, str]]
) -> None:
    assert upscale(place)["written"] == 12
    assert len([url for method, url in requests if method == "GET" and "/in/" in url]) >= 12
    requests.clear()
    assert upscale(place)["skipped"] == 12
    # Requests for objects only: a listing has its prefix in the query.
    objects = [url for _, url in requests if ".png" in url or ".jsonl" in url]
    assert objects
    assert all(f"/{LEDGER_FOLDER}" in url for url in objects)
    assert len(requests) < 60  # whatever the number of images


@pytest.mark.parametrize("place", ["local"], indirect=True)
def test_a_finished_job_reads_no_image(place: str) -> None:
    """The files no longer hold images, and a listing does not show it."""
    assert upscale(place)["written"] == 12
    for path in [*Path(place, "in").glob("*.png"), *Path(place, "out").glob("*.png")]:
        before = path.stat()
        path.write_bytes(bytes(before.st_size))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert upscale(place)["skipped"] == 12


def test_every_line_is_a_record_by_itself(place: str) -> None:
    upscale(place)
    dst = Folder(f"{place}/out")
    lines = [line for key in ledger_files(dst) for line in dst.read(key).splitlines()]
    assert sorted(json.loads(line)["output"] for line in lines) == [
        f"{number:02d}.png" for number in range(12)
    ]
