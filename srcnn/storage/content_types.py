"""The media type of a file by its extension, which a browser needs to show it.

Our own table: that of Python's `mimetypes` depends on the machine.
"""

from __future__ import annotations

import posixpath

_UNKNOWN = "application/octet-stream"

# Images: https://www.iana.org/assignments/media-types#image; PNM has none that is registered.
_CONTENT_TYPES = {
    **dict.fromkeys((".png", ".apng"), "image/png"),
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), "image/jpeg"),
    ".webp": "image/webp",
    **dict.fromkeys((".tiff", ".tif"), "image/tiff"),
    **dict.fromkeys((".bmp", ".dib"), "image/bmp"),
    ".ppm": "image/x-portable-pixmap",
    ".pgm": "image/x-portable-graymap",
    ".pnm": "image/x-portable-anymap",
    ".gif": "image/gif",
    ".avif": "image/avif",
    **dict.fromkeys((".heic", ".hif"), "image/heic"),
    ".heif": "image/heif",
    ".jxl": "image/jxl",
    ".svg": "image/svg+xml",
    ".html": "text/html; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
}


def get_content_type(path: str) -> str:
    """Return the media type of a file; `application/octet-stream` if its extension is unknown.

    Args:
        path: path, key or URL of the file.
    """
    return _CONTENT_TYPES.get(posixpath.splitext(path)[1].lower(), _UNKNOWN)
