"""Read the weights that an ONNX file keeps in other files: "external data".

The file says where they are, so it could name any file of the machine, whose content would come out
as pixels. Only files in the model's own folder are read. They are put into the model, so that
whatever runs it opens no file.
https://github.com/onnx/onnx/blob/main/docs/ExternalData.md
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from urllib.parse import quote

import onnx

from srcnn.errors import ModelError, SourceMissingError
from srcnn.model.protos import find_messages
from srcnn.storage.atomic_files import read_file
from srcnn.storage.filesystems import is_local, resolve
from srcnn.storage.retries import StorageLimits

_MAX_FILES = 4096
# A scheme, a drive, or the start of a chain of file systems.
_NOT_A_NAME = re.compile(r"://|::|^[A-Za-z]:|[\\\x00-\x1f]")
_ADVICE = (
    "only files in the model's own folder are read; keep the files that were exported together "
    "in one folder, or export without external data"
)


def find_external_tensors(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    """Find the tensors whose values are in other files."""
    external = onnx.TensorProto.EXTERNAL
    found = find_messages(model, onnx.TensorProto)
    return [tensor for tensor in found if tensor.data_location == external]


def list_locations(tensors: list[onnx.TensorProto]) -> list[str]:
    """List the files that tensors name, each once."""
    return sorted({_read_entries(tensor).get("location", "") for tensor in tensors})


def embed_external_data(
    model: onnx.ModelProto, url: str, limits: StorageLimits, limit_bytes: int
) -> dict[str, str]:
    """Put the values from other files into a model.

    Args:
        model: changed in place.
        url: that it was read from; its folder has the files.
        limits: of storage calls.
        limit_bytes: of all files, and of all values.

    Returns:
        The sha256 of each file by its location, in hex; empty if all values are in the model.

    Raises:
        ModelError: a file is not in the model's folder, or is not what the model says.
        StorageError: a file could not be read.
    """
    tensors = find_external_tensors(model)
    files: dict[str, bytes] = {}
    left_bytes = limit_bytes
    locations = list_locations(tensors)
    if len(locations) > _MAX_FILES:
        raise ModelError(f"{url}: its weights are in {len(locations)} files: export one file")
    for location in locations:
        files[location] = _read_beside(url, location, limits, left_bytes)
        left_bytes -= len(files[location])
    left_bytes = limit_bytes
    for tensor in tensors:
        entries = _read_entries(tensor)
        location = entries.get("location", "")
        values = _cut(files[location], entries, f"{url}: tensor {tensor.name!r} in {location!r}")
        left_bytes -= len(values)
        if left_bytes < 0:
            raise ModelError(f"{url}: its weights have more than {limit_bytes:,} bytes")
        tensor.raw_data = values
        tensor.ClearField("external_data")
        tensor.data_location = onnx.TensorProto.DEFAULT
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def _read_entries(tensor: onnx.TensorProto) -> dict[str, str]:
    return {item.key: item.value for item in tensor.external_data}


def _read_beside(url: str, location: str, limits: StorageLimits, limit_bytes: int) -> bytes:
    beside = _find_beside(url, location)
    try:
        return read_file(beside, limits, limit_bytes=limit_bytes)
    except SourceMissingError:
        raise ModelError(
            f"{url}: some of its weights are in the file {location!r}, which is not beside it: "
            f"{_ADVICE}"
        ) from None


def _find_beside(url: str, location: str) -> str:
    """Return the URL of a file in a model's folder.

    Raises:
        ModelError: the file may be elsewhere, or is hidden.
    """
    parts = location.split("/")
    # Hidden files (`.env`, `.aws/credentials`) hold what is nobody's weights.
    if _NOT_A_NAME.search(location) or any(not part or part.startswith(".") for part in parts):
        raise _refuse(url, location)
    url = _drop_caches(url)
    fs, path = resolve(url)
    if is_local(fs):
        folder = os.path.realpath(os.path.dirname(path))  # noqa: PTH120 - as the file system names it
        real = Path(os.path.realpath(f"{folder}/{location}"))
        if not real.is_relative_to(folder) or any(
            part.startswith(".") for part in real.relative_to(folder).parts
        ):
            raise _refuse(url, location)
        return str(real)
    first, chain, rest = url.partition("::")
    if first.startswith(("http://", "https://")):
        first, location = first.partition("?")[0].partition("#")[0], quote(location)
    return f"{first.rpartition('/')[0]}/{location}{chain}{rest}"


def _drop_caches(url: str) -> str:
    """Drop links without a name from the start of a chain: `simplecache::https://host/x.onnx`."""
    first, _, rest = url.partition("::")
    is_cache = "://" in rest and not first.partition("://")[2] and "/" not in first.rstrip(":/")
    return _drop_caches(rest) if is_cache else url


def _refuse(url: str, location: str) -> ModelError:
    return ModelError(f"{url}: some of its weights are in the file {location!r}: {_ADVICE}")


def _cut(content: bytes, entries: dict[str, str], what: str) -> bytes:
    """Return the part of a file that has a tensor's values."""
    try:
        offset = int(entries.get("offset", 0))
        length = int(entries.get("length", len(content) - offset))
    except ValueError as error:
        raise ModelError(f"{what}: offset and length are not numbers") from error
    if offset < 0 or length < 0 or offset + length > len(content):
        raise ModelError(
            f"{what}: expected bytes {offset} to {offset + length}, but the file has "
            f"{len(content)} bytes: it belongs to another model, or is truncated"
        )
    return content[offset : offset + length]
