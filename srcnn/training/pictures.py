"""Pictures to train on: found in a folder or bucket, decoded, and made alike. Imports no torch."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from srcnn.errors import ImageError, ImageTooLargeError, StorageError, UsageError
from srcnn.geometry import Size
from srcnn.images.alpha import bleed
from srcnn.images.decoding import decode, read_header
from srcnn.images.pixels import GREY, LEVELS, Pixels, split_alpha
from srcnn.planning.globs import Patterns
from srcnn.planning.source_files import earlier_outputs, images_among
from srcnn.quality.compare import is_large_enough
from srcnn.storage.folder import Folder
from srcnn.storage.listing import FileInfo
from srcnn.training.validation_split import held_out, shuffled

FEWEST_PICTURES = 10
SMALLEST_PX = 96  # of a side, and of the smallest patch that training draws
LARGEST_PX = 640  # of a side: what is larger gives its middle, so that more pictures find room
MOST_HELD_OUT = 48  # a verdict reads each at every factor, with two models
_READERS = 8
_MEGA = 1_000_000

Bgr: TypeAlias = npt.NDArray[np.uint8]
Plane: TypeAlias = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Wanted:
    """Which pictures of a source to take.

    Attributes:
        include: globs; empty for all images.
        exclude: globs, stronger than `include`.
        share: of the pictures that is held out, 0 to 1.
        factors: each must be measurable on every picture that is held out.
        megapixels: that are taken in all; further pictures are left out.
        max_input_megapixels: pictures above are left out unread.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    share: float = 0.1
    factors: Sequence[float] = (2.0,)
    megapixels: float = 300
    max_input_megapixels: float = 250


@dataclass(frozen=True, eq=False)
class Pictures:
    """Decoded pictures, in an order that depends on their names alone.

    Attributes:
        training: (H, W) uint8, luma of BT.601 in full range.
        held_out: (H, W, 3) uint8 BGR.
        taken: the file of each of these pictures.
        left_out: why the others were not taken, by key.
        surplus: how many were not looked at, since there is no room for them.
    """

    training: list[Plane]
    held_out: list[Bgr]
    taken: dict[str, FileInfo]
    left_out: dict[str, str] = field(default_factory=dict)
    surplus: int = 0


def find_pictures(src: Folder, wanted: Wanted) -> dict[str, FileInfo]:
    """The images of a source that are asked for; outputs of earlier batches are no pictures.

    Raises:
        SourceMissingError: the source is not there.
        OSError: a part of it could not be listed.
    """
    listing = src.files()
    outputs = tuple(f"{folder}/" for folder in earlier_outputs(listing))
    include, exclude = Patterns(wanted.include), Patterns(wanted.exclude)
    return {
        key: listing[key]
        for key in images_among(listing)[0]
        if not key.startswith(outputs)
        and (not wanted.include or include.matches(key))
        and not exclude.matches(key)
    }


def read_pictures(src: Folder, files: Mapping[str, FileInfo], wanted: Wanted) -> Pictures:
    """Decode pictures until there are none, or no room, and hold some out.

    Args:
        src: where they are.
        files: from `find_pictures`, or the `taken` of an earlier call, which gives the same again.
        wanted: how many.

    Raises:
        UsageError: there are too few to train on.
        OSError: the source as a whole went out of reach.
    """
    left_out: dict[str, str] = {}
    pixels: dict[str, Bgr] = {}
    room = wanted.megapixels * _MEGA
    keys = shuffled(files)
    seen = 0
    for key, read in _read_all(src, keys, wanted):
        if isinstance(read, str):
            left_out[key] = read
        else:
            pixels[key] = read
            room -= read.shape[0] * read.shape[1]
        seen += 1
        if room <= 0:
            break
    if len(pixels) < FEWEST_PICTURES:
        raise UsageError(_too_few(src, len(files), len(pixels), left_out))
    apart = held_out(list(pixels), wanted.share)
    validation = [key for key in pixels if key in apart][:MOST_HELD_OUT]
    training = [key for key in pixels if key not in apart]
    return Pictures(
        training=[to_luma(pixels[key]) for key in training],
        held_out=[pixels[key] for key in validation],
        taken={key: files[key] for key in pixels},
        left_out=left_out,
        surplus=len(keys) - seen,
    )


def _read_all(src: Folder, keys: Sequence[str], wanted: Wanted) -> Iterator[tuple[str, Bgr | str]]:
    """Each picture, or why it is left out; some are read ahead, never all."""
    read = partial(_read, src, wanted=wanted)
    with ThreadPoolExecutor(_READERS) as pool:
        for some in _batched(keys, _READERS):
            yield from zip(some, pool.map(read, some), strict=True)


def _batched(keys: Iterable[str], number: int) -> Iterator[list[str]]:
    left = iter(keys)
    while some := list(itertools.islice(left, number)):
        yield some


def _read(src: Folder, key: str, wanted: Wanted) -> Bgr | str:
    try:
        content = src.read(key)
        _check_size(read_header(io.BytesIO(content)).size, wanted.max_input_megapixels)
        picture = _middle(to_bgr(decode(content).pixels))
    except (ImageError, OSError) as error:
        if isinstance(error, StorageError):
            src.probe()  # this picture's failure alone, unless all of the source is out of reach
        return str(error)
    if not all(is_large_enough(picture, factor) for factor in wanted.factors):
        return f"{Size(*picture.shape[:2])} px is too small for x{max(wanted.factors):g}"
    if (picture == picture[0, 0]).all():
        return "is of one colour, or its middle is: there is nothing to learn from it"
    return picture


def _check_size(size: Size, limit: float) -> None:
    if min(size) < SMALLEST_PX:
        raise ImageError(f"{size} px is too small: {SMALLEST_PX} px a side is the least")
    if size.pixels > limit * _MEGA:
        raise ImageTooLargeError(
            f"{size} px is more than {limit:g} megapixels: raise SRCNN_MAX_INPUT_MEGAPIXELS"
        )


def to_bgr(pixels: Pixels) -> Bgr:
    """Any picture as (H, W, 3) uint8 BGR, without its alpha.

    Args:
        pixels: see `srcnn.images.pixels`.
    """
    colours, _ = split_alpha(bleed(pixels))
    eight_bits = np.rint(colours / LEVELS[pixels.dtype]).astype(np.uint8)
    planes = GREY + 1 if eight_bits.shape[2] == 1 else 1
    return np.ascontiguousarray(eight_bits.repeat(planes, axis=2))


def to_luma(picture: Bgr) -> Plane:
    """Luma of BT.601 in full range, (H, W) uint8, as training takes it."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def _middle(picture: Bgr) -> Bgr:
    top, left = (max(length - LARGEST_PX, 0) // 2 for length in picture.shape[:2])
    return picture[top : top + LARGEST_PX, left : left + LARGEST_PX].copy()


def _too_few(src: Folder, files: int, usable: int, left_out: Mapping[str, str]) -> str:
    example = next((f"; {key}: {reason}" for key, reason in left_out.items()), "")
    return (
        f"{src.url}: found {files} images, {usable} of them fit to train on, expected at least "
        f"{FEWEST_PICTURES}{example}"
    )
