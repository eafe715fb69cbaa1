"""The last pattern of each label that matches a key, where several labels count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from srcnn.planning.globs import Glob, list_self_and_folders


class GlobMatches:
    """Patterns with labels, in order. Names are looked up, as by `Globs`.

    Of the rows for one name only the last one of each label is kept: a file with a million rows for
    one folder costs each image in it no more than it asks for.
    """

    def __init__(self, globs: Iterable[tuple[Glob, str]]) -> None:
        """Sort the patterns by what they may match.

        Args:
            globs: each with its label, in order.
        """
        self._by_name: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._by_folder: defaultdict[str | None, list[tuple[int, Glob, str]]] = defaultdict(list)
        for index, (glob, label) in enumerate(globs):
            for name in glob.names:
                self._by_name[name][label] = index
            if glob.regex:
                self._by_folder[glob.top_folder].append((index, glob, label))

    def list_last_matches(self, key: str) -> list[int]:
        """List the index of the last pattern of each label that matches, in order.

        Args:
            key: path relative to the source's root, with `/`.
        """
        last: dict[str, int] = {}
        for path in list_self_and_folders(key):
            for label, index in self._by_name.get(path, {}).items():
                last[label] = max(index, last.get(label, -1))
        top_folder = key.partition("/")[0]
        for globs in (self._by_folder.get(top_folder, ()), self._by_folder.get(None, ())):
            for index, glob, label in globs:
                if index > last.get(label, -1) and _is_match(glob, key):
                    last[label] = index
        return sorted(last.values())


def _is_match(glob: Glob, key: str) -> bool:
    return glob.literal_part in key and bool(glob.regex and glob.regex.match(key))
