"""The numbered lock files of a destination; `srcnn.destination.lock.acquire` gives them meaning."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress

from srcnn.destination.ledger import STATE_FOLDER
from srcnn.destination.lock.owner import Holder
from srcnn.errors import SourceMissingError, UnusableFileError
from srcnn.storage.file_table import FileInfo
from srcnn.storage.folder import Folder

LOCK_FOLDER = f"{STATE_FOLDER}/lock"
_LIMIT_BYTES = 64 * 1024
_NAME = re.compile(r"([1-9][0-9]{0,17})\.json")


class LockFiles:
    """The lock files of a destination, by number.

    Attributes:
        is_local: whether they are on this machine's disks.
    """

    def __init__(self, destination: Folder) -> None:
        """Read nothing yet.

        Args:
            destination: the destination.
        """
        self._folder = destination.subfolder(LOCK_FOLDER)
        self.is_local = destination.local_path is not None
        self._listed: dict[int, FileInfo] = {}  # saves a request for each size

    def numbers(self) -> list[int]:
        """List the numbers of all lock files, in ascending order.

        Raises:
            OSError: they could not be listed.
        """
        try:
            listing: Mapping[str, FileInfo] = self._folder.files()
        except SourceMissingError:
            listing = {}
        self._listed = {
            int(found[1]): info
            for name, info in listing.items()
            if (found := _NAME.fullmatch(name))
        }
        return sorted(self._listed)

    def find_newest(self) -> tuple[int, Holder] | None:
        """Return number and content of the lock file that counts; None if there is none.

        Files that cannot be parsed do not count: a run that writes one checks again afterwards.

        Raises:
            OSError: they could not be listed or read.
        """
        for number in reversed(self.numbers()):
            with suppress(ValueError):
                return number, Holder.parse(self.read(number) or b"")
        return None

    def read(self, number: int) -> bytes | None:
        """Return the content of one file; None if it is gone, empty if it can be no lock file."""
        try:
            return self._folder.read(_name_file(number), _LIMIT_BYTES, self._listed.get(number))
        except FileNotFoundError:
            return None
        except UnusableFileError:
            return b""

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


def get_key(number: int) -> str:
    """Return the key of a lock file in its destination."""
    return f"{LOCK_FOLDER}/{_name_file(number)}"


def _name_file(number: int) -> str:
    return f"{number}.json"
