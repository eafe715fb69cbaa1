"""Recognise what is often downloaded in place of a model or a checkpoint."""

from __future__ import annotations

_WEB_PAGE = "it is a web page; give the address of the file itself"
_KINDS = {
    b"<!doctype": _WEB_PAGE,
    b"<html": _WEB_PAGE,
    b"version https://git-lfs": "it is a pointer of Git LFS; fetch the file with git lfs pull",
}


def identify_stray(content: bytes) -> str:
    """Say what a file is, and what to do about it; empty if that is not known."""
    start = content[:64].lstrip().lower()
    return next((text for mark, text in _KINDS.items() if start.startswith(mark)), "")
