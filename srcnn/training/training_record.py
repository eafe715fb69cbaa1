"""The JSON files in a training's work folder. Imports no torch.

The attributes are the names in the files, which later versions must be able to read.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from pydantic import FiniteFloat, TypeAdapter

from srcnn.graphs.graph_format import CLEAN
from srcnn.quality.conditions import Condition
from srcnn.storage.file_table import FileInfo

_FORMER_NAMES = {"told": "verdict"}  # of fields in files that earlier versions wrote


@dataclass(frozen=True)
class Identity:
    """What identifies a training; its length, device and destination may change.

    Attributes:
        src: source of the pictures: an absolute path, or a URL.
        include: globs.
        exclude: globs.
        validation: share of the pictures that is held out.
        factors: the anchors above 1.
        seed: of all random numbers.
        start: the initial weights, in words.
        qualities: the anchors that are trained; earlier versions had one.
    """

    src: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    validation: float
    factors: tuple[float, ...]
    seed: int
    start: str
    qualities: tuple[float, ...] = (CLEAN,)

    @property
    def name(self) -> str:
        """A short name for a folder, unique to this identity."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:12]

    def differences(self, other: Identity) -> list[str]:
        """List the names of the attributes that differ."""
        names = (field.name for field in fields(self))
        return [name for name in names if getattr(self, name) != getattr(other, name)]


@dataclass(frozen=True)
class TrainingRecord:
    """The content of `training.json`: what a training works on.

    Attributes:
        identity: of the training.
        taken: the file of each picture, by its key.
        started_from: the initial model, in words, for the card.
        not_taken: keys of the other pictures that were there; earlier versions had none.
    """

    identity: Identity
    taken: dict[str, FileInfo]
    started_from: str
    not_taken: tuple[str, ...] = ()

    @classmethod
    def parse(cls, content: dict[str, Any]) -> TrainingRecord:
        """Parse the JSON of a record.

        Raises:
            ValueError: it is not one.
        """
        return _RECORDS.validate_python(content)


@dataclass(frozen=True)
class _Line:
    step: int
    seconds: FiniteFloat
    gains: dict[str, FiniteFloat]


@dataclass(frozen=True)
class Point:
    """The result of a validation: a line of `gains.jsonl`.

    Attributes:
        step: number of steps until then.
        seconds: of training until then, over all starts.
        gains: PSNR over bicubic in dB, by condition.
    """

    step: int
    seconds: float
    gains: dict[Condition, float]

    @classmethod
    def parse(cls, content: dict[str, Any]) -> Point:
        """Parse the JSON of a validation.

        Raises:
            ValueError: it is not one.
        """
        line = _POINTS.validate_python(content)
        gains = {Condition.parse(text): gain for text, gain in line.gains.items()}
        return cls(line.step, line.seconds, gains)

    @property
    def content(self) -> dict[str, Any]:
        """The JSON of the validation."""
        gains = {condition.text: gain for condition, gain in self.gains.items()}
        return {"step": self.step, "seconds": self.seconds, "gains": gains}


@dataclass(frozen=True)
class Result:
    """The content of `result.json`: the outcome of a training.

    Attributes:
        steps: number of steps.
        hours: of training, over all starts.
        dst: destination of the current model that it was compared with.
        promoted: whether it replaced the current model.
        verdict: in one line.
        checkpoint: name of the file with the trained weights.
    """

    steps: int
    hours: FiniteFloat
    dst: str
    promoted: bool
    verdict: str
    checkpoint: str

    @classmethod
    def parse(cls, content: dict[str, Any]) -> Result:
        """Parse the JSON of a result, by this version or an earlier one.

        Raises:
            ValueError: it is not one.
        """
        return _RESULTS.validate_python(
            {_FORMER_NAMES.get(name, name): value for name, value in content.items()}
        )


_RECORDS, _POINTS, _RESULTS = TypeAdapter(TrainingRecord), TypeAdapter(_Line), TypeAdapter(Result)
