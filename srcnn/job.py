"""The values that travel between planning, working and accounting.

Plain and frozen: they are pickled to other processes and written as JSON. None holds
a session, a file system or a secret.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Literal

from srcnn.errors import AccessDeniedError, ImageError, StorageUnavailableError
from srcnn.geometry import Size
from srcnn.images.formats import DEFAULT_QUALITY, WITH_ALPHA, WITH_QUALITY, Format, format_of
from srcnn.model.card import Convention
from srcnn.runtime.onnx_session import Precision, Provider
from srcnn.storage.listing import FileInfo
from srcnn.storage.retries import DEFAULT_LIMITS, StorageLimits

NOT_ATTEMPTED = "NotAttempted"  # the type of failures of images whose turn never came
Status = Literal["written", "skipped", "failed"]


@dataclass(frozen=True)
class Job:
    """What all images of a run share.

    Attributes:
        run_id: sorts by time.
        src: URL of the folder that is read.
        dst: URL of the folder that is written.
        model: URL of the ONNX file, or `bundled`.
        model_sha256: of its content; a worker refuses another.
        convention: what the user says of the pixels of a model without a card.
        form: format of the outputs.
        quality: of JPEG, WebP and AVIF, 1 to 100; None for the format's default.
        keep_metadata: whether EXIF, ICC and XMP go along.
        flatten: colour behind pictures with alpha, in formats that hold none; None to refuse them.
        provider: of inference.
        precision: of inference.
        threads: that compute; 0 for the cores the process may use.
        tile_px: side of tiles.
        transfers: files that a process reads ahead, and writes behind, at a time.
        buffer_bytes: of files read ahead, as many of pictures in hand, and as many of files being
            written; 0 for an eighth of the memory that the process may use.
        storage: how patient calls to storage are.
    """

    run_id: str
    src: str
    dst: str
    model: str
    model_sha256: str
    convention: Convention | None = None
    form: Format = "keep"
    quality: int | None = None
    keep_metadata: bool = True
    flatten: str | None = None
    provider: Provider = "auto"
    precision: Precision = "exact"
    threads: int = 0
    tile_px: int = 192
    transfers: int = 16
    buffer_bytes: int = 0
    storage: StorageLimits = DEFAULT_LIMITS

    def options_digest(self, output: str) -> str:
        """Digest of the options that shape an output's file; a change redoes the image.

        Args:
            output: its key, whose format tells whether quality and colour matter.
        """
        form = format_of(output) or ""
        default = DEFAULT_QUALITY.get(form)
        quality = (self.quality or default) if form in WITH_QUALITY else None
        flatten = self.flatten if form not in WITH_ALPHA else None
        shaping = [self.convention, self.form, quality, self.keep_metadata, flatten]
        return hashlib.sha256(json.dumps(shaping).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Work:
    """One image to make.

    Attributes:
        source: key in the source.
        output: key in the destination.
        scale: text of the factor or target.
        info: of the source's file, as listed.
        size_in: of the source, upright.
        size_out: of the result.
        copy: the image already meets its target; no inference.
    """

    source: str
    output: str
    scale: str
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
    def of(cls, error: BaseException) -> Failure:
        """The failure that an exception stands for; our own errors lose their suffix."""
        name = type(error).__name__
        own = isinstance(error, ImageError | AccessDeniedError | StorageUnavailableError)
        return cls(name.removesuffix("Error") if own else name, str(error) or name)


@dataclass(frozen=True)
class Outcome:
    """What became of one image.

    Attributes:
        source: key in the source.
        output: key in the destination; None where it never got a name.
        status: written, skipped or failed.
        scale: [fh, fw]; None where it is not known.
        size_in: height and width of the source; None where it could not be read.
        size_out: height and width of the result; likewise.
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

    @property
    def not_attempted(self) -> bool:
        """Whether the run ended before the image's turn."""
        return self.error is not None and self.error.type == NOT_ATTEMPTED


def scale_of(size_in: Size, size_out: Size) -> tuple[float, float]:
    """The factors that lead from one size to the other, height first."""
    return (size_out.height / size_in.height, size_out.width / size_in.width)
