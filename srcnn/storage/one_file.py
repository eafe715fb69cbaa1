"""A single file by its URL, as a folder that holds only that file."""

from __future__ import annotations

import posixpath

from srcnn.errors import SourceMissingError
from srcnn.storage.file_table import FileTable
from srcnn.storage.folder import Folder
from srcnn.storage.retries import DEFAULT_LIMITS, StorageLimits


class OneFile(Folder):
    """The folder of a file, of whose listing nothing else is seen.

    Attributes:
        key: name of the file.
    """

    def __init__(self, url: str, limits: StorageLimits = DEFAULT_LIMITS) -> None:
        """Check the URL; nothing is read yet.

        Args:
            url: path or URL of the file.
            limits: of remote calls.

        Raises:
            UsageError: the protocol is unknown, or the URL contains credentials.
        """
        parent, self.key = _split(url)
        super().__init__(parent, limits)
        self.given = url

    def get_url(self, key: str) -> str:
        """Return the URL of a file in the folder; that of the file itself as it was given."""
        return self.given if key == self.key else super().get_url(key)

    def files(self) -> FileTable:
        """List the file.

        Raises:
            SourceMissingError: it does not exist, or is a folder.
        """
        info = self.info(self.key)
        if info is None:
            raise SourceMissingError(f"{self.given}: no such file")
        return FileTable.of({self.key: info})


def _split(url: str) -> tuple[str, str]:
    scheme, mark, path = url.rpartition("://")
    parent, key = posixpath.split(path)
    return f"{scheme}{mark}{parent}" or ".", key
