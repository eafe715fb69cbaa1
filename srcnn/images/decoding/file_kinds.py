"""Kinds of files that are not images we read, by their first bytes, whatever their name says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.extras import Extra, describe_missing
from srcnn.images.formats import JXL_MODULES

START_BYTES = 512  # of a file, by which it is recognised
_CONVERT = "convert it to PNG, TIFF or JPEG first"
_DEVELOP = "develop it to TIFF or JPEG first"
_EXPORT = "export its pages as PNG first"
_UNPACK = "unpack it first"
_LEAVE = "leave it out with --exclude"
_AGAIN = "fetch it again from its origin"


class Kind(NamedTuple):
    """What a file is.

    Attributes:
        name: used in messages, with its article.
        advice: what to do.
        is_lost: whether the file is in the place of an image, so nothing could convert it.
        extra: optional dependency of the project with which it is read.
        modules: of it, that are needed.
    """

    name: str
    advice: str
    is_lost: bool = False
    extra: Extra | None = None
    modules: tuple[str, ...] = ()


HEIC = Kind("a HEIC (HEIF) image", _CONVERT, extra="formats", modules=("pillow_heif",))
JXL = Kind("a JPEG XL image", _CONVERT, extra="formats", modules=JXL_MODULES)
_OTHER_HEIF = Kind("a HEIF image of another codec than HEVC", _CONVERT)
_JP2 = Kind("a JPEG 2000 image", _CONVERT)
_RAW = Kind("a camera's raw file", _DEVELOP)
_MP4, _MOV = Kind("an MP4 video", _LEAVE), Kind("a QuickTime video (MOV)", _LEAVE)
_PDF, _PS = Kind("a PDF document", _EXPORT), Kind("a PostScript file", _EXPORT)
_SVG = Kind("an SVG drawing", "export it as PNG first")
_HTML = Kind("a web page (HTML)", _AGAIN, is_lost=True)
_LFS = Kind("a Git LFS pointer, without the image itself", "run `git lfs pull`", is_lost=True)
_TEXT = Kind("a text file", _AGAIN, is_lost=True)
_EMPTY = Kind("an empty file", _AGAIN, is_lost=True)
_ZEROS = Kind("a file that begins with zeros, whose content was lost", _AGAIN, is_lost=True)
_AS_TEXT = Kind("an image that was copied as text", f"{_AGAIN}, as binary", is_lost=True)
_XCODE = Kind(
    "a PNG in Apple's CgBI form, as Xcode writes it for apps",
    "take the original, or run `pngcrush -revert-iphone-optimizations`",
)

_ZIP, _MPEG = Kind("a ZIP archive", _UNPACK), Kind("an MPEG video", _LEAVE)
# Offset, bytes, and what they say: the longer ones of a family first.
_SIGNATURES: tuple[tuple[int, bytes, Kind], ...] = (
    (0, b"\xff\x0a", JXL),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", JXL),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", _JP2),
    (0, b"\xff\x4f\xff\x51", _JP2),
    (0, b"\0\0\0\x0cjP\x1a\x1a", _JP2),
    (0, b"II\xbc\x01", Kind("a JPEG XR image", _CONVERT)),
    (12, b"CgBI", _XCODE),
    (0, b"\x8aMNG", Kind("an MNG animation", _CONVERT)),
    (0, b"\x8bJNG", Kind("a JNG image", _CONVERT)),
    (0, b"\xef\xbf\xbdPNG", _AS_TEXT),
    (0, b"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", _AS_TEXT),
    (0, b"\xc2\x89PNG", _AS_TEXT),
    (0, b"\x89PNG\n\x1a\n", _AS_TEXT),
    (0, b"\x89PNG\r\r\n", _AS_TEXT),
    (0, b"\x89PNG\r\n\x1a\r\n", _AS_TEXT),
    (0, b"\x89PNG\r\n\r\n", _AS_TEXT),
    (0, b"\x89PNG\r\r\x1a\r", _AS_TEXT),
    (0, b"\x89PNG\n\n\x1a\n", _AS_TEXT),
    (8, b"CR\x02\0", _RAW),  # Canon, which is a TIFF of previews too
    (6, b"HEAPCCDR", _RAW),
    (0, b"FUJIFILMCCD-RAW", _RAW),
    (0, b"IIRO", _RAW),
    (0, b"IIRS", _RAW),
    (0, b"MMOR", _RAW),
    (0, b"IIU\0", _RAW),
    (0, b"FOVb", _RAW),
    (0, b"\0MRM", _RAW),
    (0, b"8BPS", Kind("a Photoshop document (PSD)", _CONVERT)),
    (0, b"gimp xcf", Kind("a GIMP document (XCF)", _CONVERT)),
    (0, b"\0\0\1\0", Kind("a Windows icon (ICO)", _CONVERT)),
    (0, b"\0\0\2\0\1\0", Kind("a Windows cursor (CUR)", _CONVERT)),
    (0, b"icns", Kind("an Apple icon (ICNS)", _CONVERT)),
    (0, b"\x76\x2f\x31\x01", Kind("an OpenEXR image", _CONVERT)),
    (0, b"#?R", Kind("a Radiance HDR image", _CONVERT)),
    (0, b"DDS ", Kind("a DDS texture", _CONVERT)),
    (0, b"\xabKTX ", Kind("a KTX texture", _CONVERT)),
    (0, b"qoif", Kind("a QOI image", _CONVERT)),
    (0, b"BPG\xfb", Kind("a BPG image", _CONVERT)),
    (0, b"FLIF", Kind("a FLIF image", _CONVERT)),
    (0, b"farbfeld", Kind("a farbfeld image", _CONVERT)),
    (0, b"\x59\xa6\x6a\x95", Kind("a Sun raster image", _CONVERT)),
    (0, b"\x01\xda\0\x01", Kind("an SGI image", _CONVERT)),
    (0, b"\x01\xda\1\x01", Kind("an SGI image", _CONVERT)),
    (0, b"P7\n", Kind("a PAM image", _CONVERT)),
    (0, b"/* XPM", Kind("an XPM image", _CONVERT)),
    (0, b"SIMPLE  =", Kind("a FITS image", _CONVERT)),
    (128, b"DICM", Kind("a DICOM image", _CONVERT)),
    (0, b"AT&TFORM", Kind("a DjVu document", _EXPORT)),
    (40, b" EMF", Kind("a Windows metafile (EMF)", _CONVERT)),
    (0, b"\xd7\xcd\xc6\x9a", Kind("a Windows metafile (WMF)", _CONVERT)),
    (0, b"%PDF-", _PDF),
    (0, b"%!PS", _PS),
    (0, b"\xc5\xd0\xd3\xc6", _PS),
    (4, b"moov", _MOV),
    (4, b"mdat", _MOV),
    (4, b"wide", _MOV),
    (0, b"\x1a\x45\xdf\xa3", Kind("a WebM or Matroska video", _LEAVE)),
    (0, b"FLV\x01", Kind("a Flash video", _LEAVE)),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Kind("a Windows Media file", _LEAVE)),
    (0, b"\0\0\1\xba", _MPEG),
    (0, b"\0\0\1\xb3", _MPEG),
    (0, b"OggS", Kind("an Ogg file", _LEAVE)),
    (0, b"ID3", Kind("an MP3 file", _LEAVE)),
    (8, b"AVI ", Kind("an AVI video", _LEAVE)),
    (8, b"WAVE", Kind("a sound (WAV)", _LEAVE)),
    (0, b"PK\3\4", _ZIP),
    (0, b"PK\5\6", _ZIP),
    (0, b"\x1f\x8b", Kind("a gzip file", _UNPACK)),
    (0, b"BZh", Kind("a bzip2 file", _UNPACK)),
    (0, b"\xfd7zXZ\0", Kind("an xz file", _UNPACK)),
    (0, b"\x28\xb5\x2f\xfd", Kind("a Zstandard file", _UNPACK)),
    (0, b"7z\xbc\xaf\x27\x1c", Kind("a 7-Zip archive", _UNPACK)),
    (0, b"Rar!\x1a\x07", Kind("a RAR archive", _UNPACK)),
    (257, b"ustar", Kind("a tar archive", _UNPACK)),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind("an Office document", _LEAVE)),
    (0, b"\x93NUMPY", Kind("a NumPy array", _CONVERT)),
    (0, b"\x89HDF\r\n\x1a\n", Kind("an HDF5 file", _CONVERT)),
    (0, b"SQLite format 3\0", Kind("a database", _LEAVE)),
    (0, b"\0\x05\x16\x07", Kind("macOS's note on a file (AppleDouble)", _LEAVE)),
    (0, b"\x4c\0\0\0\x01\x14\x02\0", Kind("a Windows shortcut", _LEAVE)),
    (0, b"version https://git-lfs", _LFS),
)
# One pattern for all: `Match.lastindex` is the number of the first that fits.
_ANY_SIGNATURE = re.compile(
    b"|".join(b"(.{%d}%b)" % (at, re.escape(text)) for at, text, _ in _SIGNATURES), re.DOTALL
)
# The brands of ISO/IEC 14496-12, section 4.3: the first that is known decides.
_BRANDS = dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis"), HEIC)
_BRANDS |= {b"hevm": HEIC, b"hevs": HEIC, b"avci": _OTHER_HEIF, b"avcs": _OTHER_HEIF}
_BRANDS |= {b"crx ": _RAW, b"qt  ": _MOV, b"jxl ": JXL}
_READ_BRANDS = frozenset({b"avif", b"avis"})
_VIDEO = re.compile(rb"iso|mp4|M4|avc1|dash|3g|f4v|MSNV|NDAS")
_HEIF = frozenset({b"mif1", b"msf1", b"mif2"})
_TAGS: tuple[tuple[re.Pattern[bytes], Kind], ...] = (
    (re.compile(rb"<(svg|!doctype svg)\b", re.IGNORECASE), _SVG),
    (re.compile(rb"<(!doctype html|html|head|body|title)\b", re.IGNORECASE), _HTML),
    (re.compile(rb"^\s*%!PS"), _PS),
)
_PNM = re.compile(rb"P[1-6f]\s", re.IGNORECASE)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MARKS = (b"\xff\xfe", b"\xfe\xff")  # of texts in UTF-16


def refuse_other_kind(start: bytes) -> None:
    """Refuse a file that is not an image we read, by what it is; returns for all others.

    Args:
        start: its first bytes, `START_BYTES` if it has as many.

    Raises:
        UnsupportedImageError: of a kind that other programs can read or convert, or that takes
            packages which are not installed.
        DamagedImageError: it is in the place of an image.
    """
    kind = find_kind(start)
    if kind is None:
        return
    if kind.extra:
        if missing := describe_missing(kind.extra, kind.modules):
            raise UnsupportedImageError(f"it is {kind.name}, which needs {missing}")
        return
    if kind.is_lost:
        raise DamagedImageError(f"not a readable image: it is {kind.name}: {kind.advice}")
    raise UnsupportedImageError(f"it is {kind.name}, which is not supported: {kind.advice}")


def find_kind(start: bytes) -> Kind | None:
    """Find the kind of a file; None if it may be an image we read, or is of no known kind.

    Args:
        start: its first bytes.
    """
    if (match := _ANY_SIGNATURE.match(start)) and match.lastindex:
        return _SIGNATURES[match.lastindex - 1][2]
    find: Callable[[bytes], Kind | None] = _find_brand if start[4:8] == b"ftyp" else _find_text
    return find(start) if start.strip(b"\0") else _ZEROS if start else _EMPTY


def _find_brand(start: bytes) -> Kind | None:
    end = min(int.from_bytes(start[:4]), len(start))
    brands = [start[8:12], *(start[at : at + 4] for at in range(16, end, 4))]
    if _READ_BRANDS.intersection(brands):
        return None
    found = next((_BRANDS[brand] for brand in brands if brand in _BRANDS), None)
    if found is None and _HEIF.intersection(brands):
        return None if b"miaf" in brands else _OTHER_HEIF
    return found or (_MP4 if any(map(_VIDEO.match, brands)) else None)


def _find_text(start: bytes) -> Kind | None:
    if start.startswith(_MARKS):
        start = start[2:].replace(b"\0", b"")
    if _PNM.match(start) or _CONTROLS.search(start):
        return None
    found = next((kind for pattern, kind in _TAGS if pattern.search(start)), None)
    if found is None and not _is_utf8(start):
        return None
    return found or _TEXT


def _is_utf8(start: bytes) -> bool:
    """Whether it is text in UTF-8, of which the last letter may be cut."""
    try:
        start.decode()
    except UnicodeDecodeError as error:
        return len(start) == START_BYTES and error.start > len(start) - 4
    return True
