"""One image of a run: the task that the plan makes of it, and the result that a worker returns.

Plain and frozen: both are pickled to other processes, and results are written as JSON.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Literal

from srcnn.errors import (
    AccessDeniedError,
    ImageError,
    SourceMissingError,
    StorageUnavailableError,
    UnusableFileError,
)
from srcnn.geometry import Scale, Size
from srcnn.graphs.graph_format import CLEAN
from srcnn.printable_text import one_line
from srcnn.storage.file_table import FileInfo

NOT_ATTEMPTED = "NotAttempted"  # the type of failures of images that were never begun
Status = Literal["written", "skipped", "failed"]
_NAMED = (
    ImageError,
    AccessDeniedError,
    SourceMissingError,
    StorageUnavailableError,
    UnusableFileError,
)


@dataclass(frozen=True, slots=True)
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
        decoding_bytes: memory that decoding takes at the most, besides the file.
        pixel_bytes: of a decoded pixel, at the most.
        size_model: of what the model makes, if that is resized to `size_out`; None if not known.
        quality: of the source, that the weights are chosen for, 1 to 100; 100 if it is without
            loss, if the model does not follow it, and for copies that no quality could change.
        file_quality: what the source's header says of it, 1 to 100.
        may_repeat: whether another image of the run may have the same bytes and the same result.
        is_shared: whether other images of the run are made from the same source.
    """

    source: str
    output: str
    scale: Scale
    info: FileInfo
    size_in: Size
    size_out: Size
    copy: bool = False
    decoding_bytes: int = 0
    pixel_bytes: int = 8
    size_model: Size | None = None
    quality: float = CLEAN
    file_quality: float = CLEAN
    may_repeat: bool = False
    is_shared: bool = False

    @property
    def treatment(self) -> tuple[object, ...]:
        """All that is done to the image, besides what the run does to all of them.

        Sources with the same bytes and one treatment have the same output.
        """
        extension = posixpath.splitext(self.output)[1]
        return self.size_in, self.size_out, self.copy, self.quality, extension

    @property
    def work_pixels(self) -> int:
        """The pixels that are computed: of the result, or of what the model makes if it is more.

        Of an image that is made smaller they are those of the source.
        """
        sizes = (self.size_in, self.size_out, self.size_model or self.size_out)
        return max(size.pixels for size in sizes)

    @property
    def is_shrunk(self) -> bool:
        """Whether the image is made smaller, without the model."""
        return self.size_out.pixels < self.size_in.pixels

    @property
    def is_resized(self) -> bool:
        """Whether what the model makes is resized."""
        return self.size_model not in (None, self.size_out)


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
        """Return the failure that an exception stands for; our own errors lose their suffix.

        Its message is one visible line: it may quote the file, which an uploader wrote.
        """
        name = type(error).__name__
        own = isinstance(error, _NAMED)
        return cls(name.removesuffix("Error") if own else name, one_line(str(error)) or name)


@dataclass(frozen=True, slots=True)
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
        notes: what was done to it besides upscaling, in words.
        source_info: of the source's file, as listed, if the image failed.
        known: the failure was accepted before the run.
        quality: of the source, that the weights were chosen for; see `ImageTask`.
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
    source_info: FileInfo | None = None
    known: bool = False
    quality: float = CLEAN

    @classmethod
    def failed(cls, task: ImageTask, failure: Failure) -> ImageResult:
        """Return the result of a task that no worker reported on."""
        return cls(
            task.source,
            task.output,
            "failed",
            size_in=task.size_in,
            error=failure,
            source_info=task.info,
            quality=task.quality,
        )

    @property
    def is_new_failure(self) -> bool:
        """Whether the image failed, and nobody has accepted that."""
        return self.error is not None and not self.known

    @property
    def not_attempted(self) -> bool:
        """Whether the run ended before the image was begun, or dropped it."""
        return self.error is not None and self.error.type == NOT_ATTEMPTED
