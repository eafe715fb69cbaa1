"""Images with the same bytes: one is upscaled, and the others get copies of its output."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from srcnn.image_task import ImageTask
from srcnn.storage.file_table import FileInfo

_LOOK_SECONDS = 0.1  # between two looks at whether the run has ended
_Key: TypeAlias = tuple[bytes, tuple[object, ...]]


@dataclass(frozen=True)
class WrittenOutput:
    """An output of this run.

    Attributes:
        key: in the destination.
        info: of its file, as a listing has it.
        notes: what was done to the image, for the report.
    """

    key: str
    info: FileInfo
    notes: tuple[str, ...]


class Repeats:
    """The outputs of a run, by the bytes of their sources; only of images that may be repeated."""

    def __init__(self) -> None:
        """Know none yet."""
        self._outputs: dict[_Key, Future[WrittenOutput | None]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def claim(self, task: ImageTask, data: bytes, check: Callable[[], None]) -> Iterator[Claim]:
        """Wait for the output of the same bytes, if another image has them; else be the first.

        An image whose first fails is processed by itself.

        Args:
            task: the image.
            data: its file.
            check: called while waiting; raises if the image must not go on.
        """
        if not task.may_repeat:
            yield Claim()
            return
        key = hashlib.blake2b(data).digest(), task.treatment
        with self._lock:
            first = self._outputs.get(key)
            mine: Future[WrittenOutput | None] = Future()
            self._outputs.setdefault(key, mine)
        if first:
            yield Claim(_wait(first, check))
            return
        claim = Claim()
        try:
            yield claim
        finally:
            mine.set_result(claim.written)
            if claim.written is None:
                with self._lock:
                    del self._outputs[key]


@dataclass
class Claim:
    """What an image found.

    Attributes:
        found: the output of the same bytes; None to process the image.
        written: set to the image's own output once that is written.
    """

    found: WrittenOutput | None = None
    written: WrittenOutput | None = None


def _wait(first: Future[WrittenOutput | None], check: Callable[[], None]) -> WrittenOutput | None:
    while True:
        try:
            return first.result(_LOOK_SECONDS)
        except TimeoutError:
            check()
