"""URLs that users give: their schemes, and credentials, for which they are rejected."""

from __future__ import annotations

import re
from pathlib import Path
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
# Archives and caches in front of another file system: `zip://a.onnx::https://host/a.zip`.
_CHAINED = re.compile(r"::[^:]+://|^[a-z0-9]+::", re.IGNORECASE)


def list_schemes(url: str) -> set[str]:
    """List the schemes of a URL: one, or those of all links of a chain of file systems."""
    if _CHAINED.search(url):
        return set(re.findall(r"([a-z0-9]+)://", url))
    return {url.partition("://")[0]}


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
