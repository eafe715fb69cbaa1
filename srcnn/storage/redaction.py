"""Texts of libraries and servers, made fit for our messages.

None may repeat what could be a secret: the query or the user of a URL, a signature, or a key.
"""

from __future__ import annotations

import os
import re

from srcnn.printable_text import one_line, shorten
from srcnn.storage.url_credentials import redact

_LONGEST_MESSAGE = 300
_LONGEST_TEXT = 2_000  # some of the patterns take the square of a text's length
# Servers for tests take any; the letters of such a key would be replaced in all words.
_SHORTEST_SECRET = 8  # characters
_SECRET_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID")
_REPLACEMENTS = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"\?[^\s\"']*", ""),  # the query of a path
        (r"\b(A3T|AKIA|ASIA)[A-Z0-9]{12,}", "***"),
        (
            r"\b((x-amz-)?(signature|credential|security-token)|awsaccesskeyid)\b[=:]\s*\S+",
            r"\1=***",
        ),
        (r"\b[0-9a-f]{64}\b", "***"),  # a signature
        (r" ?ssl:(default|<[^>]*>)", ""),
        # What Python shows of an object without a text, at the start of urllib3's errors.
        (r"<[^<>]* object at 0x[0-9a-f]+>:? ?|[a-z]+\([^()]*0x[0-9a-f]+[^()]*\):? ?", ""),
        (r"\[Errno -?\d+\] ", ""),
    )
)


def clean_message(text: str) -> str:
    """Make a text of a library or a server fit for a message: one short line, without secrets."""
    text = redact(_cut(" ".join(text.split())))
    for name in _SECRET_VARIABLES:
        if len(secret := os.environ.get(name, "")) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    for pattern, replacement in _REPLACEMENTS:
        text = pattern.sub(replacement, text)
    return shorten(one_line(text), _LONGEST_MESSAGE)


def _cut(text: str) -> str:
    """Cut a long text between two words, since half a secret would not be found."""
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT].rpartition(" ")[0]
