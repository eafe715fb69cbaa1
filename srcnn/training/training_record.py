"""What a training's folder remembers beside the weights, as JSON. Imports no torch."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from srcnn.storage.listing import FileInfo


@dataclass(frozen=True)
class Identity:
    """What makes a training that one and no other; its length, device and destination do not.

    Attributes:
        src: where the pictures are: an absolute path, or an URL.
        include: globs.
        exclude: globs.
        validation: share that is held out.
        factors: the anchors above 1.
        seed: of everything random.
        start: what it begins from.
    """

    src: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    validation: float
    factors: tuple[float, ...]
    seed: int
    start: str

    @property
    def name(self) -> str:
        """A short name for a folder."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:12]

    def differences(self, other: Identity) -> list[str]:
        """Names of what differs."""
        names = (field.name for field in fields(self))
        return [name for name in names if getattr(self, name) != getattr(other, name)]


@dataclass(frozen=True)
class Record:
    """What a training works on.

    Attributes:
        identity: see there.
        taken: the file of each picture.
        started_from: the model that it began from, for its card.
    """

    identity: Identity
    taken: dict[str, FileInfo]
    started_from: str

    @classmethod
    def of(cls, content: dict[str, Any]) -> Record:
        """Read what `asdict` gave."""
        identity: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in content["identity"].items()
        }
        taken = {key: FileInfo(**info) for key, info in content["taken"].items()}
        return cls(Identity(**identity), taken, content["started_from"])


@dataclass(frozen=True)
class Point:
    """A validation, as told and drawn.

    Attributes:
        step: done by then.
        seconds: of training by then, over all starts.
        gains: PSNR over bicubic in dB, by factor.
    """

    step: int
    seconds: float
    gains: dict[float, float]

    @classmethod
    def of(cls, content: dict[str, Any]) -> Point:
        """Read what `asdict` gave; JSON knows texts as keys alone."""
        gains = {float(factor): gain for factor, gain in content["gains"].items()}
        return cls(content["step"], content["seconds"], gains)


@dataclass(frozen=True)
class Result:
    """What came of a training.

    Attributes:
        steps: that were done.
        hours: of training, over all starts.
        dst: where the model was compared with the current one.
        promoted: whether it took its place.
        told: the verdict, in a line.
        checkpoint: name of the trained weights' file.
    """

    steps: int
    hours: float
    dst: str
    promoted: bool
    told: str
    checkpoint: str
