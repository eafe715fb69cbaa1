"""Find and decode the pictures to train on. Imports no torch."""

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
from srcnn.planning.globs import Glob, Globs
from srcnn.planning.list_source import find_earlier_outputs, split_images
from srcnn.quality.compare import is_large_enough
from srcnn.storage.file_table import FileInfo
from srcnn.storage.folder import Folder
from srcnn.training.validation_split import choose_held_out, shuffle

MIN_PICTURES = 10
SMALLEST_PX = 96  # per side; also the smallest patch that training draws
LARGEST_PX = (
    640  # per side: of larger pictures only the centre is used, to have room for more of them
)
MAX_HELD_OUT = 48  # each is enlarged at every factor, by two models
_READERS = 8
_MEGA = 1_000_000

Bgr: TypeAlias = npt.NDArray[np.uint8]
Plane: TypeAlias = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Wanted:
    """Which pictures of a source to use.

    Attributes:
        include: empty for all images.
        exclude: takes precedence over `include`.
        share: of the pictures to hold out for validation, 0 to 1.
        factors: that must be measurable on every held-out picture.
        megapixels: in total; once it is reached, no further pictures are read.
        max_input_megapixels: larger pictures are left out without decoding.
    """

    include: Sequence[Glob] = ()
    exclude: Sequence[Glob] = ()
    share: float = 0.1
    factors: Sequence[float] = (2.0,)
    megapixels: float = 300
    max_input_megapixels: float = 250


@dataclass(frozen=True, eq=False)
class Pictures:
    """Decoded pictures, in an order that depends only on their names.

    Attributes:
        training: (H, W) uint8, luma of BT.601 in full range.
        held_out: (H, W, 3) uint8 BGR.
        taken: the file of each picture that is used, by its key.
        left_out: why other pictures are not used, by key.
        surplus: number of pictures that were not read, because the total was reached.
    """

    training: list[Plane]
    held_out: list[Bgr]
    taken: dict[str, FileInfo]
    left_out: dict[str, str] = field(default_factory=dict)
    surplus: int = 0


def find_pictures(src: Folder, wanted: Wanted) -> dict[str, FileInfo]:
    """Find the images of a source that match; outputs of earlier batches are skipped.

    Raises:
        SourceMissingError: the source does not exist.
        OSError: a part of it could not be listed.
    """
    listing = src.files()
    outputs = tuple(f"{folder}/" for folder in find_earlier_outputs(listing))
    include, exclude = Globs(wanted.include), Globs(wanted.exclude)
    return {
        key: listing[key]
        for key in split_images(listing)[0]
        if not key.startswith(outputs)
        and (not wanted.include or include.matches(key))
        and not exclude.matches(key)
    }


def read_pictures(src: Folder, files: Mapping[str, FileInfo], wanted: Wanted) -> Pictures:
    """Decode pictures up to the total in megapixels, and hold some out.

    Args:
        src: the source.
        files: from `find_pictures`; or `taken` of an earlier call, to get the same pictures.
        wanted: how many to read, and how many to hold out.

    Raises:
        UsageError: there are too few to train on.
        OSError: the whole source has become unreachable.
    """
    left_out: dict[str, str] = {}
    pixels: dict[str, Bgr] = {}
    pixels_left = wanted.megapixels * _MEGA
    keys = shuffle(files)
    seen = 0
    for key, read in _read_all(src, keys, wanted):
        if isinstance(read, str):
            left_out[key] = read
        else:
            pixels[key] = read
            pixels_left -= read.shape[0] * read.shape[1]
        seen += 1
        if pixels_left <= 0:
            break
    if len(pixels) < MIN_PICTURES:
        raise UsageError(_describe_too_few(src, len(files), len(pixels), left_out))
    held_out = choose_held_out(list(pixels), wanted.share)
    validation = [key for key in pixels if key in held_out][:MAX_HELD_OUT]
    training = [key for key in pixels if key not in held_out]
    return Pictures(
        training=[to_luma(pixels[key]) for key in training],
        held_out=[pixels[key] for key in validation],
        taken={key: files[key] for key in pixels},
        left_out=left_out,
        surplus=len(keys) - seen,
    )


def _read_all(src: Folder, keys: Sequence[str], wanted: Wanted) -> Iterator[tuple[str, Bgr | str]]:
    """Yield each picture, or why it is left out; only a few are read ahead."""
    read = partial(_read, src, wanted=wanted)
    with ThreadPoolExecutor(_READERS) as pool:
        for batch in _split(keys, _READERS):
            yield from zip(batch, pool.map(read, batch), strict=True)


def _split(keys: Iterable[str], number: int) -> Iterator[list[str]]:
    remaining = iter(keys)
    while batch := list(itertools.islice(remaining, number)):
        yield batch


def _read(src: Folder, key: str, wanted: Wanted) -> Bgr | str:
    try:
        content = src.read(key)
        _check_size(read_header(io.BytesIO(content)).size, wanted.max_input_megapixels)
        picture = _crop_centre(to_bgr(decode(content).pixels))
    except (ImageError, OSError) as error:
        if isinstance(error, StorageError):
            src.probe()  # raises if the whole source is unreachable, not only this picture
        return str(error)
    if not all(is_large_enough(picture, factor) for factor in wanted.factors):
        return f"{Size(*picture.shape[:2])} px is too small for x{max(wanted.factors):g}"
    if (picture == picture[0, 0]).all():
        return "it has only one colour, at least in its centre: there is nothing to learn from it"
    return picture


def _check_size(size: Size, limit: float) -> None:
    if min(size) < SMALLEST_PX:
        raise ImageError(f"{size} px is too small: the minimum is {SMALLEST_PX} px per side")
    if size.pixels > limit * _MEGA:
        raise ImageTooLargeError(
            f"{size} px is more than {limit:g} megapixels: raise SRCNN_MAX_INPUT_MEGAPIXELS"
        )


def to_bgr(pixels: Pixels) -> Bgr:
    """Convert any picture to (H, W, 3) uint8 BGR, without its alpha.

    Args:
        pixels: see `srcnn.images.pixels`.
    """
    colours, _ = split_alpha(bleed(pixels))
    eight_bits = np.rint(colours / LEVELS[pixels.dtype]).astype(np.uint8)
    planes = GREY + 1 if eight_bits.shape[2] == 1 else 1
    return np.ascontiguousarray(eight_bits.repeat(planes, axis=2))


def to_luma(picture: Bgr) -> Plane:
    """Compute luma of BT.601 in full range, (H, W) uint8, which training uses."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def _crop_centre(picture: Bgr) -> Bgr:
    top, left = (max(length - LARGEST_PX, 0) // 2 for length in picture.shape[:2])
    return picture[top : top + LARGEST_PX, left : left + LARGEST_PX].copy()


def _describe_too_few(src: Folder, files: int, usable: int, left_out: Mapping[str, str]) -> str:
    example = next((f"; {key}: {reason}" for key, reason in left_out.items()), "")
    return (
        f"{src.url}: found {files} images, {usable} of them usable for training, expected at least "
        f"{MIN_PICTURES}{example}"
    )
