"""Globs over keys, for --include, --exclude and scales files.

A pattern without wildcards names one file, or a folder and all below it, by its path
from the source's root. A pattern with wildcards follows .gitignore: without a slash
it matches a name at any depth, with one it is anchored at the root; `*` stays within
a folder, `**` crosses folders. A file whose name holds wildcard characters is always
matched by that very name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from srcnn.errors import UsageError
from srcnn.planning.glob_regex import compile_glob

_WILDCARD = re.compile(r"[*?\[]")
_BEFORE_SETS = re.compile(r"[^\[\\]*")


@dataclass(frozen=True)
class Glob:
    """One pattern, compiled.

    Attributes:
        text: as people wrote it.
        names: the names that it stands for as it is.
        regex: of the whole; None if it has no wildcards.
        literal_part: text that every match holds; looked for first, which takes a third of the
            time.
        top_folder: the folder at the root in which all matches lie; None if there may be several.
    """

    text: str
    names: tuple[str, ...] = field(compare=False)
    regex: re.Pattern[str] | None = field(compare=False)
    literal_part: str = field(compare=False)
    top_folder: str | None = field(compare=False)

    def __str__(self) -> str:
        """As people wrote it."""
        return self.text


def parse_glob(text: str) -> Glob:
    """Compile a pattern.

    Raises:
        UsageError: it is empty.
    """
    cleaned = text.strip().removeprefix("./")
    if not cleaned.strip("/"):
        raise UsageError(f"pattern {text!r}: expected a path or a glob, but it is empty")
    # Spaces around a path are a slip, or part of the name.
    names = tuple(name.strip("/") for name in (cleaned, text.removeprefix("./")))
    regex = compile_glob(cleaned) if _WILDCARD.search(cleaned) else None
    return Glob(text, names, regex, _find_literal_part(cleaned), _find_top_folder(cleaned))


class Globs:
    """Patterns in order; finds the last one that matches a key.

    Names are looked up, so that a scales file with a row for each of 100,000 images costs no
    more than one glob.
    """

    def __init__(self, globs: Iterable[Glob]) -> None:
        """Sort the patterns by what they may match.

        Args:
            globs: in order.
        """
        self._by_name: dict[str, int] = {}
        # By the top folder that they name, if they do: most rows are of no concern to a key.
        self._by_folder: defaultdict[str | None, list[tuple[int, Glob]]] = defaultdict(list)
        for index, glob in enumerate(globs):
            for name in glob.names:
                self._by_name[name] = index
            if glob.regex:
                self._by_folder[glob.top_folder].append((index, glob))
        for found in self._by_folder.values():
            found.reverse()

    def last_match(self, key: str) -> int | None:
        """Return the index of the last pattern that matches, or None.

        Args:
            key: path relative to the source's root, with `/`.
        """
        best = max((self._by_name.get(path, -1) for path in list_self_and_folders(key)), default=-1)
        top_folder = key.partition("/")[0]
        for globs in (self._by_folder.get(top_folder, ()), self._by_folder.get(None, ())):
            for index, glob in globs:
                if index <= best:
                    break
                if glob.literal_part in key and glob.regex and glob.regex.match(key):
                    best = index
                    break
        return best if best >= 0 else None

    def matches(self, key: str) -> bool:
        """Whether any pattern matches."""
        return self.last_match(key) is not None


def list_self_and_folders(key: str) -> Iterator[str]:
    """Yield a key, and the folders that it is in, from the innermost."""
    yield key
    while "/" in key:
        key = key.rpartition("/")[0]
        yield key


def _find_literal_part(pattern: str) -> str:
    """Find the longest run of literal characters; slashes beside a wildcard do not count."""
    before = _BEFORE_SETS.match(pattern)
    runs = re.split(r"[*?]+", before[0] if before else "")
    return max((run.strip("/") for run in runs), key=len)


def _find_top_folder(pattern: str) -> str | None:
    """Return the folder at the root in which all matches lie; None if there may be several."""
    folder, slash, below = pattern.removeprefix("/").partition("/")
    anchored = slash and below and folder not in ("", ".", "..")
    return None if not anchored or re.search(r"[*?\[\\]", folder) else folder
