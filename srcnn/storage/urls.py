"""URLs that people give: refused where they carry credentials."""

from __future__ import annotations

import re
from pathlib import Path

from srcnn.errors import UsageError

# user@host and user:password@host in any link of a chain of URLs. Secrets of AWS hold slashes,
# so that a password may end anywhere; a port and an ARN are not the beginning of one.
_USER = re.compile(r"://(?:[^/?#]*@|(?!arn:)[^/?#@:]*:(?![0-9]+(?:[/?#]|$)).*@)", re.DOTALL)
# Query names under which signed URLs carry what opens the door.
_SECRET_QUERY = re.compile(
    r"[?&;](x-amz-(signature|credential|security-token)|awsaccesskeyid|signature|sig|token"
    r"|access_token|key|secret|password)=",
    re.IGNORECASE,
)


def check_url(url: str) -> str:
    """Refuse an URL that carries credentials: it would end up in logs, reports and databases.

    Raises:
        UsageError: there is a user, a password or a signature in it. The text repeats none.
    """
    if not url.strip():
        raise UsageError("an URL is empty: expected a path or an URL such as s3://bucket/prefix")
    if "://" in url and (_USER.search(url) or _SECRET_QUERY.search(url)):
        scheme = re.split(r"[^a-zA-Z0-9+.-]", url.strip(), maxsplit=1)[0]
        raise UsageError(
            f"the {scheme}:// URL carries credentials: take them out of it, and set them "
            "in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE)"
        )
    return url


def beside(url: str, suffix: str) -> str:
    """The folder of the same name with a suffix, beside the one given.

    Args:
        url: path or URL of a folder.
        suffix: what its name gets.

    Raises:
        UsageError: nothing lies beside it: it is a root, or a whole bucket.
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
    raise UsageError(f"nothing lies beside {url}: give --dst a folder")
