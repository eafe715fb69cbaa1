"""Make Pillow open the headers of deep TIFFs that it does not know."""

from __future__ import annotations

from functools import cache

from PIL import TiffImagePlugin

_RGB = 2  # PhotometricInterpretation


@cache  # once a process
def register_deep_tiffs() -> None:
    """Make Pillow read the headers of deep TIFFs that it does not know, as those that it knows.

    These are 16-bit grey with alpha, and grey and colours of 10, 12 and 14 bits.
    """
    for order, deep in ((b"II", "I;16"), (b"MM", "I;16B")):
        for bits in (10, 12, 14, 16):
            for white in (0, 1):
                _register(order, white, (bits,), (), (deep, deep))
                for alpha in (1, 2):
                    _register(order, white, (bits, bits), (alpha,), ("RGBA", "LA;16B"))
            _register(order, _RGB, (bits,) * 3, (), ("RGB", "RGB;16B"))
            for extra in (0, 1, 2):
                modes = ("RGBA", "RGBA;16B") if extra else ("RGB", "RGBX;16B")
                _register(order, _RGB, (bits,) * 4, (extra,), modes)


def _register(
    order: bytes,
    photometric: int,
    bits: tuple[int, ...],
    extra: tuple[int, ...],
    modes: tuple[str, str],
) -> None:
    key = (order, photometric, (1,), 1, bits, extra)
    TiffImagePlugin.OPEN_INFO.setdefault(key, modes)
