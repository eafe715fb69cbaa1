r"""Translate a glob of .gitignore into a regular expression that never takes long.

As `.*a.*b`, `*a*b` would try every way to share a name among its stars: time grows with a power of
their number. But the first place where the text behind a star fits is as good as any later one. So
each place is final, in an atomic group, and so it is with `**` and the folders behind it. The time
is at worst the pattern's length times the path's.

https://git-scm.com/docs/gitignore#_pattern_format
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_TOKEN = re.compile(r"\*+|\?|\[[!^]?+\]?+[^\]]*+\]|\\.|[^\\\[]", re.DOTALL)
_RANGE = re.compile(r"(.)(?:-(.))?", re.DOTALL)
_ANY_FOLDERS = "(?:.*?/)??"
_END_OF_NAME = "(?![^/])"


def compile_glob(pattern: str) -> re.Pattern[str] | None:
    """Compile a glob into an expression whose `match` says whether a path is meant.

    A path below a folder that matches is meant too. A set never holds a slash.

    Args:
        pattern: neither empty nor slashes alone; `#` and `!` at its start are ordinary.

    Returns:
        The expression; None if the pattern is not a glob, as `[1.jpg` is not.
    """
    names = pattern.split("/")
    only_below = not names[-1]  # `d*/` means folders, and what is meant is below them
    if only_below:
        names.pop()
    if len(names) == 1:
        names.insert(0, "**")
    elif not names[0]:
        names.pop(0)
    try:
        return re.compile(_translate_path(names, only_below=only_below), re.DOTALL)
    except re.error:  # a range from z to a; a bracket or an escape that never ends
        return None


def _translate_path(names: Sequence[str], *, only_below: bool) -> str:
    """Translate the names of an anchored pattern."""
    runs = _split_at_double_stars(names)
    if not any(runs):  # nothing but `**`
        return "[^/]*+/" if only_below else ""
    only_below |= not runs[-1]
    while not runs[-1]:
        runs.pop()
    ends = ["/"] * (len(runs) - 1) + ["/" if only_below else _END_OF_NAME]
    return "".join(
        f"(?>{_ANY_FOLDERS if number else ''}{'/'.join(map(_translate_name, run))}{end})"
        for number, (run, end) in enumerate(zip(runs, ends, strict=True))
        if run
    )


def _split_at_double_stars(names: Sequence[str]) -> list[list[str]]:
    runs: list[list[str]] = [[]]
    for name in names:
        if name == "**":
            runs.append([])
        else:
            runs[-1].append(name)
    return runs


def _translate_name(name: str) -> str:
    if name == "*":
        return "[^/]++"
    first, *others = _translate_between_stars(name)
    if not others:
        return first
    middle = "".join(f"(?>[^/]*?{text})" for text in others[:-1])
    # The last text must end the name. It has one length: there is one place for it.
    return f"{first}{middle}[^/]*{others[-1]}"


def _translate_between_stars(name: str) -> list[str]:
    """Translate what is before, between and behind the stars of a name."""
    texts, at = [""], 0
    while at < len(name):
        token = _TOKEN.match(name, at)
        if token is None:
            raise re.error(f"no end of {name[at:]!r}")
        at = token.end()
        if token[0].startswith("*"):
            texts.append("")
        else:
            texts[-1] += _translate_token(token[0])
    return texts


def _translate_token(token: str) -> str:
    if token == "?":  # noqa: S105 - not a password
        return "[^/]"
    if len(token) > 1 and token[0] == "[":
        return _translate_set(token[1:-1])
    return re.escape(token[-1])


def _translate_set(content: str) -> str:
    is_negated = content[0] in "!^"
    ranges = _RANGE.findall(content[is_negated:])
    members = "".join(
        f"{re.escape(low)}-{re.escape(high)}" if high else re.escape(low) for low, high in ranges
    )
    return f"(?!/)[{'^' if is_negated else ''}{members}]"
