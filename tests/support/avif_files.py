"""AVIF files, made item by item: the coded pixels are those of files that Pillow writes."""

from __future__ import annotations

import io
import struct
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

EXIF = b"\0\0\0\6Exif\0\0II*\0" + struct.pack("<IHHHIII", 8, 1, 0x0131, 2, 4, 0x00636261, 0)


class Item(NamedTuple):
    """An item of a file, with the properties that belong to it."""

    kind: bytes
    content: bytes
    properties: tuple[bytes, ...] = ()
    reference: bytes = b""


def box(kind: bytes, content: bytes) -> bytes:
    """Make a box."""
    return struct.pack(">I", 8 + len(content)) + kind + content


def full_box(kind: bytes, content: bytes) -> bytes:
    """Make a box of version 0."""
    return box(kind, bytes(4) + content)


def find_box(data: bytes, kind: bytes) -> bytes:
    """Return a whole box."""
    at = data.index(kind) - 4
    return data[at : at + int.from_bytes(data[at : at + 4])]


def tile(pixels: Any, **options: Any) -> Item:
    """Encode pixels as the item of a single picture."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "AVIF", **options)
    data = file.getvalue()
    places = find_box(data, b"iloc")
    offset, length = struct.unpack(">II", places[-8:])  # of the last item, the pixels
    kinds = (b"ispe", b"pixi", b"av1C", b"colr")
    properties = tuple(find_box(data, kind) for kind in kinds)
    return Item(b"av01", data[offset : offset + length], properties)


def grid(tiles: list[Item], columns: int, rows: int, width: int, height: int) -> list[Item]:
    """Join tiles into a picture."""
    body = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)
    numbers = struct.pack(f">HH{len(tiles)}H", 1, len(tiles), *range(2, 2 + len(tiles)))
    size = full_box(b"ispe", struct.pack(">II", width, height))
    whole = Item(b"grid", body, (size, *tiles[0].properties[1:]), box(b"dimg", numbers))
    return [whole, *tiles]


def exif_of(number: int) -> Item:
    """Make the EXIF of an item."""
    return Item(b"Exif", EXIF, (), box(b"cdsc", struct.pack(">HHH", number, 1, 1)))


def join(items: list[Item], order: list[int], *, before: bytes = b"") -> bytes:
    """Make a file.

    Args:
        items: the first is the picture.
        order: of their contents in the file.
        before: boxes between the file's type and its directory.
    """
    kind = box(b"ftyp", b"avif" + bytes(4) + b"avifmif1miaf") + before
    # Its length does not depend on the places in it.
    start = len(kind) + len(_make_directory(items, [0] * len(items))) + 8
    places = [0] * len(items)
    for index in order:
        places[index] = start
        start += len(items[index].content)
    content = b"".join(items[index].content for index in order)
    return kind + _make_directory(items, places) + box(b"mdat", content)


def _make_directory(items: list[Item], places: list[int]) -> bytes:
    infos, locations, links, properties, uses = b"", b"", b"", b"", b""
    count = used = 0
    for number, (item, place) in enumerate(zip(items, places, strict=True), 1):
        body = struct.pack(">HH4sB", number, 0, item.kind, 0)
        infos += box(b"infe", b"\2\0\0\0" + body)
        locations += struct.pack(">HHHII", number, 0, 1, place, len(item.content))
        links += item.reference
        properties += b"".join(item.properties)
        if item.properties:
            used += 1
            uses += struct.pack(">HB", number, len(item.properties))
            uses += bytes(count + 1 + index for index in range(len(item.properties)))
            count += len(item.properties)
    total = struct.pack(">H", len(items))
    return full_box(
        b"meta",
        full_box(b"hdlr", bytes(4) + b"pict" + bytes(13))
        + full_box(b"pitm", b"\0\1")
        + full_box(b"iloc", b"\x44\0" + total + locations)
        + full_box(b"iinf", total + infos)
        + (full_box(b"iref", links) if links else b"")
        + box(
            b"iprp", box(b"ipco", properties) + full_box(b"ipma", struct.pack(">I", used) + uses)
        ),
    )


def noise(height: int, width: int, channels: int = 3) -> Any:
    """Pixels that take many bytes."""
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(7).integers(0, 256, shape).astype(np.uint8)
