"""Globs over keys, for --include, --exclude and scales files.

A pattern without wildcards names one file, or a folder and all below it, by its path
from the source's root. A pattern with wildcards follows .gitignore: without a slash
it matches a name at any depth, with one it is anchored at the root; `*` stays within
a folder, `**` crosses folders. A file whose name holds wildcard characters is always
matched by that very name.
"""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from srcnn.errors import UsageError

_WILDCARD = re.compile(r"[*?\[]")
_BEFORE_SETS = re.compile(r"[^\[\\]*")


@dataclass(frozen=True)
class _Glob:
    """A pattern with wildcards.

    Attributes:
        index: its place among all patterns.
        part: text that a key it matches holds; looked for first, which takes a third of the time.
        regex: of the whole.
    """

    index: int
    part: str
    regex: re.Pattern[str]


class Patterns:
    """Patterns in order; finds the last one that matches a key.

    Literal patterns are looked up, so that a scales file with a row for each of 100,000
    images costs no more than one glob.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        """Compile the patterns.

        Args:
            patterns: as above.

        Raises:
            UsageError: one is empty.
        """
        self._literal: dict[str, int] = {}
        # By the top folder that they name, if they do: most rows are of no concern to a key.
        self._globs: defaultdict[str | None, list[_Glob]] = defaultdict(list)
        for index, pattern in enumerate(patterns):
            cleaned = pattern.strip().removeprefix("./")
            if not cleaned.strip("/"):
                raise UsageError(f"pattern {pattern!r}: expected a path or a glob, got nothing")
            # Spaces around a path are a slip, or part of the name.
            for name in (cleaned, pattern.removeprefix("./")):
                self._literal[name.strip("/")] = index
            glob = _compile(cleaned) if _WILDCARD.search(cleaned) else None
            if glob:
                found = _Glob(index, _literal_part(cleaned), glob)
                self._globs[_top_folder(cleaned)].append(found)
        for globs in self._globs.values():
            globs.reverse()

    def last_match(self, key: str) -> int | None:
        """The index of the last pattern that matches, or None.

        Args:
            key: path relative to the source's root, with `/`.
        """
        best = max((self._literal.get(path, -1) for path in _self_and_folders(key)), default=-1)
        for globs in (self._globs.get(key.partition("/")[0], ()), self._globs.get(None, ())):
            for glob in globs:
                if glob.index <= best:
                    break
                if glob.part in key and glob.regex.match(key):
                    best = glob.index
                    break
        return best if best >= 0 else None

    def matches(self, key: str) -> bool:
        """Whether any pattern matches."""
        return self.last_match(key) is not None


def _self_and_folders(key: str) -> Iterator[str]:
    yield key
    while "/" in key:
        key = key.rpartition("/")[0]
        yield key


def _literal_part(pattern: str) -> str:
    """Characters that stand for themselves, side by side; slashes at a wildcard may not."""
    before = _BEFORE_SETS.match(pattern)
    runs = re.split(r"[*?]+", before[0] if before else "")
    return max((run.strip("/") for run in runs), key=len)


def _top_folder(pattern: str) -> str | None:
    """The folder at the root in which all that matches lies; None where there may be several."""
    folder, slash, below = pattern.removeprefix("/").partition("/")
    anchored = slash and below and folder not in ("", ".", "..")
    return None if not anchored or re.search(r"[*?\[\\]", folder) else folder


def _compile(pattern: str) -> re.Pattern[str] | None:
    """The glob's expression; None where it is no glob (`[1.jpg`): as in git, a name only."""
    # In .gitignore these two begin a comment and a negation; here they are a name's.
    escaped = "\\" + pattern if pattern[0] in "#!" else pattern
    with warnings.catch_warnings():
        # `[[]` is the set of one bracket; Python's `re` wonders whether it is a set of sets.
        warnings.simplefilter("ignore", FutureWarning)
        try:
            regex = GitIgnoreSpecPattern(escaped).regex
        except (ValueError, re.error):
            return None
        return re.compile(regex.pattern, re.DOTALL) if regex else None
