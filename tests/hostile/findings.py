"""What is wrong with a run over mutated files: the promises that it broke."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from srcnn import errors
from tests.hostile.mutations import Mutant
from tests.hostile.watched_run import WatchedRun

# The pictures have some hundred pixels a side at the most, and the limits of the run are low.
PEAK_LIMIT_BYTES = 1_500_000_000
IMAGE_LIMIT_SECONDS = 30
_MESSAGE_LIMIT = 600
# What an image may fail with: a true reason. `InferenceFailed` would be a fault of the engine.
_REASONS = {
    kind.__name__.removesuffix("Error")
    for kind in (
        errors.DamagedImageError,
        errors.ImageTooLargeError,
        errors.UnreachableTargetError,
        errors.UnsupportedImageError,
    )
}


@dataclass(frozen=True)
class Finding:
    """A broken promise.

    Attributes:
        name: of the file; empty for one of the whole run.
        what: in a sentence.
    """

    name: str
    what: str


@dataclass(frozen=True)
class Entry:
    """A file of a round.

    Attributes:
        seed: the name of the sound file that it was made from.
        mutant: what it was made to.
    """

    seed: str
    mutant: Mutant


def find_run_findings(run: WatchedRun, requested: int) -> Iterator[Finding]:
    """Yield what is wrong with the run as a whole; without a report nothing else can be asked.

    Args:
        run: that ended.
        requested: how many files it was given.
    """
    if run.status not in (0, 1) or run.report is None:
        yield Finding("", f"the run ended with status {run.status}: {run.output[-2000:]}")
        return
    if "Traceback" in run.output:
        yield Finding("", f"a traceback: {run.output[-2000:]}")
    if run.peak_bytes > PEAK_LIMIT_BYTES:
        yield Finding("", f"the run took {run.peak_bytes:,} bytes of memory")
    if run.report["counts"]["requested"] != requested:
        yield Finding("", f"{requested} files were given, and {run.report['counts']} reported")


def find_image_findings(
    image: Mapping[str, Any], entry: Entry, outputs: Path, sound: Mapping[str, Path]
) -> Iterator[Finding]:
    """Yield what is wrong with what became of one file.

    Args:
        image: its part of the report.
        entry: the file.
        outputs: the destination's folder.
        sound: results of the sound files, by name.
    """
    name, error = image["source"], image["error"]
    if image["seconds"] > IMAGE_LIMIT_SECONDS:
        yield Finding(name, f"it took {image['seconds']} seconds")
    if error is None:
        yield from _find_output_findings(name, outputs / image["output"], image["size_out"])
        whole = sound.get(entry.seed)
        # The name decides the format: pixels of another one differ for that reason.
        if whole and entry.mutant.kinds == ("truncate",) and whole.suffix == Path(name).suffix:
            yield from _find_lost_pixels(name, outputs / image["output"], whole)
        return
    message = error["message"]
    if error["type"] not in _REASONS:
        yield Finding(name, f"it failed with {error['type']}: {message}")
    if not message.isprintable() or " at 0x" in message or len(message) > _MESSAGE_LIMIT:
        yield Finding(name, f"its reason is no plain sentence: {message!r}")


def _find_output_findings(name: str, output: Path, size: list[int]) -> Iterator[Finding]:
    try:
        with Image.open(output) as image:
            image.load()
            found = [image.height, image.width]
    except Exception as error:  # noqa: BLE001 - Pillow raises many types; each is a finding
        yield Finding(name, f"its output cannot be read: {error!r}")
        return
    if found != size:
        yield Finding(name, f"its output has {found}, and the report says {size}")


def _find_lost_pixels(name: str, output: Path, sound: Path) -> Iterator[Finding]:
    """A file that lost its end and is written all the same must have lost no pixel."""
    found, whole = (cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in (output, sound))
    if found is None or whole is None or not np.array_equal(found, whole):
        yield Finding(name, "a truncated file became a picture that is not the whole one's")
