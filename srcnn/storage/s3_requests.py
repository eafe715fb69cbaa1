"""S3 requests of our own, where fsspec needs more requests or memory, or loses information.

fsspec lists a bucket in one call: a page that fails starts it over, and a file `a` hides
behind `a/b`. It sends two requests to check whether a file exists, and one more after a write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from aiobotocore.parsers import AioRestXMLParser
from botocore.exceptions import BotoCoreError
from fsspec.asyn import sync

from srcnn.storage.object_metadata import ObjectMetadata
from srcnn.storage.retries import StorageLimits
from srcnn.storage.s3_metadata_headers import build_headers

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

Retry = Callable[[Callable[[], Any]], Any]  # calls, and calls again while that may help

_PART_BYTES = 16 * 2**20
_PARTS_AT_A_TIME = 4
_LISTING_FIELDS = {"Name", "Contents", "IsTruncated", "KeyCount", "MaxKeys", "CommonPrefixes"}
_MOST_EMPTY_PAGES = 1000  # a server may have some, where objects were deleted
# Set on a client whose server has been seen to give the ETag of a write again when asked. Some
# answer a write with an ETag, and requests about the object without one, or with another.
_REPEATS_ETAGS = "srcnn_repeats_etags"
_SLOWEST_BYTES_PER_SECOND = 64 * 1024
_READ_BYTES = 2**20
# What botocore raises for a response whose fields are missing, or no numbers and times.
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError)


def call_s3(fs: AbstractFileSystem, operation: str, **options: Any) -> Mapping[str, Any]:
    """Make one request.

    Args:
        fs: s3fs's file system.
        operation: botocore's name of it.
        options: of the request.

    Raises:
        OSError: the response cannot be read.
        Exception: those of s3fs and botocore.
    """
    try:
        response: Mapping[str, Any] = sync(fs.loop, _call, fs, operation, options)
    except _UNREADABLE as error:
        raise _explain_unreadable(error) from error
    return response


async def _call(fs: AbstractFileSystem, operation: str, options: dict[str, Any]) -> Any:
    return await fs._call_s3(operation, **options)  # noqa: SLF001 - the one within fsspec's loop


def _explain_unreadable(error: Exception) -> Exception:
    is_of_botocore = isinstance(error, BotoCoreError) or str(error).startswith("Invalid endpoint")
    # A name that is not UTF-8 is in no response, but in the request.
    if isinstance(error, OSError | UnicodeEncodeError) or is_of_botocore:
        return error
    return OSError("the server's response has other fields than S3's")


def list_pages(
    fs: AbstractFileSystem, root: str, retry: Retry
) -> Iterator[list[Mapping[str, Any]]]:
    """List every object below a prefix, page by page; each page is retried by itself.

    Args:
        fs: s3fs's file system.
        root: bucket, or bucket and prefix, without a slash at its end.
        retry: makes a call with retries.

    Yields:
        The entries of a page.
    """
    token: dict[str, str] = {}
    progress = _ListingProgress()
    while True:
        call = partial(progress.list, fs, root, **token)
        entries, next_token = retry(call)
        yield entries
        if not next_token:
            return
        token = {"ContinuationToken": next_token}
        _use_fast_parser(fs)


class _ListingProgress:
    """Lists page by page, and notices a server whose pages would never end."""

    def __init__(self) -> None:
        self._tokens: set[str] = set()
        self._first_keys: set[str] = set()
        self._empty_pages = 0

    def list(
        self, fs: AbstractFileSystem, root: str, **token: str
    ) -> tuple[list[Mapping[str, Any]], str]:
        """Return the entries of a page, and the token of the next one; empty at the end.

        Raises:
            OSError: the page, or the one that it leads to, has been listed before.
        """
        page = _list(fs, root, **token)
        entries, next_token = page.get("Contents", []), _read_token(page)
        first_key = entries[0]["Key"] if entries else ""
        self._empty_pages = 0 if entries else self._empty_pages + 1
        if next_token in self._tokens or first_key in self._first_keys:
            raise OSError("the listing does not end: the server repeats its pages")
        if self._empty_pages > _MOST_EMPTY_PAGES:
            raise OSError(f"the listing does not end: {self._empty_pages} empty pages in a row")
        self._tokens |= {next_token} - {""}
        self._first_keys |= {first_key} - {""}
        return entries, next_token


def _read_token(page: Mapping[str, Any]) -> str:
    token = str(page.get("NextContinuationToken") or "")
    is_truncated = page.get("IsTruncated", bool(token))  # without the field, a token says it
    if is_truncated and not token:
        raise OSError("the server truncated the listing without a continuation token")
    return token if is_truncated else ""


class _ListingParser(AioRestXMLParser):  # type: ignore[misc] # untyped
    """Takes the fields of objects as text, without converting them.

    botocore's conversion of each field by its type is a third of the work of a long listing.
    If a later version renames the method, listings are slower again, and still correct.
    """

    def _handle_list(self, shape: Any, node: Any) -> Any:
        if shape.name != "ObjectList":
            return super()._handle_list(shape, node)
        entries = node if isinstance(node, list) else [node]
        return [{field.tag.rpartition("}")[2]: field.text for field in entry} for entry in entries]


def _use_fast_parser(fs: AbstractFileSystem) -> None:
    """Make a client use `_ListingParser`; it needs a session, which its first call created."""
    factory = fs.session.get_component("response_parser_factory")
    create_default = type(factory).create_parser

    def create_parser(protocol: str) -> Any:
        if protocol == "rest-xml":  # S3's
            return _ListingParser(**factory._defaults)  # noqa: SLF001 - as botocore does
        return create_default(factory, protocol)

    factory.create_parser = create_parser


def has_any(fs: AbstractFileSystem, root: str, *, timeout_seconds: float | None = None) -> bool:
    """Whether there is any object below a prefix; True for a whole bucket, even if empty.

    Args:
        fs: s3fs's file system.
        root: as in `list_pages`.
        timeout_seconds: of the request.
    """
    page = _list(fs, root, MaxKeys=1, timeout=timeout_seconds)
    return not get_prefix(fs, root) or bool(page.get("Contents"))


def get_prefix(fs: AbstractFileSystem, root: str) -> str:
    """Return the prefix of all keys below a root; empty for a whole bucket."""
    _, key, _ = fs.split_path(root)
    return f"{key}/" if key else ""


def _list(fs: AbstractFileSystem, root: str, **options: Any) -> Mapping[str, Any]:
    bucket, _, _ = fs.split_path(root)
    page = call_s3(fs, "list_objects_v2", Bucket=bucket, Prefix=get_prefix(fs, root), **options)
    if not page.keys() & _LISTING_FIELDS:
        raise OSError("the response is not a listing of S3")
    return page


def head(fs: AbstractFileSystem, path: str) -> Mapping[str, Any]:
    """Read size, ETag and time of one object, under the names that a listing uses.

    Raises:
        FileNotFoundError: there is no such object.
    """
    bucket, key, _ = fs.split_path(path)
    found = call_s3(fs, "head_object", Bucket=bucket, Key=key)
    if "ContentLength" not in found:
        raise OSError("the server does not say how large the file is")
    names = {"ETag": "ETag", "LastModified": "LastModified", "Size": "ContentLength"}
    return {name: found[theirs] for name, theirs in names.items() if theirs in found}


def get(
    fs: AbstractFileSystem, path: str, limit_bytes: int, start: int | None = None
) -> bytes | int:
    """Read an object, or a range of it, by one request.

    Args:
        fs: s3fs's file system.
        path: of the object.
        limit_bytes: the most that it may have, whatever size a listing gave; the length of the
            range.
        start: of the range; None for the whole object.

    Returns:
        Its content, or its size in bytes if that is above the limit; one more than the limit if the
        server announces no size.

    Raises:
        FileNotFoundError: there is no such object.
        Exception: those of s3fs and botocore.
    """
    return get_with_response(fs, path, limit_bytes, start)[0]


def get_with_response(
    fs: AbstractFileSystem, path: str, limit_bytes: int, start: int | None = None
) -> tuple[bytes | int, Mapping[str, Any]]:
    """Read an object as `get` does; return the response as well, with what is stored about it."""
    bucket, key, _ = fs.split_path(path)
    options = {"Bucket": bucket, "Key": key}
    if start is not None:
        options["Range"] = f"bytes={start}-{start + limit_bytes - 1}"
    try:
        found: tuple[bytes | int, Mapping[str, Any]] = sync(fs.loop, _get, fs, options, limit_bytes)
    except _UNREADABLE as error:
        raise _explain_unreadable(error) from error
    return found


async def _get(
    fs: AbstractFileSystem, options: dict[str, Any], limit_bytes: int
) -> tuple[bytes | int, Mapping[str, Any]]:
    response = await fs._call_s3("get_object", **options)  # noqa: SLF001 - as above
    body, announced = response["Body"], response.get("ContentLength", 0)
    parts, left_bytes = [], limit_bytes + 1
    try:
        if announced > limit_bytes:
            return int(announced), response
        # The read after the last part checks that none is missing.
        while left_bytes and (part := await body.read(min(left_bytes, _READ_BYTES))):
            parts.append(part)
            left_bytes -= len(part)
    finally:
        body.close()  # with the connection, if there is more to read
    return (b"".join(parts) if left_bytes else limit_bytes + 1), response


def get_tags(fs: AbstractFileSystem, path: str) -> dict[str, str]:
    """Read the tags of an object."""
    bucket, key, _ = fs.split_path(path)
    response = call_s3(fs, "get_object_tagging", Bucket=bucket, Key=key)
    return {tag["Key"]: tag["Value"] for tag in response.get("TagSet", [])}


def put(
    fs: AbstractFileSystem,
    path: str,
    data: bytes,
    limits: StorageLimits,
    metadata: ObjectMetadata | None = None,
) -> Mapping[str, Any]:
    """Write an object by one PUT, or by a multipart upload that is invisible until complete.

    Args:
        fs: s3fs's file system.
        path: of the object.
        data: its content.
        limits: the timeout, and how objects are stored.
        metadata: of an image; None for our own files.

    Returns:
        Its entry in a listing. If the ETag in the response is the MD5 of the data, and the server
        is known to repeat it, no further request is needed; otherwise the server is asked.
    """
    response = fs.pipe_file(
        path,
        data,
        chunksize=_PART_BYTES,
        max_concurrency=_PARTS_AT_A_TIME,
        # The read timeout does not cover a server that stops accepting bytes.
        timeout=limits.timeout_seconds + len(data) / _SLOWEST_BYTES_PER_SECOND,
        **build_headers(path, limits.s3, metadata),
    )
    etag = (response or {}).get("ETag", "")
    is_digest = normalise_etag(etag) == hashlib.md5(data, usedforsecurity=False).hexdigest()
    if is_digest and getattr(fs, _REPEATS_ETAGS, False):
        return {"ETag": etag, "Size": len(data)}
    found = head(fs, path)
    if is_digest and normalise_etag(found.get("ETag", "")) == normalise_etag(etag):
        setattr(fs, _REPEATS_ETAGS, True)
    return found


def normalise_etag(etag: str) -> str:
    """Return an ETag without quotes and without the mark of a weak one.

    Servers and proxies differ in both, even between a listing and the response about one object.
    """
    return etag.strip().removeprefix("W/").replace("&quot;", "").strip('"')
