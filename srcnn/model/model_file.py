"""Read a model file: the one that is included in the package, or one by path or URL.

Independent of sessions and of what the graph computes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from srcnn.errors import ModelError, SourceMissingError
from srcnn.model.external_data import embed_external_data
from srcnn.model.graph_limits import check_limits
from srcnn.model.onnx_file import parse_onnx
from srcnn.storage.atomic_files import read_file
from srcnn.storage.missing_path import describe_missing
from srcnn.storage.retries import DEFAULT_LIMITS, StorageLimits

BUNDLED = "bundled"
# Protobuf's own limit of a message, with room for the rest.
MODEL_LIMIT_BYTES = 2**31 - 2**20


@dataclass(frozen=True)
class Model:
    """An ONNX file in memory.

    Attributes:
        url: where it was read from; `bundled` for the file in the package.
        content: of the file, with the weights that it keeps in other files.
        sha256: of the file in hex; if it has other files, of their digests too.
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
        ModelError: the file is empty, is not an ONNX file, may run without end, has weights
            outside its folder, or is another than expected.
        UsageError: the URL contains credentials.
        StorageError: the file could not be read.
    """
    if url is None or url == BUNDLED:
        content = resources.files("srcnn").joinpath("weights/srcnn.onnx").read_bytes()
        model = Model(BUNDLED, content, hashlib.sha256(content).hexdigest())
    else:
        model = _read_model(url, limits)
    if expected_sha256 not in (None, model.sha256):
        raise ModelError(
            f"{model.url}: expected sha256 {expected_sha256}, got {model.sha256}: the model "
            "changed after the run was planned; start the run again"
        )
    return model


def _read_model(url: str, limits: StorageLimits) -> Model:
    try:
        content = read_file(url, limits, limit_bytes=MODEL_LIMIT_BYTES)
    except SourceMissingError as error:
        raise SourceMissingError(_describe_missing_model(url) or str(error)) from error
    if not content:
        raise ModelError(f"{url}: the model file is empty")
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        proto = parse_onnx(content)
        check_limits(proto)
    except ModelError as error:
        raise ModelError(f"{url}: {error}") from error
    files = embed_external_data(proto, url, limits, MODEL_LIMIT_BYTES - len(content))
    if not files:
        return Model(url, content, sha256)
    # Of the files rather than of the bytes that are run: another release of protobuf may write
    # the same model in other bytes.
    lines = [sha256, *(f"{digest} {name}" for name, digest in sorted(files.items()))]
    whole = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return Model(url, proto.SerializeToString(), whole)


def _describe_missing_model(url: str) -> str:
    """Say what was looked for, and what can be given; empty for a URL."""
    if "://" in url:
        return ""
    if Path(url).is_dir():
        inside = sorted(path.name for path in Path(url).glob("*.onnx"))
        hint = f", such as {Path(url) / inside[0]}" if inside else "; it has none"
        return f"{url} is a folder; expected an ONNX file{hint}"
    expected = f"expected {BUNDLED}, or the path or URL of an ONNX file"
    return f"{describe_missing(url, 'no such file', [BUNDLED])} ({expected})"
