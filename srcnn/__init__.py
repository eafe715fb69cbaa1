"""Upscale images with SRCNN through ONNX Runtime: the work itself, without Prefect.

    import srcnn
    upscaler = srcnn.Upscaler.load()
    big = upscaler(image, scale=2.5)

Importing the package imports neither torch nor prefect. Only `srcnn.export` and `srcnn.training`
need torch.
"""

from srcnn.telemetry import disable_telemetry  # isort: skip

disable_telemetry()  # the only effect of the import; it must precede that of ONNX Runtime

from srcnn.errors import (  # noqa: E402 - as above
    AccessDeniedError,
    CheckpointError,
    ChecksumError,
    DamagedImageError,
    DestinationBusyError,
    DownloadError,
    GraphCheckError,
    ImageError,
    ImageTooLargeError,
    InferenceFailedError,
    ModelError,
    NotAttemptedError,
    SourceChangedError,
    SourceMissingError,
    SrcnnError,
    StorageError,
    StorageUnavailableError,
    TrainingStateError,
    UnreachableTargetError,
    UnsupportedImageError,
    UnusableFileError,
    UsageError,
)
from srcnn.inference.upscaler import Upscaler  # noqa: E402 - as above

__all__ = [
    "AccessDeniedError",
    "CheckpointError",
    "ChecksumError",
    "DamagedImageError",
    "DestinationBusyError",
    "DownloadError",
    "GraphCheckError",
    "ImageError",
    "ImageTooLargeError",
    "InferenceFailedError",
    "ModelError",
    "NotAttemptedError",
    "SourceChangedError",
    "SourceMissingError",
    "SrcnnError",
    "StorageError",
    "StorageUnavailableError",
    "TrainingStateError",
    "UnreachableTargetError",
    "UnsupportedImageError",
    "UnusableFileError",
    "Upscaler",
    "UsageError",
]
