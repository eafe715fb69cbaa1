"""The numbered lock files of a destination; `srcnn.destination.lock.acquire` gives them meaning."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from contextlib import suppress

from srcnn.destination.ledger import STATE_FOLDER
from srcnn.errors import SourceMissingError
from srcnn.storage.folder import Folder

LOCK_FOLDER = f"{STATE_FOLDER}/lock"
_NAME = re.compile(r"([1-9][0-9]{0,17})\.json")


class LockFiles:
    """The lock files of a destination, by number."""

    def __init__(self, destination: Folder) -> None:
        """Read nothing yet.

        Args:
            destination: the destination.
        """
        self._folder = destination.subfolder(LOCK_FOLDER)

    def numbers(self) -> list[int]:
        """List the numbers of all lock files, in ascending order.

        Raises:
            OSError: they could not be listed.
        """
        try:
            names = self._folder.files()
        except SourceMissingError:
            return []
        return sorted(int(found[1]) for name in names if (found := _NAME.fullmatch(name)))

    def read(self, number: int) -> bytes | None:
        """Return the content of one file; None if it is gone."""
        try:
            return self._folder.read(_name_file(number))
        except FileNotFoundError:
            return None

    def create(self, number: int, content: bytes) -> bool:
        """Create a file; return False if it exists already."""
        return self._folder.create(_name_file(number), content)

    def write(self, number: int, content: bytes) -> None:
        """Replace the content of a file."""
        self._folder.write(_name_file(number), content)

    def remove(self, numbers: Iterable[int]) -> None:
        """Remove files; those that are gone already are ignored."""
        for number in numbers:
            with suppress(FileNotFoundError):
                self._folder.remove(_name_file(number))

    def age_seconds(self, number: int) -> float:
        """Return the age of a file, by the storage's timestamp; 0 if it is gone."""
        try:
            return time.time() - self._folder.modified(_name_file(number)).timestamp()
        except FileNotFoundError:
            return 0

    def get_url(self, number: int) -> str:
        """Return the URL of a file, for messages."""
        return self._folder.get_url(_name_file(number))


def _name_file(number: int) -> str:
    return f"{number}.json"
