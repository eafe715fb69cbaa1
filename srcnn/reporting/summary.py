"""The numbers of a run, bounded in length however many images it had."""

from __future__ import annotations

import heapq
import posixpath
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from srcnn.image_task import ImageResult
from srcnn.printable_text import shorten
from srcnn.reporting.report import Report

_MOST_SLOWEST = 10
_MOST_REASONS = 15
_MOST_EXAMPLES = 20
_LONGEST_MESSAGE = 300
# What differs between two failures of one kind, besides paths: quoted words, digests, numbers.
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_NUMBER = re.compile(r"\b[0-9a-f]{12,}\b|\d+(?:\.\d+)?")


@dataclass
class FailureReason:
    """Failures of one kind.

    Attributes:
        type: the error's class.
        known: whether they were accepted before the run.
        message: its text, with names as `…` and numbers as `N`.
        first: the text of the first one, as it was.
        count: of the images.
        examples: a few of them, by their keys in the source.
    """

    type: str
    message: str
    known: bool
    first: str
    count: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text that stands for all of them."""
        return self.first if self.count == 1 else self.message


@dataclass(frozen=True)
class Summary:
    """The numbers of a run.

    Attributes:
        dry_run: nothing was written; `written` stands for what would be.
        counts: requested, written, skipped, failed; as in the report.
        not_attempted: of the failed ones, those that were never begun, or were dropped.
        megapixels: written.
        seconds: the run took.
        known: of the failed ones, those whose failure was accepted before the run.
        slowest: the images that took longest, the longest first; a few.
        reasons: of failures, new ones first, then the most frequent; a few.
        other_failures: images that failed for other reasons.
        notes: what was done to the colours of written images, and to how many.
    """

    dry_run: bool
    counts: dict[str, int]
    not_attempted: int
    known: int
    megapixels: float
    seconds: float
    slowest: list[ImageResult]
    reasons: list[FailureReason]
    other_failures: int
    notes: dict[str, int] = field(default_factory=dict)

    @property
    def new_failures(self) -> int:
        """Images that failed, and nobody has accepted that."""
        return self.counts["failed"] - self.known

    @property
    def megapixels_per_second(self) -> float:
        """Written, over the whole time of the run; 0 for a run that wrote nothing."""
        return self.megapixels / self.seconds if self.seconds > 0 and not self.dry_run else 0.0

    @property
    def note_lines(self) -> list[str]:
        """The notes, a line each."""
        return [f"{count_images(count)}: {note}" for note, count in self.notes.items()]

    @property
    def text(self) -> str:
        """One line for a log."""
        counts = self.counts
        written = "would be written" if self.dry_run else "written"
        some = {"known": self.known, "not attempted": self.not_attempted}
        parts = [f"{count} of them {name}" for name, count in some.items() if count]
        of_them = f" ({', '.join(parts)})" if parts else ""
        return (
            f"{count_images(counts['requested'])}: {counts['written']} {written} "
            f"({self.megapixels:.1f} Mpx), {counts['skipped']} skipped, "
            f"{counts['failed']} failed{of_them}, in {self.seconds:.1f} s"
        )


def summarize(report: Report) -> Summary:
    """Summarize a run.

    Args:
        report: of the run.
    """
    reasons = group_failures(report.images.others)
    shown = reasons[:_MOST_REASONS]
    written = (
        image for image in report.images.others if image.status == "written" and image.seconds > 0
    )
    return Summary(
        dry_run=bool(report.options.get("dry_run")),
        counts=report.counts,
        not_attempted=report.not_attempted,
        known=report.known,
        megapixels=report.megapixels,
        seconds=report.seconds,
        slowest=heapq.nlargest(_MOST_SLOWEST, written, key=lambda image: image.seconds),
        reasons=shown,
        other_failures=sum(reason.count for reason in reasons[len(shown) :]),
        notes=_count_notes(report.images.others),
    )


def count_images(count: int) -> str:
    """Return a number of images in words, such as `1 image`.

    Args:
        count: of images.
    """
    return f"{count} image" if count == 1 else f"{count} images"


def _count_notes(images: Iterable[ImageResult]) -> dict[str, int]:
    """Count the notes of images written, the most frequent first; there are few of them in all."""
    written = (image for image in images if image.status == "written")
    return dict(Counter(note for image in written for note in image.notes).most_common())


def group_failures(images: Iterable[ImageResult]) -> list[FailureReason]:
    """Group failures by reason, without images not attempted.

    New ones come first, then the most frequent.

    Args:
        images: of a run.
    """
    found: dict[tuple[str, str, bool], FailureReason] = {}
    for image in images:
        if image.error is None or image.not_attempted:
            continue
        kind = (image.error.type, _generalize(image.error.message, image), image.known)
        reason = found.setdefault(
            kind, FailureReason(*kind, shorten(image.error.message, _LONGEST_MESSAGE))
        )
        reason.count += 1
        if len(reason.examples) < _MOST_EXAMPLES:
            reason.examples.append(image.source)
    return sorted(found.values(), key=_order)


def _order(reason: FailureReason) -> tuple[bool, int, str, str]:
    return (reason.known, -reason.count, reason.type, reason.message)


def _generalize(message: str, image: ImageResult) -> str:
    """Return a message without what is specific to its image."""
    text = message[: 2 * _LONGEST_MESSAGE]
    names = {image.source, image.output or "", posixpath.basename(image.source)} - {""}
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, "…") if len(name) > 2 else text  # noqa: PLR2004 - "a" is everywhere
    words = ("…" if "/" in word else word for word in _QUOTED.sub("…", text).split())
    return shorten(_NUMBER.sub("N", " ".join(words)), _LONGEST_MESSAGE)
