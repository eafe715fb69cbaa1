"""Colours that a file describes by numbers: cICP, gAMA, cHRM of PNG, nclx of AVIF, JPEG XL, EXIF.

They become an ICC profile, which every format and viewer knows, in place of numbers. PQ and HLG,
which no such profile says, keep their numbers in PNG, AVIF and JPEG XL.
ITU-T H.273, sections 8.1 and 8.2.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageFile

from srcnn.images.decoding.avif_boxes import FULL_BOX, Limit, list_boxes
from srcnn.images.hdr import TRANSFERS
from srcnn.images.make_profile import Colours, make_profile
from srcnn.images.png_chunks import list_chunks

_ICC = int(cv2.IMAGE_METADATA_ICCP)
_D65, _C, _DCI = (0.3127, 0.3290), (0.310, 0.316), (0.314, 0.351)
_SRGB = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_P3 = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
_ADOBE_RGB = Colours((*_D65, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06), 563 / 256)
_PRIMARIES: dict[int, tuple[float, ...]] = {
    1: _SRGB,
    2: _SRGB,  # unspecified
    4: (*_C, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    7: (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    8: (*_C, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (*_DCI, *_P3),
    12: (*_D65, *_P3),
    22: (*_D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
# Viewers show the curves of video (1, 6, 14, 15), and an unspecified one, as sRGB's.
_GAMMAS = {1: None, 2: None, 6: None, 13: None, 14: None, 15: None, 4: 2.2, 5: 2.8, 8: 1.0, 17: 2.6}
_SAME = 0.002  # of x or y: numbers are rounded
_GAMMA_OF_SRGB, _SAME_GAMMA = 1 / 2.2, 0.005
_INTEROPERABILITY, _EXIF = 0xA005, 0x8769
_NCLX = struct.Struct(">4sHHHB")  # ISO/IEC 14496-12, section 12.1.5


class CodedColours(NamedTuple):
    """What a file says of its colours by numbers.

    Attributes:
        colours: other than sRGB; None if they are sRGB, or not known.
        hdr: primaries and transfer of PQ or HLG, by their numbers in H.273.
        before_profile: whether the numbers take precedence over a profile.
        note: about numbers that are not known.
    """

    colours: Colours | None = None
    hdr: tuple[int, int] | None = None
    before_profile: bool = False
    note: str = ""


def read_coded_colours(image: ImageFile.ImageFile, data: bytes) -> CodedColours:
    """Read what a file says of its colours by numbers.

    Args:
        image: opened by Pillow.
        data: the file's content.
    """
    if image.format == "PNG":
        chunks = dict(list_chunks(data, (b"cICP", b"sRGB", b"gAMA", b"cHRM")))
        if len(cicp := chunks.get(b"cICP", b"")) == 4:  # noqa: PLR2004 - section 11.3.2.6
            primaries, transfer, _, is_full = cicp
            found = decode_cicp(primaries, transfer, is_full=bool(is_full))
            return found._replace(before_profile=True)
        return CodedColours() if b"sRGB" in chunks else _read_gamma(chunks)
    if image.format == "AVIF":
        numbers = next(_find_nclx(data), None)
        return decode_cicp(*numbers, is_full=True) if numbers else CodedColours()
    if image.format == "HEIF" and (nclx := image.info.get("nclx_profile")):
        primaries, transfer = nclx["color_primaries"], nclx["transfer_characteristics"]
        return decode_cicp(primaries, transfer, is_full=True)
    if image.format in ("JPEG", "MPO") and _is_adobe_rgb(image):
        return CodedColours(_ADOBE_RGB)
    return CodedColours()


def decode_cicp(primaries: int, transfer: int, *, is_full: bool) -> CodedColours:
    """Decode the numbers of ITU-T H.273.

    Args:
        primaries: ColourPrimaries.
        transfer: TransferCharacteristics.
        is_full: whether samples have their full range; video's is taken as sRGB, with a note.
    """
    if transfer in TRANSFERS:
        return CodedColours(hdr=(primaries, transfer))
    if primaries not in _PRIMARIES or transfer not in _GAMMAS or not is_full:
        note = (
            f"its colours (primaries {primaries}, transfer {transfer}) are not known: taken as sRGB"
        )
        return CodedColours(note=note)
    return _without_srgb(Colours(_PRIMARIES[primaries], _GAMMAS[transfer]))


def _read_gamma(chunks: Mapping[bytes, bytes]) -> CodedColours:
    """Read the chunks of the first PNG specification (third edition, 11.3.2.1 and 11.3.2.2)."""
    gama, chrm = chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b"")
    primaries = tuple(n / 100_000 for n in struct.unpack(">8I", chrm)) if len(chrm) == 32 else _SRGB  # noqa: PLR2004
    share = int.from_bytes(gama) / 100_000 if len(gama) == 4 else _GAMMA_OF_SRGB  # noqa: PLR2004
    is_srgb = _is_srgb(primaries) and abs(share - _GAMMA_OF_SRGB) < _SAME_GAMMA
    if is_srgb or not (gama or chrm):
        return CodedColours()
    colours = Colours(primaries, (1 / share if share else 0.0) if gama else None)
    if not colours.is_plausible():
        return CodedColours(note="its gAMA and cHRM are not plausible: taken as sRGB")
    return CodedColours(colours)


def _without_srgb(colours: Colours) -> CodedColours:
    is_srgb = colours.gamma is None and _is_srgb(colours.primaries)
    return CodedColours(None if is_srgb else colours)


def _is_srgb(primaries: tuple[float, ...]) -> bool:
    return bool(np.allclose(primaries, _SRGB, rtol=0, atol=_SAME))


def _find_nclx(data: bytes) -> Iterator[tuple[int, int]]:
    """Find primaries and transfer in the properties of an AVIF's items."""
    ends, limit = [(0, len(data))], Limit()
    for name, skipped in ((b"meta", FULL_BOX), (b"iprp", 0), (b"ipco", 0), (b"colr", 0)):
        ends = [
            (start + skipped, end)
            for outer in ends
            for kind, start, end in list_boxes(data, *outer, limit)
            if kind == name
        ]
    for start, end in ends:
        if end - start >= _NCLX.size and data[start : start + 4] == b"nclx":
            _, primaries, transfer, _, _ = _NCLX.unpack_from(data, start)
            yield primaries, transfer


def _is_adobe_rgb(image: ImageFile.ImageFile) -> bool:
    """Whether EXIF says Adobe RGB, as cameras do, some without a profile (DCF 2.0, section 3.2)."""
    try:
        exif = Image.Image.getexif(image)
        exif.get_ifd(_EXIF)
        return bool(exif.get_ifd(_INTEROPERABILITY).get(1) == "R03")
    except Exception:  # noqa: BLE001 - Pillow raises any type on a damaged block
        return False


def to_profile(
    coded: CodedColours, metadata: Mapping[int, bytes], *, grey: bool
) -> dict[int, bytes]:
    """Add the profile that says the colours, unless there is one that counts more.

    Args:
        coded: of the file.
        metadata: of the file, by OpenCV's metadata type.
        grey: whether the pixels are grey.
    """
    if coded.hdr is None and coded.before_profile and coded.colours is None and not coded.note:
        return {kind: block for kind, block in metadata.items() if kind != _ICC}  # sRGB
    if coded.colours is None or (_ICC in metadata and not coded.before_profile):
        return dict(metadata)
    return {**metadata, _ICC: make_profile(coded.colours, grey=grey)}
