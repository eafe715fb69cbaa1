"""Save the training's state atomically, and load it only for the training it belongs to."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from srcnn.errors import TrainingStateError, UnusableFileError
from srcnn.storage.plain_files import open_plain, refuse_special
from srcnn.training.patches import Plane
from srcnn.training.training_spec import TrainingSpec

# Counts the forms of the network that a state has the weights of. The first had no number.
_FORM = 3


def compute_fingerprint(spec: TrainingSpec, pictures: Iterable[Plane]) -> str:
    """Hash what must be the same for a training to resume: anchors, seed and pictures."""
    same = (spec.anchors, spec.qualities, spec.keeps_clean, spec.seed)
    digest = hashlib.sha256(repr(same).encode())
    for picture in pictures:
        digest.update(repr(picture.shape).encode())
        digest.update(picture.tobytes())
    return digest.hexdigest()


def save_state(file: Path, fingerprint: str, content: dict[str, Any]) -> None:
    """Write the state; if the process is killed, the previous state or this one remains."""
    temporary = file.with_name(f"{file.name}.part")
    refuse_special(file)
    temporary.unlink(missing_ok=True)  # whatever it is: opening a FIFO would wait for a reader
    with temporary.open("xb") as stream:
        torch.save({"form": _FORM, "belongs_to": fingerprint, **content}, stream)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)


def load_state(file: Path, fingerprint: str) -> dict[str, Any] | None:
    """Read the state; None if there is none.

    Raises:
        TrainingStateError: it cannot be read, or belongs to another training or version.
    """
    if not file.exists():
        return None
    try:
        with open_plain(file) as stream:
            content: dict[str, Any] = torch.load(stream, map_location="cpu", weights_only=True)
        form, found = content.pop("form", 1), content.pop("belongs_to")
    except UnusableFileError:
        raise
    except Exception as error:  # torch raises many types on damaged pickles and zips
        raise TrainingStateError(
            f"{file}: not a readable training state ({type(error).__name__}); "
            "give --restart to start over"
        ) from error
    if form != _FORM:
        raise TrainingStateError(
            f"{file}: a training of another version, whose network has another form, cannot be "
            "resumed: give --restart to start over, or --work another folder"
        )
    if found != fingerprint:
        raise TrainingStateError(
            f"{file}: belongs to another training: pictures, factors, qualities or seed differ; "
            "give --restart to start over, or --work another folder"
        )
    return content
