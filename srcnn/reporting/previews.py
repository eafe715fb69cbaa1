"""Samples as JPEG, before and after, for the page of a run; bounded in bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from srcnn.reporting.before_after_samples import Sample
from srcnn.reporting.jpeg import encode_jpeg

MOST_BYTES = 4_000_000  # of all previews of a page


@dataclass(frozen=True)
class Preview:
    """A sample, encoded.

    Attributes:
        name: of the image, in a visible line.
        about: factor, quality and sizes, in a line.
        width: of both pictures, in pixels.
        height: of both pictures, in pixels.
        before: the source, enlarged by bicubic interpolation; a JPEG.
        after: the output; a JPEG.
    """

    name: str
    about: str
    width: int
    height: int
    before: bytes
    after: bytes


def encode_previews(samples: Sequence[Sample]) -> list[Preview]:
    """Encode samples, MOST_BYTES in all; those that do not fit are left out.

    Args:
        samples: of a run.
    """
    most_bytes = MOST_BYTES // max(1, 2 * len(samples))
    previews = [_encode(sample, most_bytes) for sample in samples]
    return [each for each in previews if max(len(each.before), len(each.after)) <= most_bytes]


def _encode(sample: Sample, most_bytes: int) -> Preview:
    before, after = sample.view.before, sample.view.after
    height, width = after.shape[:2]
    encoded = [encode_jpeg(picture, most_bytes) for picture in (before, after)]
    return Preview(sample.name, sample.about, width, height, *encoded)
