"""Globs as regular expressions: the meaning of .gitignore, whatever the stars."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from srcnn.planning.glob_regex import compile_glob
from srcnn.planning.globs import Globs, parse_glob

PIECES = [
    *("a", "b", "*", "**", "?", "/", "/**/", "/*/", "\\*", "\\a", "[", "\\", "-", "]", "!", "#"),
    *("[ab]", "[!a]", "[^b]", "[a-b]", "[]a]", "[!]]", "[b-a]", "[\\]", "[[]", "[-b]", "[a--]"),
]
patterns = st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join)
paths = st.lists(st.text("ab*]-!\\[", min_size=1, max_size=4), min_size=1, max_size=4)


def compile_reference(pattern: str) -> re.Pattern[str] | None:
    """Compile with pathspec, whose negated sets hold the slash; those of .gitignore do not."""
    escaped = "\\" + pattern if pattern[0] in "#!" else pattern
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of sets that hold a bracket
        try:
            regex = GitIgnoreSpecPattern(escaped).regex
        except (ValueError, re.error):
            return None
        # Not its own `[^/]`, which stands for stars and question marks.
        return regex and re.compile(re.sub(r"\[\^(?!/\])", "(?!/)[^", regex.pattern))


@given(patterns.filter(lambda pattern: pattern.strip("/")), st.lists(paths, max_size=8))
@example("a*", [["a", "["]])
def test_pathspec_agrees(pattern: str, keys: Sequence[Sequence[str]]) -> None:
    ours, reference = compile_glob(pattern), compile_reference(pattern)
    assert (ours is None) == (reference is None)
    for key in map("/".join, keys):
        if ours and reference:
            assert bool(ours.match(key)) == bool(reference.search(key)), key


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("*/", ["d/a.jpg", "d/e/a.jpg"], ["a.jpg"]),
        ("**/", ["d/a.jpg", "d/e/a.jpg"], ["a.jpg"]),
        ("d[!a]b", ["dxb"], ["d/b", "dab"]),
        ("d[+-9]b", ["d.b", "d9b"], ["d/b"]),
        ("*.jpg", ["/a.jpg", "d//a.jpg"], []),  # a bucket has folders without a name
        ("d//*", ["d//a.jpg"], ["d/a.jpg"]),
        ("a*", ["a\n.jpg", "a\n"], []),
        ("*a", ["ba"], ["a\n"]),
    ],
)
def test_what_a_glob_means(pattern: str, matching: list[str], others: list[str]) -> None:
    glob = compile_glob(pattern)
    assert glob
    assert [key for key in matching if not glob.match(key)] == []
    assert [key for key in others if glob.match(key)] == []


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "pattern",
    [
        "a*a*a*a*a*a*[xyz]",
        "*a" * 500 + "[xyz]",
        "?*" * 500 + "x",
        "*[!b]" * 300 + "x",
        "**/a*/" * 100 + "x",
        "**/*a*a*/" * 100 + "*a*x",
        "*/" * 500 + "*x",
        "**/***/" * 100 + "x",
        "*" * 4000 + "x",
        "a*" * 100 + "/**",
        "[" * 4000 + "*",
        "[!" * 2000 + "]*x",
        "**/" * 1000 + "*x",
    ],
    ids=lambda pattern: pattern[:12],
)
@pytest.mark.parametrize("key", ["a" * 8000, "a/" * 4000 + "a", "aaaaaaa/" * 1000 + "a"])
def test_no_pattern_takes_long(pattern: str, key: str) -> None:
    # In every form that the product looks at.
    globs = Globs([parse_glob(pattern), parse_glob(f"/{pattern}"), parse_glob(f"{pattern}/")])
    for end in ("", "b", ".png"):
        globs.matches(key + end)
