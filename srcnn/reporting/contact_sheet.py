"""The contact sheet of a run: its samples before and after, side by side in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from srcnn.printable_text import shorten
from srcnn.reporting.before_after_samples import TILE_PX, Sample
from srcnn.reporting.jpeg import encode_jpeg

Bytes: TypeAlias = npt.NDArray[np.uint8]

MOST_BYTES = 600_000  # of the JPEG
_GAP_PX = 4  # between the two of a pair
_MARGIN_PX = 20
_WORDS_PX = 48  # below a pair
_HEAD_PX = 26
_PAIR_PX = 2 * TILE_PX + _GAP_PX
_MOST_ACROSS = 2
_PAPER = 250
_INK = (40, 40, 40)
_PALE_INK = (120, 120, 120)
_TEXT_PX = 14
_MOST_LETTERS = 60
_BASELINE_PX = 18


def draw_contact_sheet(samples: Sequence[Sample]) -> bytes:
    """Draw one picture of all samples: tiles in rows, with words below them.

    Args:
        samples: one or more.

    Returns:
        A JPEG of at most MOST_BYTES, or of the lowest quality that is worth a look.
    """
    across = min(_MOST_ACROSS, len(samples))
    rows = [samples[start : start + across] for start in range(0, len(samples), across)]
    heights = [max(sample.tile.before.shape[0] for sample in row) + _WORDS_PX for row in rows]
    width = across * (_PAIR_PX + _MARGIN_PX) + _MARGIN_PX
    sheet = np.full((_HEAD_PX + _MARGIN_PX + sum(heights), width, 3), _PAPER, np.uint8)
    top = _HEAD_PX
    for row, height in zip(rows, heights, strict=True):
        for number, sample in enumerate(row):
            _place(sheet, sample, top, _MARGIN_PX + number * (_PAIR_PX + _MARGIN_PX))
        top += height
    for number in range(across):
        left = _MARGIN_PX + number * (_PAIR_PX + _MARGIN_PX)
        _write(sheet, "bicubic", left, 0, _PALE_INK)
        _write(sheet, "upscaled", left + TILE_PX + _GAP_PX, 0, _PALE_INK)
    return encode_jpeg(sheet, MOST_BYTES)


def _place(sheet: Bytes, sample: Sample, top: int, left: int) -> None:
    before, after = sample.tile.before, sample.tile.after
    height, width = before.shape[:2]
    second = left + TILE_PX + _GAP_PX
    sheet[top : top + height, left : left + width] = before
    sheet[top : top + height, second : second + width] = after
    _write(sheet, shorten(sample.name, _MOST_LETTERS), left, top + height, _INK)
    _write(sheet, sample.about, left, top + height + _BASELINE_PX, _PALE_INK)


def _write(sheet: Bytes, text: str, left: int, top: int, ink: tuple[int, int, int]) -> None:
    # OpenCV 5 carries a font of its own with Latin, Greek, Cyrillic and Chinese letters.
    font = cv2.FontFace("uni")
    cv2.putText(sheet, text, (left, top + _BASELINE_PX), ink, font, _TEXT_PX)
