"""Read what the coded picture of a JPEG XL says of itself: ISO/IEC 18181-1, annexes A and D.

The libraries that decode it show the first frame of an animation, and do not say that there are
more; nor do they say its bit depth, or what its further channels are.
"""

from __future__ import annotations

from dataclasses import dataclass

from srcnn.geometry import Size
from srcnn.images.jxl_encoding import CODESTREAM

START_BYTES = 4096  # of the codestream, within which its header ends
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_TURNED_FROM = 5  # orientations that swap height and width, as in EXIF
# A number that is coded as one of four: the constant that is added, and the bits that follow.
_Choices = tuple[tuple[int, int], ...]
_SIDE: _Choices = ((1, 9), (1, 13), (1, 18), (1, 30))
_PREVIEW_SIDE: _Choices = ((1, 6), (65, 8), (321, 10), (1345, 12))
_PREVIEW_EIGHTHS: _Choices = ((16, 0), (32, 0), (1, 5), (33, 9))
_BITS: _Choices = ((8, 0), (10, 0), (12, 0), (1, 6))
_FLOAT_BITS: _Choices = ((32, 0), (16, 0), (24, 0), (1, 6))
_CHANNELS: _Choices = ((0, 0), (1, 0), (2, 4), (1, 12))
_ENUM: _Choices = ((0, 0), (1, 0), (2, 4), (18, 6))
_SHIFT: _Choices = ((0, 0), (3, 0), (4, 0), (1, 3))
_NAME: _Choices = ((0, 0), (0, 4), (16, 5), (48, 10))
_ALPHA, _SPOT, _CFA, _SPOT_BITS = 0, 2, 5, 4 * 16
_CFA_CHANNEL: _Choices = ((1, 0), (0, 2), (3, 4), (19, 8))
CHANNEL_KINDS = {
    1: "depth",
    2: "a spot colour",
    3: "a selection",
    4: "the black ink of CMYK",
    5: "raw sensor data",
    6: "temperatures",
}


@dataclass(frozen=True)
class JxlHeader:
    """What a coded picture says of itself.

    Attributes:
        size: of the upright picture.
        bits: of a sample.
        is_float: whether samples are floating-point numbers.
        is_animated: whether it may have several frames.
        has_alpha: whether one of its channels is alpha.
        is_premultiplied: whether colours are multiplied by it.
        further: kinds of the other channels, as numbers of the standard.
        orientation: of the coded picture, which decoding applies.
    """

    size: Size
    bits: int = 8
    is_float: bool = False
    is_animated: bool = False
    has_alpha: bool = False
    is_premultiplied: bool = False
    further: tuple[int, ...] = ()
    orientation: int = 1


class _Bits:
    """Reads numbers of bits, the lowest bit of a byte first."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def read(self, count: int) -> int:
        """Read a number of up to 64 bits; raises `EOFError` at the end."""
        first, end = self._at // 8, self._at + count
        if end > 8 * len(self._data):
            raise EOFError
        number = int.from_bytes(self._data[first : (end + 7) // 8], "little")
        self._at = end
        return number >> (end - count - 8 * first) & ((1 << count) - 1)

    def choose(self, choices: _Choices) -> int:
        """Read a number of one of four lengths."""
        base, count = choices[self.read(2)]
        return base + self.read(count)


def parse(start: bytes) -> JxlHeader:
    """Parse the start of a codestream.

    Args:
        start: `START_BYTES`, or all that there are.

    Raises:
        SyntaxError: it is no JPEG XL.
        EOFError: it ends too early.
    """
    if not start.startswith(CODESTREAM):
        raise SyntaxError("not a JPEG XL codestream")
    bits = _Bits(start[len(CODESTREAM) :])
    size = _read_size(bits)
    if bits.read(1):  # everything has its default
        return JxlHeader(size)
    has_more = bits.read(1)
    orientation = 1 + bits.read(3) if has_more else 1
    upright = Size(size.width, size.height) if orientation >= _TURNED_FROM else size
    if has_more and _skip_until_animation(bits):
        return JxlHeader(upright, is_animated=True)
    is_float, depth = _read_depth(bits)
    bits.read(1)  # whether 16 bits are enough to decode
    channels = [_read_channel(bits) for _ in range(bits.choose(_CHANNELS))]
    alphas = [is_premultiplied for kind, is_premultiplied in channels if kind == _ALPHA]
    further = tuple(kind for kind, _ in channels if kind != _ALPHA)
    return JxlHeader(
        upright,
        depth,
        is_float=is_float,
        has_alpha=bool(alphas),
        is_premultiplied=any(alphas),
        further=further,
        orientation=orientation,
    )


def _read_size(bits: _Bits) -> Size:
    in_eighths = bits.read(1)
    height = _read_side(bits, in_eighths)
    ratio = bits.read(3)
    if ratio:
        across, down = _RATIOS[ratio]
        return Size(height, height * across // down)
    return Size(height, _read_side(bits, in_eighths))


def _read_side(bits: _Bits, in_eighths: int) -> int:
    return 8 * (1 + bits.read(5)) if in_eighths else bits.choose(_SIDE)


def _skip_until_animation(bits: _Bits) -> bool:
    """Skip the size to be shown at, and the preview; return whether it is animated."""
    if bits.read(1):
        _read_size(bits)
    if bits.read(1):
        choices = _PREVIEW_EIGHTHS if bits.read(1) else _PREVIEW_SIDE
        bits.choose(choices)
        if not bits.read(3):
            bits.choose(choices)
    return bool(bits.read(1))


def _read_depth(bits: _Bits) -> tuple[bool, int]:
    is_float = bool(bits.read(1))
    depth = bits.choose(_FLOAT_BITS if is_float else _BITS)
    if is_float:
        bits.read(4)  # of its exponent
    return is_float, depth


def _read_channel(bits: _Bits) -> tuple[int, bool]:
    """Read the kind of a further channel, and whether it is an alpha that was multiplied with."""
    if bits.read(1):  # the default
        return _ALPHA, False
    kind = bits.choose(_ENUM)
    _read_depth(bits)
    bits.choose(_SHIFT)
    for _ in range(bits.choose(_NAME)):
        bits.read(8)
    if kind == _ALPHA:
        return kind, bool(bits.read(1))
    if kind == _SPOT:
        bits.read(_SPOT_BITS)
    if kind == _CFA:
        bits.choose(_CFA_CHANNEL)
    return kind, False
