"""Globs over keys: what .gitignore users expect, and names that look like globs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.errors import UsageError
from srcnn.planning.globs import Globs, parse_glob

names = st.text(
    st.characters(exclude_characters="/\x00\n\r", exclude_categories=["Cs"]), min_size=1
)


def compile_globs(texts: Iterable[str]) -> Globs:
    return Globs([parse_glob(text) for text in texts])


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("a.jpg", ["a.jpg"], ["d/a.jpg", "a.jpg.png", "xa.jpg"]),
        ("d/a.jpg", ["d/a.jpg"], ["a.jpg", "e/d/a.jpg"]),
        ("d", ["d/a.jpg", "d/e/b.jpg", "d"], ["dd/a.jpg", "e/d/a.jpg"]),
        ("d/", ["d/a.jpg", "d/e/b.jpg"], ["dd/a.jpg"]),
        ("/d", ["d/a.jpg"], ["e/d/a.jpg"]),
        ("./d/a.jpg", ["d/a.jpg"], ["a.jpg"]),
        ("*.jpg", ["a.jpg", "d/e/a.jpg", ".jpg"], ["a.JPG", "a.jpg.png", "ajpg"]),
        ("/*.jpg", ["a.jpg"], ["d/a.jpg"]),
        ("d/*.jpg", ["d/a.jpg"], ["d/e/a.jpg", "e/d/a.jpg"]),
        ("d/**/*.jpg", ["d/a.jpg", "d/e/a.jpg", "d/e/f/a.jpg"], ["e/d/a.jpg"]),
        ("**/a.jpg", ["a.jpg", "d/a.jpg", "d/e/a.jpg"], ["xa.jpg"]),
        ("d/**", ["d/a.jpg", "d/e/a.jpg"], ["e/d/a.jpg"]),
        ("d*", ["d/a.jpg", "dd/a.jpg", "e/d.jpg"], ["e/a.jpg"]),
        ("*", ["a.jpg", "d/e/a.jpg"], []),
        ("**", ["a.jpg", "d/e/a.jpg"], []),
        ("?.jpg", ["a.jpg", "d/é.jpg", "😀.jpg"], ["ab.jpg", ".jpg"]),
        ("d?a.jpg", ["dxa.jpg"], ["d/a.jpg"]),
        ("[ab].jpg", ["a.jpg", "d/b.jpg", "[ab].jpg"], ["c.jpg", "d/[ab].jpg"]),
        ("[!a].jpg", ["b.jpg"], ["a.jpg"]),
        ("[0-9]*.jpg", ["1.jpg", "12.jpg"], ["a1.jpg"]),
        (r"\[1\].jpg", [r"[1].jpg", r"\[1\].jpg"], ["1.jpg"]),
        ("a.b+c(d)$.jpg", ["a.b+c(d)$.jpg"], ["axb+c(d)$.jpg"]),
        ("a.b+(c)*.jpg", ["a.b+(c)1.jpg"], ["axb+(c)1.jpg", "a.bb(c)1.jpg"]),
    ],
)
def test_a_pattern_matches_what_it_says(
    pattern: str, matching: list[str], others: list[str]
) -> None:
    patterns = compile_globs([pattern])
    assert [key for key in matching if not patterns.matches(key)] == []
    assert [key for key in others if patterns.matches(key)] == []


@pytest.mark.parametrize(
    "name",
    [
        *("a [1].jpg", "[1].jpg", "what?.jpg", "a*b.jpg", "[.jpg", "a].jpg", "[!x].jpg", "[]].jpg"),
        *("#1.jpg", "!a.jpg", "#", "!*.jpg", "#*.jpg", "#[1].jpg", "**.jpg", "a**b.jpg", "[a-.jpg"),
        *(
            "\\",
            "a\\b.jpg",
            "a\\",
            "*\\",
            "\\*.jpg",
            "a\\[1].jpg",
            "[\\].jpg",
            "{a,b}.jpg",
            "$HOME.jpg",
        ),
        *(" a.jpg", "a.jpg ", "d /a.jpg", "d/ a.jpg", "a\t.jpg", "\ta.jpg", "  [1].jpg "),
        *("é.jpg", "e\u0301.jpg", "日本.jpg", "😀.jpg", "a\u2028b.jpg", "a%20b.jpg", "a+b.jpg"),
        *(
            "...",
            "..a.jpg",
            "a..jpg",
            "~",
            "-",
            "--help",
            "a\nb[1].jpg",
            "\udcff.jpg",
            "\udcff*.jpg",
        ),
    ],
    ids=repr,
)
def test_a_file_is_always_matched_by_its_very_name(name: str) -> None:
    assert compile_globs([name]).matches(name)
    assert compile_globs([f"./{name}"]).matches(name)
    assert compile_globs([f"/{name}"]).matches(name)
    assert compile_globs([f"d/{name}"]).matches(f"d/{name}")


@given(names)
def test_any_name_matches_itself_as_file_and_as_folder(name: str) -> None:
    if not name.strip() or name == ".":
        return
    patterns = compile_globs([name])
    assert patterns.matches(name)
    assert patterns.matches(f"{name}/a.jpg")


@given(st.lists(names, min_size=1), st.text())
def test_no_pattern_raises_anything_but_a_usage_error(patterns: list[str], key: str) -> None:
    try:
        found = compile_globs(patterns).last_match(key)
    except UsageError:
        return
    assert found is None or 0 <= found < len(patterns)


@pytest.mark.parametrize("first", ["#", "!"])
def test_comments_and_negations_are_names_here(first: str) -> None:
    assert compile_globs([f"{first}*.jpg"]).matches(f"d/{first}1.jpg")
    assert not compile_globs([f"{first}*.jpg"]).matches("1.jpg")
    assert not compile_globs(["*.jpg", f"{first}a.png"]).matches("a.png")
    assert compile_globs(["*.jpg", f"{first}a.jpg"]).last_match("a.jpg") == 0


@pytest.mark.parametrize("pattern", ["", " ", "\t", "/", "//", "./", " / "], ids=repr)
def test_nothing_is_no_pattern(pattern: str) -> None:
    with pytest.raises(UsageError, match="pattern"):
        compile_globs(["*.jpg", pattern])


def test_the_last_match_wins() -> None:
    patterns = compile_globs(["*", "d/a.jpg", "*.jpg", "d/", "a.jpg", "?.png", "d/e/*", "a.jpg"])
    expected = {
        "x.gif": 0,
        "x.jpg": 2,
        "d/a.jpg": 3,
        "d/x.png": 5,
        "x.png": 5,
        "d/e/a.jpg": 6,
        "d/e/x.png": 6,
        "a.jpg": 7,
    }
    assert {key: patterns.last_match(key) for key in expected} == expected


def test_nothing_matches_no_patterns() -> None:
    assert compile_globs([]).last_match("a.jpg") is None


def test_a_hundred_thousand_names_are_looked_up_and_not_tried() -> None:
    rows = [f"folder {number // 1000}/image {number}.jpg" for number in range(100_000)]
    patterns = compile_globs(rows)
    assert not patterns._by_folder
    assert len(patterns._by_name) == 100_000
    assert [patterns.last_match(rows[at]) for at in (0, 54_321, 99_999)] == [0, 54_321, 99_999]
    assert patterns.last_match("folder 3/none.jpg") is None


def test_globs_before_a_name_that_matches_are_not_tried() -> None:
    class Untouchable:
        def match(self, key: str) -> bool:
            raise AssertionError(key)

    patterns = compile_globs(["*.jpg", "a.jpg"])
    ((index, glob),) = patterns._by_folder[None]
    patterns._by_folder[None] = [(index, replace(glob, regex=Untouchable()))]  # type: ignore[arg-type]
    assert patterns.last_match("a.jpg") == 1


def test_globs_of_other_folders_are_not_tried() -> None:
    patterns = compile_globs(["cats/*.jpg", "dogs/*.jpg", "*.jpg", "/cats/*/x*.jpg"])
    assert {top: len(globs) for top, globs in patterns._by_folder.items()} == {
        "cats": 2,
        "dogs": 1,
        None: 1,
    }
    assert patterns.last_match("cats/a.jpg") == 2
    assert patterns.last_match("cats/a/xy.jpg") == 3
    assert patterns.last_match("birds/a.jpg") == 2


PARTS = st.sampled_from(["a", "b", "ab", "*", "**", "?", "[ab]", "[!a]", "a*b", "\\*", "[[]", "b*"])


@given(
    st.lists(st.lists(PARTS, min_size=1, max_size=3).map("/".join), min_size=1, max_size=4),
    st.lists(st.sampled_from(["a", "b", "ab", "aab", "*", "["]), min_size=1, max_size=3),
)
def test_what_is_not_tried_would_not_match(globs: list[str], parts: list[str]) -> None:
    key = "/".join(parts)
    patterns = compile_globs(globs)
    tried = [
        index for index, glob in enumerate(globs) if compile_globs([glob]).last_match(key) == 0
    ]
    assert patterns.last_match(key) == max(tried, default=None)
    for top, found in patterns._by_folder.items():
        for _, glob in found:
            if glob.regex and glob.regex.match(key):
                assert glob.literal_part in key
                assert top in (None, parts[0])


GLOBS = [
    *("*", "**", "*.jpg", "/*.jpg", "d/*", "d/*.jpg", "*/a.jpg", "*/d", "**/d", "**/d/*", "d/**"),
    *(
        "d/**/a.jpg",
        "/**/a.jpg",
        "d*/",
        "?",
        "d?",
        "[ab]*",
        "[!a]*",
        "[^a]*",
        "[a-c].jpg",
        "*[",
        "a*b",
    ),
    *("[[]*", "[]]*", "*.*", "**.jpg", "d**", "**d", "d/**e/*.jpg", "\\**", "*\\[*", "*.jp[g]"),
]
KEYS = [
    *(
        "a.jpg",
        "b.jpg",
        "é.jpg",
        "d/a.jpg",
        "d/b.png",
        "d/e/a.jpg",
        "e/d/a.jpg",
        "dd/a.jpg",
        "d/d/d",
    ),
    *("a", "*", "*a", "[", "x[y", "]", "axb", "ab", "a/b", "d/xe/a.jpg", "d/e/f/g/a.jpg", ".jpg"),
]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is the reference, and is not here")
@pytest.mark.parametrize("pattern", GLOBS)
def test_git_agrees(pattern: str, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)  # noqa: S607 - the one on PATH
    (tmp_path / ".gitignore").write_text(f"{pattern}\n")
    ignored = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin", "-z"],  # noqa: S607 - as above
        cwd=tmp_path,
        input="\0".join(KEYS).encode(),
        capture_output=True,
        check=False,  # 1: none is ignored
    )
    patterns = compile_globs([pattern])
    ours = {key for key in KEYS if patterns.matches(key)} - {pattern}
    assert ours == set(ignored.stdout.decode().split("\0")) - {"", pattern}
