"""Credentials in URLs: a URL with them is rejected, and they are removed from texts."""

from __future__ import annotations

import re
from urllib.parse import unquote

from srcnn.errors import UsageError

# user@host and user:password@host, in any part of a chained URL. AWS secrets may contain slashes,
# so a password may end anywhere. A port and an ARN are not the start of one.
_USER = re.compile(r"://(?:[^/?#]*@|(?!arn:)[^/?#@:]*:(?![0-9]+(?:[/?#]|$)).*@)", re.DOTALL)
# Words in the names of query parameters that grant access: of signed URLs (`X-Goog-Signature`,
# `Key-Pair-Id`, `sig`), and of services (`api_key`, `accessToken`).
_SECRET_WORDS = frozenset(
    {
        *("signature", "sig", "hmac", "policy", "key", "token", "jwt", "auth", "authorization"),
        *("secret", "password", "passwd", "passphrase", "pass", "pwd", "pin", "otp"),
        *("credential", "credentials", "creds", "session", "sessionid", "bearer", "sas"),
    }
)
_SECRET_PARTS = ("signature", "token", "secret", "passw", "apikey", "accesskey", "credential")
_PARAMETER = re.compile(r"[?&;#]([^=&;#?]*)=")
_WORD_ENDS = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")
# In the text of an error: the user of a URL, up to the last @, and its query.
_SHOWN_USER = re.compile(r"(://)[^\s\"'<>]*@")
_SHOWN_QUERY = re.compile(r"(://[^\s\"'<>?#]*)[?#][^\s\"'<>]*")


def check_url(url: str) -> str:
    """Reject a URL that contains credentials: it would end up in logs, reports and databases.

    Returns:
        The URL, unchanged.

    Raises:
        UsageError: it contains a user, a password or a signature; the message does not repeat it.
    """
    if not url.strip():
        raise UsageError("the URL is empty: expected a path or a URL such as s3://bucket/prefix")
    if "://" in url and (_USER.search(url) or _has_secret_parameter(url)):
        scheme = re.split(r"[^a-zA-Z0-9+.-]", url.strip(), maxsplit=1)[0]
        raise UsageError(
            f"the {scheme}:// URL contains credentials: remove them, and, for S3, set them "
            "in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE)"
        )
    return url


def redact(text: str) -> str:
    """Remove users, passwords and queries from the URLs in a text.

    Args:
        text: such as an error of a library, which may contain the URL of a redirect, of a proxy or
            of an endpoint.
    """
    return _SHOWN_QUERY.sub(r"\1", _SHOWN_USER.sub(r"\1", text))


def _has_secret_parameter(url: str) -> bool:
    return any(_grants_access(unquote(name)) for name in _PARAMETER.findall(url))


def _grants_access(name: str) -> bool:
    words = [word.lower() for word in _WORD_ENDS.split(name)]
    return not _SECRET_WORDS.isdisjoint(words) or any(
        part in "".join(words) for part in _SECRET_PARTS
    )
