"""Parts of URLs: the schemes of a chain, and the folder next to one."""

from __future__ import annotations

import re
from pathlib import Path

from srcnn.errors import UsageError

# Archives and caches in front of another file system: `zip://a.onnx::https://host/a.zip`.
_CHAINED = re.compile(r"::[^:]+://|^[a-z0-9]+::", re.IGNORECASE)


def list_schemes(url: str) -> set[str]:
    """List the schemes of a URL: one, or those of all links of a chain of file systems."""
    if _CHAINED.search(url):
        return set(re.findall(r"([a-z0-9]+)://", url))
    return {url.partition("://")[0]}


def add_suffix(url: str, suffix: str) -> str:
    """Add a suffix to the name of a folder.

    Args:
        url: path or URL of the folder.
        suffix: to append.

    Returns:
        Path or URL of the folder next to it.

    Raises:
        UsageError: it is a root or a whole bucket, which has no folder next to it.
    """
    if "://" in url:
        scheme, _, path = url.rstrip("/").partition("://")
        if "/" in path.strip("/") or scheme in ("file", "memory"):
            return f"{url.rstrip('/')}{suffix}"
    else:
        folder = Path(url)
        if folder.name in ("", ".."):
            folder = folder.resolve()
        if folder.name:
            return f"{folder}{suffix}"
    raise UsageError(f"no default destination next to {url}: give --dst a folder")
