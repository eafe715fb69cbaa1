"""How a contact sheet looks: tiles in rows, with words below them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from srcnn.text import shorten

Bytes: TypeAlias = npt.NDArray[np.uint8]
Cell: TypeAlias = tuple[Bytes, Bytes, str, str]

TILE_PX = 240  # side of a tile; outputs are shown pixel for pixel
MOST_BYTES = 600_000  # of the JPEG: it travels as text in a page
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


def draw(cells: Sequence[Cell]) -> bytes:
    """One picture of all pairs.

    Args:
        cells: before and after, of one size, at most TILE_PX a side, (H, W, 3) uint8 BGR; name
            of the image; a line about it.

    Returns:
        A JPEG of at most MOST_BYTES, or of the lowest quality that is worth a look.
    """
    across = min(_MOST_ACROSS, len(cells))
    rows = [cells[start : start + across] for start in range(0, len(cells), across)]
    heights = [max(cell[0].shape[0] for cell in row) + _WORDS_PX for row in rows]
    width = across * (_PAIR_PX + _MARGIN_PX) + _MARGIN_PX
    sheet = np.full((_HEAD_PX + _MARGIN_PX + sum(heights), width, 3), _PAPER, np.uint8)
    top = _HEAD_PX
    for row, height in zip(rows, heights, strict=True):
        for number, cell in enumerate(row):
            _place(sheet, cell, top, _MARGIN_PX + number * (_PAIR_PX + _MARGIN_PX))
        top += height
    for number in range(across):
        left = _MARGIN_PX + number * (_PAIR_PX + _MARGIN_PX)
        _write(sheet, "bicubic", left, 0, _PALE_INK)
        _write(sheet, "upscaled", left + TILE_PX + _GAP_PX, 0, _PALE_INK)
    return _encode(sheet)


def _place(sheet: Bytes, cell: Cell, top: int, left: int) -> None:
    before, after, name, about = cell
    height, width = before.shape[:2]
    second = left + TILE_PX + _GAP_PX
    sheet[top : top + height, left : left + width] = before
    sheet[top : top + height, second : second + width] = after
    _write(sheet, shorten(name, _MOST_LETTERS), left, top + height, _INK)
    _write(sheet, about, left, top + height + _BASELINE_PX, _PALE_INK)


def _write(sheet: Bytes, text: str, left: int, top: int, ink: tuple[int, int, int]) -> None:
    # OpenCV 5 carries a font of its own with Latin, Greek, Cyrillic and Chinese letters.
    font = cv2.FontFace("uni")
    cv2.putText(sheet, text, (left, top + _BASELINE_PX), ink, font, _TEXT_PX)


def _encode(sheet: Bytes) -> bytes:
    for quality in (92, 85, 75, 60, 40):
        _, content = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if content.nbytes <= MOST_BYTES:
            break
    return bytes(content.tobytes())
