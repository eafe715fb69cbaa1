"""Metadata of objects in the responses and requests of S3, under botocore's names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.header import Header
from typing import Any
from urllib.parse import quote, urlencode

from srcnn.errors import UsageError
from srcnn.storage.content_types import get_content_type
from srcnn.storage.object_metadata import ObjectMetadata
from srcnn.storage.s3_options import OPEN_ACLS, S3Options


def check_header(text: str) -> str:
    """Check the value of a header, and return it.

    Raises:
        UsageError: it is empty, or more than one line of ASCII.
    """
    if not re.fullmatch(r"[!-~]([ -~]*[!-~])?", text):
        raise UsageError("expected one line of ASCII characters, without spaces around it")
    return text


def parse_metadata(response: Mapping[str, Any]) -> ObjectMetadata:
    """Return what the response to a GET says about its object; it has no tags.

    Args:
        response: of GetObject.
    """
    return ObjectMetadata(
        cache_control=response.get("CacheControl"),
        content_disposition=response.get("ContentDisposition"),
        content_language=response.get("ContentLanguage"),
        user=response.get("Metadata", {}),
    )


def build_headers(path: str, s3: S3Options, metadata: ObjectMetadata | None) -> dict[str, Any]:
    """Return what a request that writes an object says about it.

    Args:
        path: of the object, whose extension gives its media type.
        s3: how objects are stored.
        metadata: of an image; None for our own files.
    """
    headers: dict[str, Any] = {"ContentType": get_content_type(path)}
    if s3.kms_key:
        headers |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": s3.kms_key}
    if s3.acl and (metadata is not None or s3.acl not in OPEN_ACLS):
        headers["ACL"] = s3.acl
    if metadata is not None:
        headers |= _build_image_headers(s3, metadata)
    return headers


def _build_image_headers(s3: S3Options, metadata: ObjectMetadata) -> dict[str, Any]:
    headers = {
        "StorageClass": s3.storage_class,
        "CacheControl": metadata.cache_control,
        "ContentDisposition": metadata.content_disposition,
        "ContentLanguage": metadata.content_language,
        "Metadata": {name: _to_ascii(text) for name, text in metadata.user.items()},
        "Tagging": urlencode(metadata.tags, quote_via=quote),
    }
    return {name: value for name, value in headers.items() if value}


def _to_ascii(text: str) -> str:
    """Encode as S3 itself does (RFC 2047): botocore refuses other characters.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
    """
    if text.isascii():
        return text
    readable = text.encode(errors="surrogateescape").decode(errors="replace")
    return Header(readable, "utf-8", maxlinelen=0).encode(maxlinelen=0)
