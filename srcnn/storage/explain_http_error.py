"""Error responses of servers: found in the exceptions of libraries, and explained."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from srcnn.errors import SourceMissingError, StorageError
from srcnn.storage.redaction import clean_message
from srcnn.storage.s3_error_codes import PROXY_ADVICE, find_meaning
from srcnn.storage.storage_failure import StorageFailure

_NOT_S3 = "a web page and not a response of S3"
_WEB_PAGE = re.compile(r"<html|<!doctype html", re.IGNORECASE)


def explain_response(error: Exception) -> StorageFailure | None:
    """Explain an exception that is due to a server's response.

    Args:
        error: of a file system.

    Returns:
        The failure; None if no server responded.
    """
    response = _read_response(error)
    if response is not None:
        return _explain_response(response)
    if isinstance(error, ResponseParserError) and _WEB_PAGE.search(str(error)):
        return StorageFailure(StorageError, f"the server sent {_NOT_S3}", advice=PROXY_ADVICE)
    return None


@dataclass(frozen=True)
class _Response:
    """A server's response that is an error; `code` is S3's, or empty."""

    status: int
    code: str
    message: str
    region: str = ""
    is_web_page: bool = False


def _read_response(error: BaseException) -> _Response | None:
    """Return the server's response, if there was one."""
    if isinstance(error, aiohttp.TooManyRedirects):
        return None
    # A tunnel that a proxy refused is no response of the server.
    if isinstance(error, aiohttp.ClientResponseError) and not isinstance(
        error, aiohttp.ClientHttpProxyError
    ):
        return _Response(error.status, "", error.message)  # its text contains the URL
    # s3fs raises builtin exceptions, with the response as their cause.
    for each in (error, error.__cause__):
        if isinstance(each, boto.ClientError):
            return _parse_response(each.response)
    return None


def _parse_response(response: Mapping[str, Any]) -> _Response:
    metadata = response.get("ResponseMetadata", {})
    details = response.get("Error", {})
    if not details.get("Code"):  # botocore does not find an error in a namespace
        details = response
    code = str(details.get("Code") or "")
    kind = metadata.get("HTTPHeaders", {}).get("content-type", "")
    return _Response(
        metadata.get("HTTPStatusCode", 0),
        "" if code.isdigit() else code,
        str(details.get("Message") or ""),
        str(details.get("Region") or ""),
        is_web_page="html" in kind,
    )


def _explain_response(response: _Response) -> StorageFailure:
    meaning = find_meaning(response.status, response.code, response.message)
    is_foreign = response.is_web_page and not response.code
    advice = PROXY_ADVICE if is_foreign else meaning.advice
    if meaning.kind is SourceMissingError:
        return StorageFailure(meaning.kind, meaning.summary, advice=meaning.advice)
    said = ": ".join(filter(None, (response.code, clean_message(response.message).rstrip(".:"))))
    text = f"HTTP status {response.status} {said}".rstrip()
    if is_foreign:
        text += f", {_NOT_S3}"
    if response.region and response.region not in said:
        text += f" (region {clean_message(response.region)})"
    if meaning.summary:
        text = f"{meaning.summary} ({text})"
    return StorageFailure(meaning.kind, text, meaning.is_transient, advice)
