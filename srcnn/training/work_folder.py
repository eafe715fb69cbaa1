"""The local work folder of a training, locked by one process.

training.json   the identity of the training, which must match to resume, and its pictures
state.pt        the weights and the state of the optimiser, saved by `srcnn.training.trainer`
gains.jsonl     a line for each validation
srcnn-*.pth     the trained weights, after the end
result.json     the outcome
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
from srcnn.printable_text import one_line
from srcnn.storage.atomic_files import write_file
from srcnn.storage.download import compute_sha256
from srcnn.storage.file_table import FileInfo
from srcnn.storage.plain_files import APPEND, open_plain
from srcnn.training.training_record import Identity, Point, Result, TrainingRecord
from srcnn.validation_errors import describe_unreadable

T = TypeVar("T")

_RECORD, _STATE, _GAINS, _RESULT = "training.json", "state.pt", "gains.jsonl", "result.json"
_WEIGHTS = "srcnn-*.pth"
_LOCK = "lock"
# Beyond what any training writes: a record takes some 150 bytes for each picture.
_LIMIT_BYTES = 256 * 2**20
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)  # poor JSON


@dataclass(frozen=True)
class WorkFolder:
    """The work folder of a training, locked by this process.

    Attributes:
        path: local path.
    """

    path: Path

    @property
    def state_file(self) -> Path:
        """The state file of `Trainer`."""
        return self.path / _STATE

    @property
    def record(self) -> TrainingRecord | None:
        """What the training works on; None before it begins.

        Raises:
            TrainingStateError: the file cannot be read.
        """
        return _read(self.path / _RECORD, TrainingRecord.parse)

    @property
    def result(self) -> Result | None:
        """The outcome; None before the end.

        Raises:
            TrainingStateError: the file cannot be read.
        """
        return _read(self.path / _RESULT, Result.parse)

    @property
    def points(self) -> list[Point]:
        """The validations so far; a line that cannot be read, as after a kill, is skipped.

        Raises:
            TrainingStateError: the file cannot be one of validations.
        """
        points = []
        for line in (_read_bytes(self.path / _GAINS) or b"").splitlines():
            with suppress(*_UNREADABLE):
                points.append(Point.parse(json.loads(line)))
        return points

    def begin(self, record: TrainingRecord) -> None:
        """Write what the training works on."""
        _write(self.path / _RECORD, record)

    def add(self, point: Point) -> None:
        """Append a validation."""
        with open_plain(self.path / _GAINS, APPEND) as file:
            file.write(json.dumps(point.content).encode() + b"\n")

    def keep(self, checkpoint: bytes) -> Path:
        """Write the trained weights to a file whose name has their sha256; remove earlier ones.

        Returns:
            The path of the file.
        """
        path = self.path / f"srcnn-{compute_sha256(checkpoint)[:8]}.pth"
        write_file(str(path), checkpoint)
        for earlier in self.path.glob(_WEIGHTS):
            if earlier != path:
                earlier.unlink()
        return path

    def finish(self, result: Result) -> None:
        """Write the outcome."""
        _write(self.path / _RESULT, result)

    def clear(self) -> None:
        """Delete all files of the training."""
        for name in (_RECORD, _STATE, _GAINS, _RESULT):
            (self.path / name).unlink(missing_ok=True)
        for weights in self.path.glob(_WEIGHTS):
            weights.unlink()


@contextmanager
def hold_work(path: Path, identity: Identity, *, restart: bool) -> Iterator[WorkFolder]:
    """Lock a training's folder while the body runs; a killed process releases it.

    Args:
        path: of the folder; created if missing.
        identity: of the training.
        restart: delete the state that is in the folder first.

    Raises:
        DestinationBusyError: another process has locked it.
        UsageError: it contains another training, or other files.
        TrainingStateError: its record cannot be read.
        OSError: it cannot be created or written.
    """
    _create_folder(path)
    with open_plain(path / _LOCK, APPEND) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DestinationBusyError(
                f"{path}: another training is using this folder: wait for it to end, or "
                "give --work another folder"
            ) from error
        work = WorkFolder(path)
        if restart:
            work.clear()
        _refuse_other(work, identity)
        yield work


def find_changes(work: WorkFolder, record: TrainingRecord, found: Mapping[str, FileInfo]) -> int:
    """Check that the pictures that the training began with are unchanged.

    Args:
        work: of the training.
        record: of the training.
        found: the pictures that exist now.

    Returns:
        The number of pictures that were added.

    Raises:
        UsageError: a picture has changed or was removed.
    """
    for key, info in record.taken.items():
        if found.get(key) != info:
            what = "has changed" if key in found else "is gone"
            raise UsageError(
                f"{one_line(key)} {what} since the training in {work.path} began, which cannot go "
                "on without it: put it back, or give --restart to start over"
            )
    return len(found.keys() - record.taken.keys() - {*record.not_taken})


def _create_folder(path: Path) -> None:
    """Create the folder; an existing one must be empty, or a training's."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"{path} is a file, or inside one: give --work a folder") from error
    if any(path.iterdir()) and not (path / _LOCK).exists():
        raise UsageError(f"{path} contains other files: give --work an empty folder, or a new one")


def _refuse_other(work: WorkFolder, identity: Identity) -> None:
    record = work.record
    if record is not None and record.identity != identity:
        different = ", ".join(identity.differences(record.identity))
        raise UsageError(
            f"{work.path} contains another training (different {different}): give --work another "
            "folder, or --restart to discard it"
        )


def _write(path: Path, content: TrainingRecord | Result) -> None:
    # ASCII: file names may not be valid UTF-8.
    write_file(str(path), (json.dumps(asdict(content), indent=1) + "\n").encode())


def _read(path: Path, parse: Callable[[dict[str, Any]], T]) -> T | None:
    content = _read_bytes(path)
    if content is None:
        return None
    try:
        return parse(json.loads(content))
    except _UNREADABLE as error:
        raise TrainingStateError(
            f"{path}: cannot be read ({describe_unreadable(error)}): give --restart to start over"
        ) from error


def _read_bytes(path: Path) -> bytes | None:
    if not path.exists():
        return None
    if not path.is_file() or path.stat().st_size > _LIMIT_BYTES:
        raise TrainingStateError(
            f"{path}: expected a plain file of at most {_LIMIT_BYTES} bytes: give --restart to "
            "start over"
        )
    return path.read_bytes()
