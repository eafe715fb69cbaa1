"""S3 in its own words, where fsspec's cost more requests, more memory, or lose something.

fsspec lists a bucket as one call: a page that fails starts it over, and a file `a` hides
behind `a/b`. It asks twice whether a file is there, and once more after a write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from aiobotocore.parsers import AioRestXMLParser

from srcnn.storage.retries import StorageLimits

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

Ask = Callable[[Callable[[], Any]], Any]

_PART_BYTES = 16 * 2**20
_PARTS_AT_A_TIME = 4
_SLOWEST_BYTES_PER_SECOND = 64 * 1024


def pages(fs: AbstractFileSystem, root: str, ask: Ask) -> Iterator[list[Mapping[str, Any]]]:
    """Every object below a prefix, a page at a time; each page is asked for by itself.

    Args:
        fs: s3fs's file system.
        root: bucket, or bucket and prefix, without a slash at its end.
        ask: calls, and tries again.
    """
    token: dict[str, str] = {}
    while True:
        page = ask(lambda: _list(fs, root, **token))  # noqa: B023 - called at once
        yield page.get("Contents", [])
        if not page.get("IsTruncated"):
            return
        token = {"ContinuationToken": page["NextContinuationToken"]}
        _list_fast(fs)


class _ListingParser(AioRestXMLParser):  # type: ignore[misc] # without types
    """Takes the fields of objects as they stand.

    A third of the work of a long listing is botocore's look at each field's type. Where a
    later version calls this otherwise, that look is back, and nothing else.
    """

    def _handle_list(self, shape: Any, node: Any) -> Any:
        if shape.name != "ObjectList":
            return super()._handle_list(shape, node)
        entries = node if isinstance(node, list) else [node]
        return [{field.tag.rpartition("}")[2]: field.text for field in entry} for entry in entries]


def _list_fast(fs: AbstractFileSystem) -> None:
    """Let a client's listings go through `_ListingParser`; its first call gave it a session."""
    factory = fs.session.get_component("response_parser_factory")
    others = type(factory).create_parser

    def create_parser(protocol: str) -> Any:
        is_s3s = protocol == "rest-xml"
        return _ListingParser(**factory._defaults) if is_s3s else others(factory, protocol)  # noqa: SLF001

    factory.create_parser = create_parser


def is_any(fs: AbstractFileSystem, root: str, *, timeout_seconds: float | None = None) -> bool:
    """Whether anything lies below a prefix; a whole bucket counts as such, empty or not.

    Args:
        fs: s3fs's file system.
        root: as in `pages`.
        timeout_seconds: give up after that.
    """
    page = _list(fs, root, MaxKeys=1, timeout=timeout_seconds)
    return not prefix_of(fs, root) or bool(page.get("Contents"))


def prefix_of(fs: AbstractFileSystem, root: str) -> str:
    """What the keys below a root begin with, which is nothing in a whole bucket."""
    _, key, _ = fs.split_path(root)
    return f"{key}/" if key else ""


def _list(fs: AbstractFileSystem, root: str, **options: Any) -> Mapping[str, Any]:
    bucket, _, _ = fs.split_path(root)
    page: Mapping[str, Any] = fs.call_s3(
        "list_objects_v2", Bucket=bucket, Prefix=prefix_of(fs, root), **options
    )
    if page.get("IsTruncated") and not page.get("NextContinuationToken"):
        raise OSError("the server says that the listing goes on, but not where")
    return page


def head(fs: AbstractFileSystem, path: str) -> Mapping[str, Any]:
    """What the server knows of one object, in the words of a listing.

    Raises:
        FileNotFoundError: there is none.
    """
    bucket, key, _ = fs.split_path(path)
    found = fs.call_s3("head_object", Bucket=bucket, Key=key)
    return {"ETag": found["ETag"], "Size": found["ContentLength"]}


def put(fs: AbstractFileSystem, path: str, data: bytes, limits: StorageLimits) -> Mapping[str, Any]:
    """Write an object by one PUT, or by parts that nobody sees until the last one is there.

    Returns:
        What a listing will say of it. Where the PUT's answer carries the digest of what was
        sent, that is proof enough; else the server is asked.
    """
    told = fs.pipe_file(
        path,
        data,
        chunksize=_PART_BYTES,
        max_concurrency=_PARTS_AT_A_TIME,
        # A server that stops taking bytes is no silence that a read would notice.
        timeout=limits.timeout_seconds + len(data) / _SLOWEST_BYTES_PER_SECOND,
    )
    etag = (told or {}).get("ETag", "")
    if etag.strip('"') == hashlib.md5(data, usedforsecurity=False).hexdigest():
        return {"ETag": etag, "Size": len(data)}
    return head(fs, path)
