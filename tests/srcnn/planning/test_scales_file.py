"""Scales files as people, spreadsheets and scripts write them."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.errors import UnusableFileError, UsageError
from srcnn.geometry import Factor
from srcnn.parse_scale import parse_scale
from srcnn.planning.scales_file import (
    ScaleResolver,
    Scales,
    find_scales,
    read_scales,
)
from srcnn.source_quality import SourceQuality
from srcnn.storage.folder import Folder
from tests.support.jobs import open_bundled

names = st.text(st.characters(exclude_characters="/\x00", exclude_categories=["Cs"]), min_size=1)


def as_csv(*lines: str, end: str = "\n") -> bytes:
    return end.join(["path,scale", *lines, ""]).encode()


def table(scales: Scales) -> list[tuple[int, str, str]]:
    return [(row.line, row.glob.text, str(row.scale)) for row in scales.rows]


def problems(name: str, content: bytes) -> list[str]:
    with pytest.raises(UsageError) as caught:
        read_scales(name, content)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    "content",
    [
        b"path,scale\na.jpg,2\nd/*.png,1.3x2\n",
        b"path,scale\na.jpg,2\nd/*.png,1.3x2",
        b"path,scale\r\na.jpg,2\r\nd/*.png,1.3x2\r\n",
        b"path,scale\ra.jpg,2\rd/*.png,1.3x2\r",
        b"\xef\xbb\xbfpath,scale\r\na.jpg,2\r\nd/*.png,1.3x2\r\n",
        b'"path","scale"\n"a.jpg","2"\n"d/*.png","1.3x2"\n',
        b"Path, SCALE\na.jpg, 2\nd/*.png,\t1.3x2 \n",
        b"path,scale,note\na.jpg,2,\nd/*.png,1.3x2,later\n",
    ],
    ids=["lf", "no end", "crlf", "cr", "bom", "quoted", "spaces", "more columns"],
)
def test_csv_is_read(content: bytes) -> None:
    assert table(read_scales("s.csv", content)) == [(2, "a.jpg", "2"), (3, "d/*.png", "1.3x2")]


def test_columns_may_come_in_any_order() -> None:
    assert table(read_scales("s.csv", b"scale,path\n3,a.jpg\n")) == [(2, "a.jpg", "3")]


@pytest.mark.parametrize(
    "content",
    [
        b'{"path": "a.jpg", "scale": 2}\n{"path": "d/*.png", "scale": "1.3x2"}\n',
        b'\xef\xbb\xbf{"path": "a.jpg", "scale": 2}\r\n{"scale": "1.3x2", "path": "d/*.png"}',
        b' {"path":"a.jpg","scale":2.0,"note":[1]} \n\t{"path":"d/*.png","scale":"1.3x2"}\t\n',
    ],
    ids=["lf", "bom and crlf", "spaces and more keys"],
)
@pytest.mark.parametrize("name", ["s.jsonl", "S.JSONL", "s.ndjson", "s.json", "s3://b/s.jsonl"])
def test_json_lines_are_read(name: str, content: bytes) -> None:
    assert table(read_scales(name, content)) == [(1, "a.jpg", "2"), (2, "d/*.png", "1.3x2")]


def test_numbers_in_json_are_exact() -> None:
    scales = read_scales("s.jsonl", b'{"path": "a", "scale": 1.3}\n{"path": "b", "scale": 1.10}\n')
    assert [row.scale for row in scales.rows] == [parse_scale("1.3"), parse_scale("1.1")]


def test_blank_lines_are_left_out_and_counted() -> None:
    content = as_csv("", "a.jpg,2", "   ", ",", " , ", "b.jpg,3", "")
    assert table(read_scales("s.csv", content)) == [(3, "a.jpg", "2"), (7, "b.jpg", "3")]
    content = b'\n  \n{"path": "a.jpg", "scale": 2}\n\r\n\n{"path": "b.jpg", "scale": 3}\n\n'
    assert table(read_scales("s.jsonl", content)) == [(3, "a.jpg", "2"), (6, "b.jpg", "3")]


def test_quotes_hold_commas_quotes_and_line_ends() -> None:
    content = as_csv('"a,b.jpg",2', '"say ""hi"".jpg",3', '"two\nlines.jpg",4', "c.jpg,5")
    rows = read_scales("s.csv", content).rows
    assert [row.glob.text for row in rows] == ["a,b.jpg", 'say "hi".jpg', "two\nlines.jpg", "c.jpg"]
    assert (rows[1].line, rows[3].line) == (3, 6)


@given(names, names)
def test_any_name_can_be_written_as_csv(first: str, second: str) -> None:
    if not first.strip() or not second.strip():
        return
    text = io.StringIO()
    csv.writer(text).writerows([("path", "scale"), (first, 2), (second, 3)])
    scales = read_scales("s.csv", text.getvalue().encode())
    assert [row.glob.text for row in scales.rows] == [first, second]


@given(names, names, st.booleans())
def test_any_name_can_be_written_as_json(first: str, second: str, escaped: bool) -> None:  # noqa: FBT001 - hypothesis draws it
    if not first.strip() or not second.strip():
        return
    lines = [{"path": first, "scale": 2}, {"path": second, "scale": 3}]
    text = "\n".join(json.dumps(line, ensure_ascii=escaped) for line in lines)
    scales = read_scales("s.jsonl", text.encode())
    assert [(row.line, row.glob.text) for row in scales.rows] == [(1, first), (2, second)]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85"])
def test_line_separators_inside_a_json_string_end_no_line(separator: str) -> None:
    line = json.dumps({"path": f"a{separator}b.jpg", "scale": 2}, ensure_ascii=False)
    row = read_scales("s.jsonl", line.encode()).find_row(f"a{separator}b.jpg")
    assert row is not None
    assert (row.line, row.glob.text, str(row.scale)) == (1, f"a{separator}b.jpg", "2")


def test_the_last_row_that_matches_wins() -> None:
    content = as_csv("*.jpg,2", "a.jpg,3", "a.jpg,4", "d/,5", "d/*.png,6", "d/x.png,width=9")
    scales = read_scales("s.csv", content)
    lines = {"b.jpg": 2, "a.jpg": 4, "d/a.jpg": 5, "d/b.png": 6, "d/x.png": 7}
    for key, line in lines.items():
        row = scales.find_row(key)
        assert row is not None
        assert row.line == line
    assert scales.find_row("b.png") is None


@pytest.mark.parametrize(("name", "content"), [("s.csv", b"path,scale\n"), ("s.jsonl", b"\n")])
def test_a_file_without_rows_decides_nothing(name: str, content: bytes) -> None:
    scales = read_scales(name, content)
    assert list(scales.rows) == []
    assert scales.find_row("a.jpg") is None


def test_every_bad_row_is_named() -> None:
    content = as_csv("a.jpg,2", "b.jpg,0.5", ",3", "c.jpg,", "d.jpg,2", "e.jpg,2,3", "f.jpg")
    messages = problems("dir/s.csv", content)
    assert [line.partition(": ")[0] for line in messages] == [
        f"dir/s.csv:{line}" for line in (3, 4, 5, 7, 8)
    ]
    assert "0.5" in messages[0]
    assert "path" in messages[1]
    assert "scale" in messages[2]
    assert "2 fields" in messages[3]
    assert "3" in messages[3]


def test_every_bad_line_of_json_is_named() -> None:
    lines = [
        '{"path": "a.jpg", "scale": 2}',
        "{",
        "[1]",
        '{"path": "b.jpg"}',
        '{"scale": 2}',
        '{"path": "c.jpg", "scale": null}',
        '{"path": "d.jpg", "scale": NaN}',
        '{"path": "e.jpg", "scale": 1e1}',
        '{"path": "f.jpg", "scale": true}',
        '{"path": ["g.jpg"], "scale": 2}',
        "path,scale",
    ]
    messages = problems("s.jsonl", "\n".join(lines).encode())
    assert [line.partition(": ")[0] for line in messages[:10]] == [
        f"s.jsonl:{n}" for n in range(2, 12)
    ]


@pytest.mark.parametrize(
    "value",
    ["17", "-1", "0", "1e3", "Infinity", '"\\uff12"', '"2,5"', "9" * 5000, "[2, 3]", "{}", '""'],
)
def test_a_scale_that_is_none_is_named(value: str) -> None:
    content = f'{{"path": "a.jpg", "scale": 2}}\n{{"path": "b.jpg", "scale": {value}}}'
    assert [line.partition(": ")[0] for line in problems("s.jsonl", content.encode())] == [
        "s.jsonl:2"
    ]


def test_a_json_line_that_is_too_deep_is_named() -> None:
    content = b'{"path": "a", "scale": 2}\n' + b"[" * 100_000
    assert problems("s.jsonl", content)[0].startswith("s.jsonl:2: ")


def test_many_bad_rows_are_counted() -> None:
    messages = problems("s.csv", as_csv(*["a.jpg,zero"] * 500))
    assert len(messages) == 11
    assert messages[-1] == "and 490 more"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"a.jpg,2\n",
        b"file,factor\na.jpg,2\n",
        b"path;scale\na.jpg;2\n",
        b"path\tscale\na.jpg\t2\n",
        b"path\na.jpg\n",
        b"path,scale,scale\na.jpg,2,3\n",
        b"path,scale, PATH \na.jpg,2,b.jpg\n",
        b"path," * 10_000 + b"scale\n",
    ],
    ids=[
        *("empty", "blank", "no header", "other header", "semicolons", "tabs", "one column"),
        *("two scales", "two paths", "many columns"),
    ],
)
def test_a_csv_without_its_header_is_refused(content: bytes) -> None:
    (messages,) = problems("s.csv", content)
    assert messages.startswith("s.csv:1: expected the header 'path,scale'")
    assert len(messages) < 200


def test_a_quote_that_never_ends_is_refused() -> None:
    (messages,) = problems("s.csv", as_csv("a.jpg,2", '"b.jpg,3', "c.jpg,4"))
    assert messages.startswith("s.csv:3: a quoted field does not end")
    (messages,) = problems("s.csv", as_csv("a.jpg,2", '"b.jpg,3', *["c.jpg,4"] * 100_000))
    assert messages.startswith("s.csv:3: a quoted field does not end")


@pytest.mark.parametrize(
    ("content", "line", "got"),
    [
        (as_csv("a.jpg,2") + "é.jpg,2".encode("latin-1"), 3, ""),
        (b"path,scale\r\n\xff", 2, ""),
        (
            b"\x1f\x8b\x08\0\0\0",
            1,
            ", got a gzip file: unpack it, or give the manifest.json of an S3 Inventory",
        ),
        ("path,scale\na.jpg,2\n".encode("utf-16"), 1, ", got UTF-16: save it as UTF-8"),
        ("path,scale\n".encode("utf-16-be"), 1, ", got a NUL: save it as UTF-8"),
        (as_csv("a.jpg,2", "b\0.jpg,2"), 3, ", got a NUL: save it as UTF-8"),
        (b"\0" * 100_000, 1, ", got a NUL: save it as UTF-8"),
    ],
)
def test_other_encodings_are_refused_with_their_line(content: bytes, line: int, got: str) -> None:
    assert problems("s.csv", content) == [f"s.csv:{line}: expected UTF-8 text{got}"]
    assert problems("s.jsonl", content) == [f"s.jsonl:{line}: expected UTF-8 text{got}"]


@given(st.binary(max_size=80), st.sampled_from(["s.csv", "s.jsonl"]))
def test_no_content_raises_anything_but_a_usage_error(content: bytes, name: str) -> None:
    for whole in (content, b"path,scale\n" + content, b'{"path": "a", "scale": ' + content):
        try:
            messages = [row.glob.text for row in read_scales(name, whole).rows]
        except UsageError as error:
            messages = str(error).splitlines()[:1]
            assert messages[0].startswith(f"{name}:")
        assert all(text.strip() for text in messages)


def test_a_scales_file_in_an_archive_is_found(tmp_path: Path) -> None:
    archive = tmp_path / "pictures.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("inside/scales.csv", "path,scale\na.jpg,3\n")
    source = Folder(f"zip://inside::{archive}")
    scales = find_scales(source, source.files(), None)
    assert scales
    assert table(scales) == [(2, "a.jpg", "3")]
    assert find_scales(source, [], None) is None


def test_images_get_their_row_s_scale_or_the_default_and_unused_rows_are_listed() -> None:
    scales = read_scales("s.csv", as_csv("*.jpg,2", "a.jpg,3", "none.png,4"))
    resolver = ScaleResolver(scales, parse_scale("1.5"), open_bundled().graph)
    found = {key: str(resolver.resolve(key).scale) for key in ("a.jpg", "b.jpg", "c.png")}
    assert found == {"a.jpg": "3", "b.jpg": "2", "c.png": "1.5"}
    assert resolver.list_warnings() == ["s.csv:4: 'none.png' matches no image"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("s.csv", b"path,scale,quality\na,2,75\nb,2,clean\nc,2, auto \nd,2,\ne,2, \n"),
        ("s.csv", b"Quality,note,path,scale\n75,,a,2\nclean,,b,2\nauto,,c,2\n,,d,2\n,x,e,2\n"),
        (
            "s.jsonl",
            b"\n".join(
                [
                    b'{"path": "a", "scale": 2, "quality": 75}',
                    b'{"path": "b", "scale": 2, "quality": "clean"}',
                    b'{"path": "c", "scale": 2, "quality": "auto"}',
                    b'{"path": "d", "scale": 2, "quality": null}',
                    b'{"path": "e", "scale": 2}',
                ]
            ),
        ),
    ],
    ids=["csv", "other order", "json lines"],
)
def test_a_row_s_quality_wins_over_the_option_and_an_empty_one_does_not(
    name: str, content: bytes
) -> None:
    scales, graph = read_scales(name, content), open_bundled().graph
    resolver = ScaleResolver(scales, None, graph, SourceQuality(60))
    found = {key: str(resolver.resolve(key).quality) for key in "abcdef"}
    assert found == {"a": "75", "b": "clean", "c": "auto", "d": "60", "e": "60", "f": "60"}
    assert str(ScaleResolver(scales, None, graph).resolve("d").quality) == "auto"


@pytest.mark.parametrize(
    ("value", "got"),
    [
        ("0", "quality '0': expected auto, clean, or a JPEG quality from 1 to 100"),
        ("100.5", "quality '100.5': expected auto"),
        ('"best"', "quality 'best': expected auto"),
        ("[75]", "quality of 'b': expected auto, clean, or a JPEG quality from 1 to 100, got a l"),
        ("true", "quality of 'b': expected auto, clean, or a JPEG quality from 1 to 100, got a b"),
        ("false", "quality of 'b': expected auto, clean, or a JPEG quality from 1 to 100, got a b"),
        ("[]", "quality of 'b': expected auto, clean, or a JPEG quality from 1 to 100, got a l"),
    ],
)
def test_a_quality_that_is_none_is_named(value: str, got: str) -> None:
    line = f'{{"path": "b", "scale": 2, "quality": {value}}}'
    (message,) = problems("s.jsonl", b'{"path": "a", "scale": 2}\n' + line.encode())
    assert message.startswith(f"s.jsonl:2: {got}")


@pytest.mark.parametrize(
    ("option", "rows", "is_warned"),
    [
        (None, ("a,2,", "b,2,clean"), False),
        (60, ("a,2,",), True),
        (100, ("a,2,auto",), False),
        (None, ("a,2,75", "b,2,"), True),
        (None, ("a,2,", "none,2,75"), False),  # the row's own warning says that it has no effect
    ],
)
def test_a_quality_that_the_model_ignores_is_a_warning(
    option: float | None,
    rows: tuple[str, ...],
    is_warned: bool,  # noqa: FBT001
) -> None:
    scales = read_scales("s.csv", ("path,scale,quality\n" + "\n".join(rows)).encode())
    graph = open_bundled().graph
    for quality, expected in ((None, is_warned), ("quality", False)):
        resolver = ScaleResolver(
            scales, None, replace(graph, quality=quality), SourceQuality(option)
        )
        for key in "ab":
            resolver.resolve(key)
        found = [text for text in resolver.list_warnings() if "changes nothing" in text]
        assert bool(found) == expected


def test_a_second_quality_is_refused() -> None:
    (message,) = problems("s.csv", b"path,scale,quality,quality\na,2,75,80\n")
    assert message.startswith(
        "s.csv:1: expected the header 'path,scale' or 'path,scale,quality,name'"
    )
    twice = b'{"path": "a", "scale": 2, "quality": 75, "quality": 80}'
    assert "got 'quality' more than once" in problems("s.jsonl", twice)[0]


def test_without_a_file_or_a_default_the_model_decides() -> None:
    graph = open_bundled().graph
    assert str(ScaleResolver(None, None, graph).resolve("a.jpg").scale) == "2"
    fixed = replace(graph, factor=None, fixed=Factor(Fraction(3), Fraction(3)))
    resolver = ScaleResolver(None, None, fixed)
    assert str(resolver.resolve("a.jpg").scale) == "3"
    assert resolver.list_warnings() == []


DEEP = "[" * 900 + "]" * 900


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"path": "a", "scale": 1e400}', "scale '1e400': expected a factor"),
        ('{"path": "a", "scale": -1e400}', "scale '-1e400': expected a factor"),
        ('{"path": "a", "scale": %s}' % ("9" * 5000), "scale '9999"),
        ('{"path": "a", "scale": Infinity}', "scale 'Infinity': expected a factor"),
        (f'{{"path": "a", "scale": {DEEP}}}', "scale of 'a': expected a factor or target, got a l"),
        (f'{{"path": {DEEP}, "scale": 2}}', "path: expected a path or glob, got a list"),
        ('{"path": {}, "scale": 2}', "path: expected a path or glob, got an object"),
        ('{"scale": 2}', "path: expected a path or glob, got nothing"),
        ('{"path": "a", "scale": true}', "scale of 'a': expected a factor or target, got a bool"),
        ('{"path": "a\\u0000", "scale": 2}', "path: expected a path or glob, got 'a\\x00'"),
        ('{"path": "a", "scale": 2, "scale": 3}', "expected each key once, got 'scale'"),
        ('{"path": "\\ud800\\u001b[2J", "scale": 0}', "path '\\ud800\\x1b[2J': expected text"),
        ('{"path": "\\u001b\\u202e", "scale": ""}', "scale of '\\x1b\\u202e': expected a factor"),
        ('{"path": "%s", "scale": 2}' % ("a" * 5000), "path 'aaa"),
        ('{"path": "a", "scale": "%s"}' % (" " * 5000), "scale of 'a': expected a factor"),
        ("[" * 60_000, "JSON nested too deeply"),
        ("9" * 60_000, "expected an object"),
        ('"' + "a" * 60_000, "not JSON"),
        ("[", "not JSON: Expecting value: expected an object on each line"),
    ],
    ids=range(19),
)
def test_a_hostile_line_gets_one_short_sentence(line: str, expected: str) -> None:
    (message,) = problems("s.jsonl", b'{"path": "a", "scale": 2}\n' + line.encode())
    assert message.startswith(f"s.jsonl:2: {expected}")
    assert len(message) < 260
    assert message.isprintable()


@pytest.mark.parametrize("name", ["s.csv", "s.jsonl"])
def test_lines_have_a_longest_length(name: str) -> None:
    (message,) = (
        problems(name, b"\n" + b"," * 70_000)
        if name == "s.jsonl"
        else problems(name, as_csv("," * 70_000))
    )
    assert message.startswith(f"{name}:2: expected lines of up to 65,536 characters, got 70,00")


def test_control_characters_in_the_file_s_name_are_escaped() -> None:
    (message,) = problems("a\n\x1b[2J.csv", b"nothing")
    assert message.startswith("a\\n\\x1b[2J.csv:1: ")
    assert read_scales("\x1b.csv", as_csv("a,2")).name == "\\x1b.csv"


def test_globs_are_limited_in_number_and_length() -> None:
    globs = [f"*{number}.png,2" for number in range(10_001)]
    assert len(read_scales("s.csv", as_csv(*globs[:-1])).rows) == 10_000
    (message,) = problems("s.csv", as_csv(*globs))
    assert message.startswith("s.csv:10002: expected up to 1,000,000 rows, and up to 10,000 of")
    (message,) = problems("s.csv", as_csv(*[f"*{'a' * 4000},2"] * 300))
    assert message.startswith("s.csv:251: expected up to")


def test_rows_are_limited_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("srcnn.planning.scales_rows._MOST_ROWS", 3)
    assert len(read_scales("s.csv", as_csv(*["a,2"] * 3)).rows) == 3
    for rows in (["a,2"] * 4, ["a,0"] * 4):
        (message,) = problems("s.csv", as_csv(*rows))
        assert message.startswith("s.csv:5: expected up to 1,000,000 rows")


@pytest.mark.timeout(60)
def test_a_scales_file_that_never_ends_or_is_too_large_is_refused(tmp_path: Path) -> None:
    source, file = Folder(str(tmp_path)), tmp_path / "scales.csv"
    file.symlink_to("/dev/zero")
    with pytest.raises(
        UnusableFileError, match=r"scales\.csv: expected a plain file, got a device"
    ):
        find_scales(source, source.files(), None)
    with pytest.raises(UnusableFileError, match="expected a plain file, got a device"):
        find_scales(source, [], str(file))
    file.unlink()
    with file.open("wb") as sparse:
        sparse.truncate(2**36)
    for url in (None, str(file)):
        with pytest.raises(
            UnusableFileError, match=r"scales\.csv: expected up to 67,108,864 bytes"
        ):
            find_scales(source, source.files(), url)


def test_of_many_unused_rows_ten_are_listed_and_the_others_counted() -> None:
    idle = [f"none-{n}.png,2" for n in range(11)]
    graph = open_bundled().graph
    for count, tail in ((10, []), (11, ["and 1 more rows of s.csv match no image"])):
        resolver = ScaleResolver(
            read_scales("s.csv", as_csv("a.jpg,3", *idle[:count])), None, graph
        )
        resolver.resolve("a.jpg")
        listed = [f"s.csv:{n + 3}: 'none-{n}.png' matches no image" for n in range(10)]
        assert resolver.list_warnings() == listed + tail


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("s.csv", b"path,scale,name\na,2,{stem}@2x{ext}\na,2,\nb,2, \n"),
        ("s.csv", b"name,quality,path,scale\n{stem}@2x{ext},75,a,2\n,,a,2\n,,b,2\n"),
        (
            "s.jsonl",
            b'{"path": "a", "scale": 2, "name": "{stem}@2x{ext}"}\n{"path": "a", "scale": 2}\n'  # noqa: ISC004 - one text
            b'{"path": "b", "scale": 2, "name": null}\n',
        ),
    ],
    ids=["csv", "other order", "json lines"],
)
def test_rows_have_names(name: str, content: bytes) -> None:
    scales = read_scales(name, content)
    assert [row.name and row.name.text for row in scales.rows] == ["{stem}@2x{ext}", None, None]
    assert scales.has_names
    first, second, third = scales.rows
    assert [scales.list_rows(key) for key in "abc"] == [[second, first], [third], [None]]


def test_wrong_names_are_errors_of_their_lines() -> None:
    content = b"path,scale,name\na,2,{size}\nb,2,/abs{ext}\nc,2,{stem}{ext}\n"
    messages = problems("s.csv", content)
    assert [message.partition(": ")[0] for message in messages] == ["s.csv:2", "s.csv:3"]
    assert "name '{size}': expected a name with {folder}" in messages[0]
    (message,) = problems("s.jsonl", b'{"path": "a", "scale": 2, "name": ["x"]}')
    assert message.startswith("s.jsonl:1: name of 'a': expected a name with {folder}")
    assert message.endswith("got a list")
