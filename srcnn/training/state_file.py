"""Save the training's state atomically, and load it only for the training it belongs to."""

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


def compute_fingerprint(spec: TrainingSpec, pictures: Iterable[Plane]) -> str:
    """Hash what must be the same for a training to resume: anchors, seed and pictures."""
    digest = hashlib.sha256(repr((_VERSION, spec.anchors, spec.seed)).encode())
    for picture in pictures:
        digest.update(repr(picture.shape).encode())
        digest.update(picture.tobytes())
    return digest.hexdigest()


def save_state(file: Path, fingerprint: str, content: dict[str, Any]) -> None:
    """Write the state; if the process is killed, the previous state or this one remains."""
    temporary = file.with_name(f"{file.name}.part")
    with temporary.open("wb") as stream:
        torch.save({"belongs_to": fingerprint, **content}, stream)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)


def load_state(file: Path, fingerprint: str) -> dict[str, Any] | None:
    """Read the state; None if there is none.

    Raises:
        TrainingStateError: it cannot be read, or belongs to another training.
    """
    if not file.exists():
        return None
    try:
        content: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        found = content.pop("belongs_to")
    except Exception as error:  # torch raises many types on damaged pickles and zips
        raise TrainingStateError(
            f"{file}: not a readable training state ({type(error).__name__}); "
            "delete it to start over"
        ) from error
    if found != fingerprint:
        raise TrainingStateError(
            f"{file}: belongs to another training: the pictures, the factors or the seed differ; "
            "delete it to start over, or give another work folder"
        )
    return content
