"""S3 requests of our own, where fsspec needs more requests or memory, or loses information.

fsspec lists a bucket in one call: a page that fails starts it over, and a file `a` hides
behind `a/b`. It sends two requests to check whether a file exists, and one more after a write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from aiobotocore.parsers import AioRestXMLParser

from srcnn.storage.retries import StorageLimits

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

Retry = Callable[[Callable[[], Any]], Any]  # calls, and calls again while that may help

_PART_BYTES = 16 * 2**20
_PARTS_AT_A_TIME = 4
_SLOWEST_BYTES_PER_SECOND = 64 * 1024


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
    while True:
        page = retry(lambda: _list(fs, root, **token))  # noqa: B023 - called at once
        yield page.get("Contents", [])
        if not page.get("IsTruncated"):
            return
        token = {"ContinuationToken": page["NextContinuationToken"]}
        _use_fast_parser(fs)


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
    page: Mapping[str, Any] = fs.call_s3(
        "list_objects_v2", Bucket=bucket, Prefix=get_prefix(fs, root), **options
    )
    if page.get("IsTruncated") and not page.get("NextContinuationToken"):
        raise OSError("the server truncated the listing without a continuation token")
    return page


def head(fs: AbstractFileSystem, path: str) -> Mapping[str, Any]:
    """Read size and ETag of one object, under the names that a listing uses.

    Raises:
        FileNotFoundError: there is no such object.
    """
    bucket, key, _ = fs.split_path(path)
    found = fs.call_s3("head_object", Bucket=bucket, Key=key)
    return {"ETag": found["ETag"], "Size": found["ContentLength"]}


def put(fs: AbstractFileSystem, path: str, data: bytes, limits: StorageLimits) -> Mapping[str, Any]:
    """Write an object by one PUT, or by a multipart upload that is invisible until complete.

    Returns:
        Its entry in a listing. If the ETag in the response is the MD5 of the data, no further
        request is needed; otherwise the server is asked.
    """
    response = fs.pipe_file(
        path,
        data,
        chunksize=_PART_BYTES,
        max_concurrency=_PARTS_AT_A_TIME,
        # The read timeout does not cover a server that stops accepting bytes.
        timeout=limits.timeout_seconds + len(data) / _SLOWEST_BYTES_PER_SECOND,
    )
    etag = (response or {}).get("ETag", "")
    if etag.strip('"') == hashlib.md5(data, usedforsecurity=False).hexdigest():
        return {"ETag": etag, "Size": len(data)}
    return head(fs, path)
