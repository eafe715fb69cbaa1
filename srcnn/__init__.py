"""Upscale images with SRCNN through ONNX Runtime: the work itself, without Prefect.

    import srcnn
    upscaler = srcnn.Upscaler.load()
    big = upscaler(image, scale=2.5)

Importing the package imports neither torch nor prefect; only `srcnn.export` needs
torch.
"""

from srcnn.errors import (
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
    UnreachableTargetError,
    UnsupportedImageError,
    UsageError,
)
from srcnn.upscaler import Upscaler

__all__ = [
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
    "UnreachableTargetError",
    "UnsupportedImageError",
    "Upscaler",
    "UsageError",
]
