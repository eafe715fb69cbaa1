"""All patterns that match a key, where several of them count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from srcnn.planning.globs import Glob, list_self_and_folders


class GlobMatches:
    """Patterns in order; finds all that match a key. Names are looked up, as by `Globs`."""

    def __init__(self, globs: Iterable[Glob]) -> None:
        """Sort the patterns by what they may match.

        Args:
            globs: in order.
        """
        self._by_name: defaultdict[str, list[int]] = defaultdict(list)
        self._by_folder: defaultdict[str | None, list[tuple[int, Glob]]] = defaultdict(list)
        for index, glob in enumerate(globs):
            for name in dict.fromkeys(glob.names):
                self._by_name[name].append(index)
            if glob.regex:
                self._by_folder[glob.top_folder].append((index, glob))

    def list_matches(self, key: str) -> list[int]:
        """List the indices of the patterns that match, in order.

        Args:
            key: path relative to the source's root, with `/`.
        """
        found = {
            index for path in list_self_and_folders(key) for index in self._by_name.get(path, ())
        }
        top_folder = key.partition("/")[0]
        for globs in (self._by_folder.get(top_folder, ()), self._by_folder.get(None, ())):
            found.update(
                index
                for index, glob in globs
                if glob.literal_part in key and glob.regex and glob.regex.match(key)
            )
        return sorted(found)
