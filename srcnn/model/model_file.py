"""Read a model file: the one that is included in the package, or one by path or URL.

Independent of sessions and of what the graph computes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources

from srcnn.errors import ModelError
from srcnn.storage.files import read_file
from srcnn.storage.retries import DEFAULT_LIMITS, StorageLimits

BUNDLED = "bundled"


@dataclass(frozen=True)
class Model:
    """An ONNX file in memory.

    Attributes:
        url: where it was read from; `bundled` for the file in the package.
        content: of the file.
        sha256: of the content, in hex.
    """

    url: str
    content: bytes
    sha256: str


def load_model(
    url: str | None = None,
    limits: StorageLimits = DEFAULT_LIMITS,
    expected_sha256: str | None = None,
) -> Model:
    """Read a model file.

    Args:
        url: path or URL; None or `bundled` for the file in the package.
        limits: timeouts and retries of storage calls.
        expected_sha256: of the file that was read when the run was planned; None for any.

    Raises:
        SourceMissingError: the file does not exist.
        ModelError: the file is empty, or another than expected.
        UsageError: the URL contains credentials.
        StorageError: the file could not be read.
    """
    if url is None or url == BUNDLED:
        content = resources.files("srcnn").joinpath("weights/srcnn.onnx").read_bytes()
    else:
        content = read_file(url, limits)
    if not content:
        raise ModelError(f"{url}: the model file is empty")
    model = Model(url or BUNDLED, content, hashlib.sha256(content).hexdigest())
    if expected_sha256 not in (None, model.sha256):
        raise ModelError(
            f"{model.url}: expected sha256 {expected_sha256}, got {model.sha256}: the model "
            "changed after the run was planned; start the run again"
        )
    return model
