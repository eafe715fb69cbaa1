"""One image of a run: the task that the plan makes of it, and the result that a worker returns.

Plain and frozen: both are pickled to other processes, and results are written as JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from srcnn.errors import AccessDeniedError, ImageError, StorageUnavailableError
from srcnn.geometry import Scale, Size
from srcnn.storage.listing import FileInfo

NOT_ATTEMPTED = "NotAttempted"  # the type of failures of images that were never begun
Status = Literal["written", "skipped", "failed"]


@dataclass(frozen=True)
class ImageTask:
    """One image to process.

    Attributes:
        source: key in the source.
        output: key in the destination.
        scale: the factor or target.
        info: of the source's file, as listed.
        size_in: of the source, upright.
        size_out: of the result.
        copy: the image already meets its target; no inference.
    """

    source: str
    output: str
    scale: Scale
    info: FileInfo
    size_in: Size
    size_out: Size
    copy: bool = False


@dataclass(frozen=True)
class Failure:
    """Why an image failed.

    Attributes:
        type: the error's class.
        message: its text.
    """

    type: str
    message: str

    @classmethod
    def from_error(cls, error: BaseException) -> Failure:
        """Return the failure that an exception stands for; our own errors lose their suffix."""
        name = type(error).__name__
        own = isinstance(error, ImageError | AccessDeniedError | StorageUnavailableError)
        return cls(name.removesuffix("Error") if own else name, str(error) or name)


@dataclass(frozen=True)
class ImageResult:
    """What became of one image.

    Attributes:
        source: key in the source.
        output: key in the destination; None if it never got a name.
        status: written, skipped or failed.
        scale: [fh, fw]; None if not known.
        size_in: of the source; None if it could not be read.
        size_out: of the result; None if there is none.
        seconds: spent on it.
        error: why it failed.
        notes: what was done to its colours, in words.
    """

    source: str
    output: str | None
    status: Status
    scale: tuple[float, float] | None = None
    size_in: Size | None = None
    size_out: Size | None = None
    seconds: float = 0.0
    error: Failure | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def failed(cls, task: ImageTask, failure: Failure) -> ImageResult:
        """Return the result of a task that no worker reported on."""
        return cls(task.source, task.output, "failed", None, task.size_in, error=failure)

    @property
    def not_attempted(self) -> bool:
        """Whether the run ended before the image was begun, or dropped it."""
        return self.error is not None and self.error.type == NOT_ATTEMPTED
