"""The folder that a training works in, on this machine, held by one process.

training.json   what is trained on what: a later start goes on only with the same
state.pt        the weights and the optimiser, as `srcnn.training.trainer` keeps them
gains.jsonl     a line for each validation
srcnn-*.pth     the trained weights, when it has ended
result.json     what became of them
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from srcnn.errors import DestinationBusyError, TrainingStateError, UsageError
from srcnn.storage.download import sha256_of
from srcnn.storage.files import write_file
from srcnn.storage.listing import FileInfo
from srcnn.text import one_line
from srcnn.training.training_record import Identity, Point, Record, Result

T = TypeVar("T")

_RECORD, _STATE, _GAINS, _RESULT = "training.json", "state.pt", "gains.jsonl", "result.json"
_WEIGHTS = "srcnn-*.pth"
_LOCK = "lock"


@dataclass(frozen=True)
class WorkFolder:
    """A training's folder, held by this process.

    Attributes:
        path: on this machine.
    """

    path: Path

    @property
    def state_file(self) -> Path:
        """Of `Trainer`."""
        return self.path / _STATE

    @property
    def record(self) -> Record | None:
        """What the training works on; None where it has not begun.

        Raises:
            TrainingStateError: nobody can say.
        """
        return _read(self.path / _RECORD, Record.of)

    @property
    def result(self) -> Result | None:
        """What came of it; None where it has not ended.

        Raises:
            TrainingStateError: nobody can say.
        """
        return _read(self.path / _RESULT, lambda content: Result(**content))

    @property
    def points(self) -> list[Point]:
        """The validations so far; a line that a kill cut short is left out."""
        file = self.path / _GAINS
        points = []
        for line in file.read_text().splitlines() if file.exists() else []:
            with suppress(ValueError):
                points.append(Point.of(json.loads(line)))
        return points

    def begin(self, record: Record) -> None:
        """Say what the training works on."""
        _write(self.path / _RECORD, record)

    def add(self, point: Point) -> None:
        """Remember a validation."""
        with (self.path / _GAINS).open("a") as file:
            file.write(json.dumps(asdict(point)) + "\n")

    def keep(self, checkpoint: bytes) -> Path:
        """Keep the trained weights, under a name that promises their sha256."""
        path = self.path / f"srcnn-{sha256_of(checkpoint)[:8]}.pth"
        write_file(str(path), checkpoint)
        for earlier in self.path.glob(_WEIGHTS):
            if earlier != path:
                earlier.unlink()
        return path

    def finish(self, result: Result) -> None:
        """Say what came of it."""
        _write(self.path / _RESULT, result)

    def clear(self) -> None:
        """Forget everything."""
        for name in (_RECORD, _STATE, _GAINS, _RESULT):
            (self.path / name).unlink(missing_ok=True)
        for weights in self.path.glob(_WEIGHTS):
            weights.unlink()


@contextmanager
def hold_work(path: Path, identity: Identity, *, restart: bool) -> Iterator[WorkFolder]:
    """Hold a training's folder while the body runs; a kill lets go of it.

    Args:
        path: made where there is none.
        identity: of the training that it is for.
        restart: delete the state that is in the folder first.

    Raises:
        DestinationBusyError: another process holds it.
        UsageError: another training is in it, or other files.
        TrainingStateError: its record cannot be read.
        OSError: it cannot be made or written.
    """
    _make(path)
    with (path / _LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DestinationBusyError(
                f"{path}: another training is at work there: wait for it to end, or give --work "
                "another folder"
            ) from error
        work = WorkFolder(path)
        if restart:
            work.clear()
        _refuse_other(work, identity)
        yield work


def find_changes(work: WorkFolder, record: Record, found: Mapping[str, FileInfo]) -> int:
    """Go on only with the pictures that the training began with.

    Args:
        work: of the training.
        record: what it began with.
        found: the pictures that there are now.

    Returns:
        How many there are besides.

    Raises:
        UsageError: one has changed, or is gone.
    """
    for key, info in record.taken.items():
        if found.get(key) != info:
            what = "has changed" if key in found else "is gone"
            raise UsageError(
                f"{one_line(key)} {what} since the training in {work.path} began, which cannot go "
                "on without it: put it back, or give --restart to start over"
            )
    return len(found.keys() - record.taken.keys())


def _make(path: Path) -> None:
    """The folder; one that is there must be empty, or a training's."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"{path}: is, or lies in, a file: give --work a folder") from error
    if any(path.iterdir()) and not (path / _LOCK).exists():
        raise UsageError(f"{path}: holds other files: give --work an empty folder, or a new one")


def _refuse_other(work: WorkFolder, identity: Identity) -> None:
    record = work.record
    if record is not None and record.identity != identity:
        different = ", ".join(identity.differences(record.identity))
        raise UsageError(
            f"{work.path}: holds another training (of another {different}): give --work another "
            "folder, or --restart to discard it"
        )


def _write(path: Path, content: Record | Result) -> None:
    # ASCII: names of files may hold what is not UTF-8.
    write_file(str(path), (json.dumps(asdict(content), indent=1) + "\n").encode())


def _read(path: Path, parse: Callable[[dict[str, Any]], T]) -> T | None:
    if not path.exists():
        return None
    try:
        return parse(json.loads(path.read_bytes()))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise TrainingStateError(
            f"{path}: cannot be read ({error}): give --restart to start over"
        ) from error
