"""Read the weights of a checkpoint from any trainer, or report exactly what does not fit."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from pydantic import ValidationError

from srcnn.errors import CheckpointError
from srcnn.export.checkpoint_shapes import list_problems, list_wanted_shapes
from srcnn.export.refused_checkpoint import explain_refusal
from srcnn.model.card import TrainingCard
from srcnn.storage.download import CHECKPOINT_LIMIT_BYTES
from srcnn.validation_errors import describe_validation

# Keys under which trainers store the weights, most specific first (MMEditing, BasicSR, Lightning).
_NESTS = ("state_dict", "model_state_dict", "params_ema", "params", "model", "network", "net")
# Prefixes that wrappers put before the names (MMEditing, DataParallel, Lightning).
_PREFIXES = ("generator.", "module.", "model.", "network.", "net.")
_IN_SEQUENTIAL = re.compile(r"([0-9]{1,6})\.(weight|bias)")
_EXPECTED = "expected SRCNN 9-1-5 with three channels, or one for luma, and no normalisation"


def read_weights(content: bytes, name: str) -> dict[str, torch.Tensor]:
    """Read the weights of a checkpoint, with the names and shapes of `Srcnn` or `SrcnnBank`.

    Args:
        content: of the file, as written by `torch.save`. It is read with `weights_only=True`,
            so that no code in it runs.
        name: of the file, used in error messages.

    Returns:
        float32 tensors by parameter name. For a bank, `anchors` (K,) is added, and each of the
        other tensors has a leading axis K, as `SrcnnBank` expects. If it follows the quality,
        `qualities` (M,) is added, and the other tensors have two leading axes, K and M.

    Raises:
        CheckpointError: it is not a checkpoint, contains more than weights, or does not fit. The
            message names every missing and unexpected key, and every wrong shape.
    """
    found, names = _name_parameters(_unpack(_load(content, name)), name)
    wanted = list_wanted_shapes(found)
    problems = list_problems(found, wanted, names)
    if problems:
        raise CheckpointError(f"{name} does not fit, {_EXPECTED}: {'; '.join(problems)}")
    return {key: found[key].to(torch.float32) for key in wanted}


def read_training(content: bytes, name: str) -> TrainingCard | None:
    """Read how a checkpoint was trained: the entry `training` of its `meta`; None if absent.

    Args:
        content: of the file, as for `read_weights`.
        name: of the file, used in error messages.

    Raises:
        CheckpointError: it is not a checkpoint, or the entry cannot be read.
    """
    loaded = _load(content, name)
    meta = loaded.get("meta") if isinstance(loaded, dict) else None
    training = meta.get("training") if isinstance(meta, dict) else None
    if training is None:
        return None
    try:
        return TrainingCard.model_validate(training)
    except ValidationError as error:
        raise CheckpointError(
            f"{name}: cannot be read: {describe_validation(error, _name_field)}; save what "
            "srcnn.model.card.TrainingCard has, or leave meta.training out"
        ) from error


def _name_field(path: Sequence[str]) -> str:
    return ".".join(("meta", "training", *path))


def _load(content: bytes, name: str) -> Any:
    _check_unpacked_size(content, name)
    try:
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many types, of pickle and of zip
        raise CheckpointError(
            f"{name} ({len(content)} bytes) is not a checkpoint that can be read safely, with "
            f"torch.load(weights_only=True): {explain_refusal(content, error)}"
        ) from error


def _check_unpacked_size(content: bytes, name: str) -> None:
    """Refuse an archive that is small as a file and huge in memory.

    Raises:
        CheckpointError: it is that.
    """
    file = io.BytesIO(content)
    if not zipfile.is_zipfile(file):
        return
    try:
        with zipfile.ZipFile(file) as archive:
            unpacked_bytes = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return  # `torch.load` says what is wrong
    if unpacked_bytes > CHECKPOINT_LIMIT_BYTES:
        raise CheckpointError(
            f"{name} ({len(content)} bytes) unpacks to {unpacked_bytes:,} bytes, expected up to "
            f"{CHECKPOINT_LIMIT_BYTES:,}: save only the state_dict"
        )


def _unpack(loaded: Any) -> Any:
    """Unpack the dictionaries that trainers put around the weights."""
    for _ in _NESTS:  # a file may have a dictionary that contains itself
        if not isinstance(loaded, dict):
            break
        inner = next((loaded[nest] for nest in _NESTS if isinstance(loaded.get(nest), dict)), None)
        if inner is None:
            break
        loaded = inner
    return loaded


def _name_parameters(loaded: Any, name: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Name the values of a file as our networks do.

    Returns:
        The values by parameter name, and the file's own name of each.
    """
    if not isinstance(loaded, dict):
        raise CheckpointError(
            f"{name} contains a {type(loaded).__name__}, {_EXPECTED}: save its state_dict"
        )
    short = {str(key): _strip_prefix(str(key)) for key in loaded}
    numbers = _number_layers(short.values())
    found: dict[str, Any] = {}
    names: dict[str, str] = {}
    for key, value in loaded.items():
        parameter = _rename_layer(short[str(key)], numbers)
        if parameter in found:
            raise CheckpointError(
                f"{name} contains {parameter} twice ({names[parameter]} and {key}): save one "
                "network's state_dict"
            )
        found[parameter], names[parameter] = value, str(key)
    return found, names


def _strip_prefix(key: str) -> str:
    """Remove the prefixes of wrappers from a key."""
    while prefix := next((known for known in _PREFIXES if key.startswith(known)), ""):
        key = key.removeprefix(prefix)
    return key


def _number_layers(keys: Iterable[str]) -> dict[str, str]:
    """Return our name of each layer of an `nn.Sequential`, which names them by numbers."""
    parts = [_IN_SEQUENTIAL.fullmatch(key) for key in keys]
    if not parts or not all(parts):
        return {}
    layers = sorted({part[1] for part in parts if part}, key=int)
    return {layer: f"conv{number}" for number, layer in enumerate(layers, 1)}


def _rename_layer(key: str, numbers: Mapping[str, str]) -> str:
    layer, _, parameter = key.partition(".")
    return f"{numbers[layer]}.{parameter}" if layer in numbers else key
