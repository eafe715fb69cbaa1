"""Check the coded data of a TIFF before it is decoded: every strip and tile must be complete.

libtiff stops at the last sample that it needs and looks at no checksum behind it, fills in what a
fax or a JPEG lacks, and ignores errors where it converts YCbCr. What it does report is left to it.
"""

from __future__ import annotations

import io
import lzma
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import simplejpeg
from PIL import Image, ImageFile

from srcnn.errors import DamagedImageError, UnsupportedImageError
from srcnn.images.decoding.fax import FaxReader
from srcnn.images.decoding.fax_encoding import is_encoded_as_by_libtiff
from srcnn.images.decoding.jpeg_segments import quote_warning, read_size
from srcnn.images.decoding.tiff_strips import (
    COMPRESSION,
    FILL_ORDER,
    JPEG_COMPRESSION,
    PLANAR,
    SAMPLES,
    SEPARATE,
    UNCOMPRESSED,
    Block,
    is_subsampled,
    list_blocks,
    read_number,
)

_RLE, _GROUP3, _GROUP4, _RLE_OF_WORDS = 2, 3, 4, 32771
_LZW, _PACKBITS, _LZMA, _ZSTD = 5, 32773, 34925, 50000
_DEFLATE = (8, 32946)
_CHECKED = {
    *(UNCOMPRESSED, JPEG_COMPRESSION, _RLE, _GROUP3, _GROUP4, _RLE_OF_WORDS, *_DEFLATE),
    *(_LZW, _PACKBITS, _LZMA, _ZSTD),
}
_MIXED_UP_IN_PLANES = ("LA", "La", "PA")  # by Pillow
_LARGE_FAX_BYTES = 4096  # smaller ones are read faster than encoded
_T4_OPTIONS = 292  # TIFF 6.0, section 11
_JPEG_TABLES = 347  # TIFF technical note 2
_LOWEST_BIT_FIRST = 2
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_PIECE_BYTES = 1 << 20
_PADDING_BYTES = 3  # that a writer may add, to align the next strip


def check_coded_data(image: ImageFile.ImageFile, data: memoryview) -> None:
    """Check all strips or tiles.

    Args:
        image: opened by Pillow, not loaded.
        data: the file's content.

    Raises:
        DamagedImageError: one is missing, or does not decode to its part of the picture.
        UnsupportedImageError: the compression is one that is not checked here.
    """
    compression = read_number(image, COMPRESSION, UNCOMPRESSED)
    _check_kind(image, compression)
    blocks = list(list_blocks(image))
    for block, end in zip(blocks, _find_ends(blocks, len(data), compression), strict=True):
        coded = data[block.offset : end]
        if compression == UNCOMPRESSED:
            continue
        reverse = read_number(image, FILL_ORDER, 1) == _LOWEST_BIT_FIRST
        if reverse and compression != JPEG_COMPRESSION:
            coded = memoryview(bytes(coded).translate(_REVERSED))
        _check_block(image, compression, block, coded)


def _check_kind(image: ImageFile.ImageFile, compression: int) -> None:
    if compression not in _CHECKED:
        raise UnsupportedImageError(
            f"TIFF compression {compression} is not supported: save it with deflate"
        )
    samples, planar = read_number(image, SAMPLES, 1), read_number(image, PLANAR, 1)
    if samples == 2 and compression == JPEG_COMPRESSION:  # noqa: PLR2004 - grey and alpha
        raise UnsupportedImageError(
            "JPEG compression of grey with alpha is not supported: save it with deflate"
        )
    if image.mode in _MIXED_UP_IN_PLANES and planar == SEPARATE:
        raise UnsupportedImageError(
            "separate planes of grey and alpha are not supported: save it with interleaved samples"
        )


def _find_ends(blocks: list[Block], size: int, compression: int) -> Iterator[int]:
    """Find where the coded data of each block ends; all of it must be in the file."""
    starts = sorted({block.offset for block in blocks})
    following = dict(zip(starts, [*starts[1:], size], strict=True))
    if len(starts) < len(blocks):  # TIFF 6.0, section 7: no duplicate pointers
        raise DamagedImageError("the file is damaged: two of its strips are at the same place")
    for block in blocks:
        plain = compression == UNCOMPRESSED
        assumed = block.needed_bytes if plain else following[block.offset] - block.offset
        length = assumed if block.length is None else block.length
        end = block.offset + (block.needed_bytes if plain else length)
        if not block.offset or not length or end > size:
            raise DamagedImageError(
                f"the file is truncated or damaged: {block.name} is not in it completely"
            )
        if plain and (length < block.needed_bytes or end > following[block.offset]):
            raise DamagedImageError(
                f"the file is damaged: {block.name} has fewer bytes than its pixels"
            )
        yield end


def _check_block(
    image: ImageFile.ImageFile, compression: int, block: Block, coded: memoryview
) -> None:
    if compression in _DEFLATE:
        _check_stream(block, coded, zlib.decompressobj(), zlib.error)
    elif compression == _LZMA:
        _check_stream(block, coded, lzma.LZMADecompressor(), lzma.LZMAError)
    elif compression == _PACKBITS:
        _check_packbits(block, coded)
    elif compression in (_RLE, _GROUP3, _GROUP4, _RLE_OF_WORDS):
        _check_fax(image, compression, block, coded)
    elif compression == JPEG_COMPRESSION:
        _check_jpeg(block, _join_tables(image, coded))
    elif is_subsampled(image):  # otherwise libtiff reports an error when it decodes the picture
        _check_by_libtiff(block, coded, compression)


def _refuse(block: Block, what: str) -> DamagedImageError:
    return DamagedImageError(f"the file is damaged: {block.name} {what}")


def _check_stream(block: Block, coded: memoryview, stream: Any, error: type[Exception]) -> None:
    """Decompress up to the end of the stream, which has the checksum, in pieces."""
    found = 0
    piece: Any = coded
    try:
        while not stream.eof:
            count = len(stream.decompress(piece, _PIECE_BYTES))
            piece = getattr(stream, "unconsumed_tail", b"")  # LZMA keeps it
            found += count
            if found > block.full_bytes or not (count or piece):
                break
    except error as wrong:
        raise _refuse(block, "cannot be decompressed") from wrong
    if not stream.eof or found < block.needed_bytes:
        raise _refuse(block, f"does not end where its {block.needed_bytes} bytes of pixels do")


def _check_packbits(block: Block, coded: memoryview) -> None:
    """Its last run ends with its last byte, up to padding (TIFF 6.0, section 9)."""
    fits = any(
        _fills_by_packbits(coded, length)
        and not _fills_by_packbits(coded[: -_PADDING_BYTES - 1], length)
        for length in dict.fromkeys((block.needed_bytes, block.full_bytes))
    )
    if not fits:
        raise _refuse(block, f"does not end where its {block.needed_bytes} bytes of pixels do")


def _fills_by_packbits(coded: memoryview, length: int) -> bool:
    """Whether runs fill the length exactly; what follows them is not looked at."""
    try:
        Image.frombytes("L", (length, 1), coded, "packbits", "L")
    except ValueError:
        return False
    return True


def _check_fax(
    image: ImageFile.ImageFile, compression: int, block: Block, coded: memoryview
) -> None:
    data, options = bytes(coded), read_number(image, _T4_OPTIONS, 0)
    is_large = len(data) >= _LARGE_FAX_BYTES
    is_of_picture = block.width * block.rows <= 2 * image.width * image.height
    if (
        is_large
        and is_of_picture  # or a tile could take any amount of memory
        and is_encoded_as_by_libtiff(data, block.width, block.rows, compression, options)
    ):
        return
    reader = FaxReader(data, block.width)
    if compression == _GROUP4:
        reader.check_group4(block.rows)
    elif compression == _GROUP3:
        reader.check_group3(block.rows, two_dimensional=bool(options & 1))
    else:
        reader.check_aligned(block.rows, 8 if compression == _RLE else 16)


def _join_tables(image: ImageFile.ImageFile, coded: memoryview) -> bytes:
    """Make a JPEG file of a strip: its tables are in a tag, for all strips."""
    tables: Any = getattr(image, "tag_v2", {}).get(_JPEG_TABLES, b"")
    if not isinstance(tables, bytes) or len(tables) < 4:  # noqa: PLR2004 - its start and end marks
        return bytes(coded)
    return tables[:-2] + bytes(coded[2:])


def _check_jpeg(block: Block, content: bytes) -> None:
    try:
        height, width, space = read_size(content)
        if width != block.width or not block.rows <= height <= block.full_rows:
            raise _refuse(block, f"has {width}x{height} px instead of {block.width}x{block.rows}")
        space = {"Gray": "GRAY", "CMYK": "CMYK", "YCCK": "CMYK"}.get(space, "RGB")
        simplejpeg.decode_jpeg(content, space)
    except ValueError as error:
        if isinstance(error, DamagedImageError):
            raise
        raise _refuse(block, f"is a damaged JPEG{quote_warning(str(error))}") from error


def _check_by_libtiff(block: Block, coded: memoryview, compression: int) -> None:
    """Decode as one row of grey, for which Pillow reports libtiff's errors."""
    entries = {256: block.needed_bytes, 257: 1, 258: 8, 259: compression, 262: 1}
    entries |= {273: 8 + 2 + 9 * 12 + 4, 277: 1, 278: 1, 279: len(coded)}
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries.items())
    content = b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4) + coded
    try:
        with Image.open(io.BytesIO(content), formats=["TIFF"]) as row:
            row.load()
    except (OSError, SyntaxError) as error:
        raise _refuse(block, "cannot be decompressed") from error
