"""Make names and messages printable and short, whatever they contain."""

from __future__ import annotations

_ELLIPSIS = "…"


def one_line(text: str) -> str:
    r"""Escape every character that is not printable, so that the text is one visible line.

    Control characters would drive a terminal or break a line. File names may contain any of
    them, and also bytes that are not UTF-8 (lone surrogates), which servers reject. Each
    becomes an escape (`\n`, `\x1b`, `\udcff`), as do invisible characters and those that
    change the writing direction.

    Args:
        text: any text.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def shorten(text: str, length: int) -> str:
    """Shorten a text to at most `length` characters, with an ellipsis in the middle.

    Args:
        text: any text. The beginning and the end are kept: a path ends with the file's name.
        length: 3 or more.
    """
    if len(text) <= length:
        return text
    head = (length - 1) // 2
    return text[:head] + _ELLIPSIS + text[len(text) - (length - 1 - head) :]
