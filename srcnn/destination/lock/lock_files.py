"""The lock files of a destination; what they mean is said in `srcnn.destination.lock.acquire`."""

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

    def __init__(self, dst: Folder) -> None:
        """Look at nothing yet."""
        self._folder = Folder(dst.url_of(LOCK_FOLDER), dst.limits)

    def numbers(self) -> list[int]:
        """All there are, ascending.

        Raises:
            OSError: they could not be listed.
        """
        try:
            names = self._folder.files()
        except SourceMissingError:
            return []
        return sorted(int(found[1]) for name in names if (found := _NAME.fullmatch(name)))

    def read(self, number: int) -> bytes | None:
        """The content of one; None where it is gone."""
        try:
            return self._folder.read(_name(number))
        except FileNotFoundError:
            return None

    def create(self, number: int, content: bytes) -> bool:
        """Whether the file was made; False where there is one."""
        return self._folder.create(_name(number), content)

    def write(self, number: int, content: bytes) -> None:
        """Replace the content."""
        self._folder.write(_name(number), content)

    def remove(self, numbers: Iterable[int]) -> None:
        """Remove them, as far as they are there."""
        for number in numbers:
            with suppress(FileNotFoundError):
                self._folder.remove(_name(number))

    def age_seconds(self, number: int) -> float:
        """Since it was written, by its storage's clock; 0 where it is gone."""
        try:
            return time.time() - self._folder.modified(_name(number)).timestamp()
        except FileNotFoundError:
            return 0

    def url_of(self, number: int) -> str:
        """The URL of a file, for people to read."""
        return self._folder.url_of(_name(number))


def _name(number: int) -> str:
    return f"{number}.json"
