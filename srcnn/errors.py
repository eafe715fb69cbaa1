"""Every error that the project raises on purpose.

    SrcnnError
    ├── UsageError (ValueError)         the run cannot start: a wrong option, or a wrong input file
    ├── DestinationBusyError (RuntimeError)   another run holds the destination
    ├── SourceMissingError (FileNotFoundError)
    ├── ModelError (ValueError)         a graph that cannot be used as the model
    ├── CheckpointError (ValueError)    weights that do not fit, or cannot be trusted
    │   └── ChecksumError
    ├── TrainingStateError (ValueError)   a saved state that is damaged, or of another training
    ├── DownloadError (ConnectionError) a file that could not be fetched
    ├── StorageError (OSError)          a file could not be read, written or listed
    │   ├── AccessDeniedError (PermissionError)
    │   ├── UnusableFileError           larger than any file of its kind, or not a plain file
    │   └── StorageUnavailableError (ConnectionError)
    ├── GraphCheckError (AssertionError)   an exported graph that failed its check
    └── ImageError (ValueError)         one image failed; the run continues with the others
        ├── DamagedImageError
        ├── UnsupportedImageError
        ├── ImageTooLargeError
        ├── UnreachableTargetError
        ├── SourceChangedError
        ├── InferenceFailedError
        └── NotAttemptedError

Each also inherits the builtin exception that a caller would expect. Each takes its message as
the only argument, so that it pickles: Prefect sends exceptions between processes by pickle.
"""

from __future__ import annotations


class SrcnnError(Exception):
    """Base class of all errors of this project; the message says what failed and what to do."""


class UsageError(SrcnnError, ValueError):
    """The run cannot start: an option, or a file that the user wrote, is wrong."""


class DestinationBusyError(SrcnnError, RuntimeError):
    """Another run holds the destination; the message says which, since when, and what to do."""


class SourceMissingError(SrcnnError, FileNotFoundError):
    """The folder, bucket or file to read from does not exist."""

    # OSError.__str__ formats errno and strerror; with one argument it returns the message.


class ModelError(SrcnnError, ValueError):
    """The file is not an ONNX image upscaler that we can run; the message says why."""


class CheckpointError(SrcnnError, ValueError):
    """The checkpoint does not fit the network, or cannot be trusted."""


class ChecksumError(CheckpointError):
    """The file does not have the expected checksum."""


class TrainingStateError(SrcnnError, ValueError):
    """The saved state of a training cannot be read, or belongs to another training."""


class DownloadError(SrcnnError, ConnectionError):
    """A file could not be fetched, after all retries."""


class StorageError(SrcnnError, OSError):
    """A file could not be read, written or listed, after all retries."""


class AccessDeniedError(StorageError, PermissionError):
    """The storage refuses access: credentials are missing, wrong, expired or insufficient."""


class UnusableFileError(StorageError):
    """A file cannot be what its name says: it is too large for that, or not a plain file."""


class StorageUnavailableError(StorageError, ConnectionError):
    """The storage does not answer, or answers with errors, after all retries."""


class GraphCheckError(SrcnnError, AssertionError):
    """A graph failed its check; the message lists every finding, one per line."""


class ImageError(SrcnnError, ValueError):
    """One image could not be upscaled; the other images are not affected."""


class DamagedImageError(ImageError):
    """The file cannot be decoded, or only in part."""


class UnsupportedImageError(ImageError):
    """The image is intact, but of an unsupported kind; the message says which."""


class ImageTooLargeError(ImageError):
    """The image, or its result, has more pixels than the limit allows."""


class UnreachableTargetError(ImageError):
    """The target size needs a larger factor than the maximum."""


class SourceChangedError(ImageError):
    """The file has changed since the run was planned."""


class InferenceFailedError(ImageError):
    """The model failed, or its output cannot be a picture."""


class NotAttemptedError(ImageError):
    """The run ended before it reached this image."""
