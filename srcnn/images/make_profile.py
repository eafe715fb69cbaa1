"""Make ICC profiles of colours that a file describes by numbers: primaries, white and a curve.

Version 4.3 (ICC.1:2010): https://www.color.org/specification/ICC1v43_2010-12.pdf
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

_D50 = (0.9642, 1.0, 0.8249)  # section 7.2.16
# Bradford's cones: section E.2.
_CONES = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_HEADER = struct.Struct(">I4xI4s4s4s6H4s28x3i48x")  # section 7.2
_DATE = (2026, 1, 1, 0, 0, 0)  # the same bytes for the same colours
_VERSION = 0x0430_0000
# Sections 10.15, type 3: IEC 61966-2-1.
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_LARGEST_GAMMA, _LARGEST_COLORANT, _SMALLEST_VOLUME = 10.0, 4.0, 1e-4


class Colours(NamedTuple):
    """What samples mean.

    Attributes:
        primaries: x and y (CIE 1931) of white, red, green and blue.
        gamma: exponent from samples to light; None for sRGB's curve.
    """

    primaries: tuple[float, ...]
    gamma: float | None = None

    def is_plausible(self) -> bool:
        """Whether they are colours that a profile can describe."""
        if self.gamma is not None and not 1 / _LARGEST_GAMMA <= self.gamma <= _LARGEST_GAMMA:
            return False
        corners = np.array(self.primaries[2:]).reshape(3, 2)
        volume = np.linalg.det(np.hstack([corners, np.ones((3, 1))]))
        if abs(volume) < _SMALLEST_VOLUME or min(self.primaries[1::2]) <= 0:
            return False
        return bool(np.abs(_find_colorants(self.primaries)[0]).max() < _LARGEST_COLORANT)


def make_profile(colours: Colours, *, grey: bool) -> bytes:
    """Make a profile for a display.

    Args:
        colours: plausible ones.
        grey: for grey pixels; the primaries do not matter then.
    """
    colorants, adaptation = _find_colorants(colours.primaries)
    curve = _make_curve(colours.gamma)
    tags = {
        b"desc": _make_text("Colours of the source" if not grey else "Greys of the source"),
        b"cprt": _make_text("No copyright"),
        b"wtpt": b"XYZ \0\0\0\0" + _fix(_D50),
        b"chad": b"sf32\0\0\0\0" + _fix(adaptation.ravel()),
    }
    if grey:
        tags[b"kTRC"] = curve
    else:
        for name, values in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants.T, strict=True):
            tags[name] = b"XYZ \0\0\0\0" + _fix(values)
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    return _join(tags, b"GRAY" if grey else b"RGB ")


def _find_colorants(
    primaries: Sequence[float],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the primaries' XYZ as columns, and the matrix that adapts white, both to D50."""
    white, *corners = (
        np.array([x / y, 1, (1 - x - y) / y])
        for x, y in zip(primaries[::2], primaries[1::2], strict=True)
    )
    matrix = np.column_stack(corners)
    light = matrix * np.linalg.solve(matrix, white)
    gains = (_CONES @ _D50) / (_CONES @ white)
    adaptation: npt.NDArray[np.float64] = np.linalg.inv(_CONES) @ np.diag(gains) @ _CONES
    return adaptation @ light, adaptation


def _make_curve(gamma: float | None) -> bytes:
    kind, numbers = (3, _SRGB_CURVE) if gamma is None else (0, (gamma,))
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + _fix(numbers)


def _fix(values: Any) -> bytes:
    """Write s15Fixed16 numbers."""
    return b"".join(struct.pack(">i", round(float(value) * 65_536)) for value in values)


def _make_text(text: str) -> bytes:
    """Write a multi-localized text: section 10.13."""
    encoded = text.encode("utf-16-be")
    head = struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(encoded), 28)
    return b"mluc\0\0\0\0" + head + encoded


def _join(tags: dict[bytes, bytes], space: bytes) -> bytes:
    at = _HEADER.size + 4 + 12 * len(tags)
    table, bodies = [struct.pack(">I", len(tags))], []
    for name, tag in tags.items():
        body = tag + bytes(-len(tag) % 4)
        table.append(name + struct.pack(">II", at, len(tag)))
        bodies.append(body)
        at += len(body)
    white = [round(value * 65_536) for value in _D50]
    header = _HEADER.pack(at, _VERSION, b"mntr", space, b"XYZ ", *_DATE, b"acsp", *white)
    return b"".join([header, *table, *bodies])
