"""AVIFs of other structures than OpenCV knows are read, and are refused when they are cut off."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images.decoding import decode, read_header
from srcnn.images.decoding.avif import lengthen_directory
from tests.support.avif_files import EXIF, Item, box, exif_of, grid, join, noise, tile
from tests.support.paths import CASES

PIXELS = noise(64, 64)
TILE = tile(PIXELS, quality=60)
TILES = [tile(noise(64, 64) // (n + 1), quality=60) for n in range(2)]
GREY = tile(noise(64, 64, 1), quality=60)
IN_FRONT = box(b"free", bytes(600))

FILES = {
    "EXIF behind": join([TILE, exif_of(2)], [0, 1]),
    "EXIF before": join([TILE, exif_of(2)], [1, 0]),
    "grid behind": join(grid(TILES, 2, 1, 128, 64), [1, 2, 0]),
    "grid before": join(grid(TILES, 2, 1, 128, 64), [0, 1, 2]),
    "grid and EXIF behind": join([*grid(TILES, 1, 2, 64, 128), exif_of(4)], [2, 1, 0, 3]),
    "grey": join([GREY, exif_of(2)], [0, 1]),
    "behind another box": join([TILE], [0], before=IN_FRONT),
    "behind another box, with EXIF": join([TILE, exif_of(2)], [0, 1], before=IN_FRONT),
    "grey behind another box": join([GREY], [0], before=IN_FRONT),
}


def read_by_pillow(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("name", FILES)
def test_an_avif_of_any_structure_is_read_as_by_pillow(name: str) -> None:
    content = FILES[name]
    expected = read_by_pillow(content)
    picture = decode(content)
    assert read_header(io.BytesIO(content)).size == picture.pixels.shape[:2]
    assert picture.is_grey == name.startswith("grey")
    found = picture.pixels
    found = np.dstack([found] * 3) if found.ndim == 2 else found
    assert np.array_equal(found[:, :, ::-1], expected)
    has_exif = "EXIF" in name or name == "grey"
    assert picture.metadata == ({cv2.IMAGE_METADATA_EXIF: EXIF[10:]} if has_exif else {})


@pytest.mark.parametrize("name", FILES)
def test_an_avif_that_is_cut_off_is_damaged(name: str) -> None:
    content = FILES[name]
    places = {*range(1, len(content), len(content) // 60), *range(len(content) - 90, len(content))}
    for length in places:
        with pytest.raises(DamagedImageError):
            decode(content[:length])


def test_a_longer_directory_changes_no_item() -> None:
    content = FILES["EXIF behind"]
    longer = lengthen_directory(content)
    assert len(longer) == len(content) + 500
    assert np.array_equal(read_by_pillow(longer), read_by_pillow(content))
    assert longer.endswith(TILE.content + EXIF)
    assert lengthen_directory(longer) is longer


def test_a_deep_avif_that_only_pillow_reads_is_unsupported() -> None:
    done, content = cv2.imencode(
        ".avif", PIXELS.astype(np.uint16) * 4, [cv2.IMWRITE_AVIF_DEPTH, 10]
    )
    assert done
    data = content.tobytes()
    properties = [data[data.index(kind) - 4 :] for kind in (b"ispe", b"pixi", b"av1C", b"colr")]
    boxes = tuple(each[: int.from_bytes(each[:4])] for each in properties)
    coded = data[data.index(b"mdat") + 4 :]
    item = Item(b"av01", coded, boxes)
    assert decode(join([item, exif_of(2)], [0, 1])).pixels.dtype == np.uint16
    with pytest.raises(UnsupportedImageError, match="in 8 bits only"):
        decode(join([item], [0], before=IN_FRONT))


@pytest.mark.skipif(not CASES.exists(), reason="needs the reference data")
def test_the_reported_avif_is_read() -> None:
    content = (CASES / "avif_exif_behind_pixels.avif").read_bytes()
    assert np.array_equal(decode(content).pixels[:, :, ::-1], read_by_pillow(content))
