"""Upscale images with SRCNN through ONNX Runtime: the work itself, without Prefect.

    import srcnn
    upscaler = srcnn.Upscaler.load()
    big = upscaler(image, scale=2.5)

Importing the package imports neither torch nor prefect. Only `srcnn.export` and `srcnn.training`
need torch.
"""

from srcnn.errors import (
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
    UsageError,
)
from srcnn.inference.upscaler import Upscaler

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
    "Upscaler",
    "UsageError",
]
