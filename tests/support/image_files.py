"""Image files, made part by part."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

Y, X = np.mgrid[:40, :56]
PHOTO = (np.dstack([4 * X, 5 * Y, 2 * X + 3 * Y]) % 256).astype(np.uint8)


def save(form: str, mode: str = "RGB", **options: Any) -> bytes:
    """Save a picture of 56x40 px with Pillow."""
    file = io.BytesIO()
    Image.fromarray(PHOTO).convert(mode).save(file, form, **options)
    return file.getvalue()


def chunk(kind: bytes, body: bytes, *, sound: bool = True) -> bytes:
    """Make a chunk of a PNG, with a right or a wrong checksum."""
    checksum = zlib.crc32(kind + body) ^ (0 if sound else 1)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def segment(kind: int, body: bytes) -> bytes:
    """Make a segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, kind, len(body) + 2) + body
