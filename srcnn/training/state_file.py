"""The training's state on disk: whole or not at all, and only for the training it belongs to."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from srcnn.errors import TrainingStateError
from srcnn.training.patches import Plane
from srcnn.training.training_spec import TrainingSpec

_VERSION = 1


def fingerprint(spec: TrainingSpec, pictures: Iterable[Plane]) -> str:
    """A digest of what a training must keep to go on: anchors, seed and pictures."""
    digest = hashlib.sha256(repr((_VERSION, spec.anchors, spec.seed)).encode())
    for picture in pictures:
        digest.update(repr(picture.shape).encode())
        digest.update(picture.tobytes())
    return digest.hexdigest()


def save_state(file: Path, belongs_to: str, content: dict[str, Any]) -> None:
    """Write the state; a kill at any time leaves the one before or this one."""
    temporary = file.with_name(f"{file.name}.part")
    with temporary.open("wb") as stream:
        torch.save({"belongs_to": belongs_to, **content}, stream)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)


def load_state(file: Path, belongs_to: str) -> dict[str, Any] | None:
    """Read the state; None where there is none.

    Raises:
        TrainingStateError: it cannot be read, or belongs to another training.
    """
    if not file.exists():
        return None
    try:
        content: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        found = content.pop("belongs_to")
    except Exception as error:  # torch raises half a dozen types, as pickles and zips go wrong
        raise TrainingStateError(
            f"{file}: no state of a training ({type(error).__name__}); delete it to start anew"
        ) from error
    if found != belongs_to:
        raise TrainingStateError(
            f"{file}: of another training: the pictures, the factors or the seed have changed; "
            "delete it to start anew, or name another work folder"
        )
    return content
