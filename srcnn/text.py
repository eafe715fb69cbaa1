"""Names and messages as people can read them, whatever they hold."""

from __future__ import annotations

_ELLIPSIS = "…"


def one_line(text: str) -> str:
    r"""Text without control characters: they would drive a terminal, or break a line.

    Names of files may hold any of them, and bytes that are not UTF-8 (lone surrogates), which
    no server takes. All become escapes (`\n`, `\x1b`, `\udcff`); so do invisible characters and
    those that turn the direction of writing.

    Args:
        text: of any kind.
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def shortened(text: str, length: int) -> str:
    """Text of at most `length` characters; of a longer one, its beginning and its end.

    Args:
        text: the end of a path is its name, so that both ends count.
        length: 3 or more.
    """
    if len(text) <= length:
        return text
    head = (length - 1) // 2
    return text[:head] + _ELLIPSIS + text[len(text) - (length - 1 - head) :]
