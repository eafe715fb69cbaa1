"""Keep libraries from writing to standard error, where they would name no file.

What they report there is raised too, or makes no difference to the pixels.
"""

from __future__ import annotations

import ctypes
import logging
import warnings

import cv2
from PIL import _imaging

_LOGGERS = ("tifffile", "PIL")


def silence_libraries() -> None:
    """Silence OpenCV, Pillow, tifffile, and the libtiff that Pillow calls, in this process."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # Pillow's warnings are about metadata that is damaged.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    # Pillow turns off libtiff's warnings, but not the lines on its errors, which it raises too.
    # The symbols of what a library links to are found through it, but for Windows.
    libtiff = ctypes.CDLL(_imaging.__file__)
    if hasattr(libtiff, "TIFFSetErrorHandler"):
        libtiff.TIFFSetErrorHandler.argtypes = [ctypes.c_void_p]
        libtiff.TIFFSetErrorHandler.restype = ctypes.c_void_p
        libtiff.TIFFSetErrorHandler(None)
