"""Every error that the project raises on purpose.

    SrcnnError
    ├── UsageError (ValueError)         the run cannot start: an option, a file the user wrote
    ├── DestinationBusyError (RuntimeError)   another run holds the destination
    ├── SourceMissingError (FileNotFoundError)
    ├── ModelError (ValueError)         a graph that cannot serve as the model
    ├── CheckpointError (ValueError)    weights that do not fit, or cannot be trusted
    │   └── ChecksumError
    ├── TrainingStateError (ValueError)   a training's state that is not this training's
    ├── DownloadError (ConnectionError) a file that could not be fetched
    ├── StorageError (OSError)          a file could not be read, written or listed
    │   ├── AccessDeniedError (PermissionError)
    │   └── StorageUnavailableError (ConnectionError)
    ├── GraphCheckError (AssertionError)   an exported graph that failed its check
    └── ImageError (ValueError)         one image; the others go on
        ├── DamagedImageError
        ├── UnsupportedImageError
        ├── ImageTooLargeError
        ├── UnreachableTargetError
        ├── SourceChangedError
        ├── InferenceFailedError
        └── NotAttemptedError

Each also inherits the builtin that a caller would expect. All carry their
message as the only argument, so that they pickle: Prefect ships exceptions
between processes by pickle.
"""

from __future__ import annotations


class SrcnnError(Exception):
    """Base of all errors of this project; its text says what failed and what to do."""


class UsageError(SrcnnError, ValueError):
    """The run cannot start: an option, or a file that the user wrote, is wrong."""


class DestinationBusyError(SrcnnError, RuntimeError):
    """Another run holds the destination; the text says which, since when, and how to go on."""


class SourceMissingError(SrcnnError, FileNotFoundError):
    """The folder, bucket or file to read from is not there."""

    # OSError.__str__ formats errno and strerror; with one argument it is the message.


class ModelError(SrcnnError, ValueError):
    """A file that is no ONNX image upscaler we can run; the text says why."""


class CheckpointError(SrcnnError, ValueError):
    """A checkpoint that does not fit the network, or that cannot be trusted."""


class ChecksumError(CheckpointError):
    """The bytes of a file are not the bytes that were promised."""


class TrainingStateError(SrcnnError, ValueError):
    """The state of a training cannot be read, or belongs to another; the text says which."""


class DownloadError(SrcnnError, ConnectionError):
    """A file could not be fetched, after all retries."""


class StorageError(SrcnnError, OSError):
    """A file could not be read, written or listed, after all retries."""


class AccessDeniedError(StorageError, PermissionError):
    """The storage refuses: credentials are missing, wrong, expired, or not enough."""


class StorageUnavailableError(StorageError, ConnectionError):
    """The storage does not answer, or not properly, after all retries."""


class GraphCheckError(SrcnnError, AssertionError):
    """A graph failed its check; the text lists every finding, a line each."""


class ImageError(SrcnnError, ValueError):
    """One image could not be upscaled; the others are not concerned."""


class DamagedImageError(ImageError):
    """The file decodes only in part, or not at all."""


class UnsupportedImageError(ImageError):
    """A whole picture of a kind that is not handled; the text says which."""


class ImageTooLargeError(ImageError):
    """The picture, or its result, has more pixels than the limit."""


class UnreachableTargetError(ImageError):
    """The target lies further above the picture than factors run."""


class SourceChangedError(ImageError):
    """The file is not the one that the run was planned with."""


class InferenceFailedError(ImageError):
    """The model did not give a picture: it failed, or gave values that are none."""


class NotAttemptedError(ImageError):
    """The run ended before this image's turn."""
