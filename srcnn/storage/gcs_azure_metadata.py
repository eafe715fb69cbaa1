"""Metadata of objects in Google Cloud Storage and Azure, under the names of gcsfs and adlfs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from srcnn.storage.content_types import get_content_type
from srcnn.storage.object_metadata import NO_METADATA, ObjectMetadata

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_GOOGLE_NAMES = {
    "cache_control": "cacheControl",
    "content_disposition": "contentDisposition",
    "content_language": "contentLanguage",
}
_FOLDER_MARK = "is_directory"  # which adlfs writes into the metadata of each object


def is_google(fs: AbstractFileSystem) -> bool:
    """Whether it is Google Cloud Storage."""
    return "gs" in fs.protocol


def is_azure(fs: AbstractFileSystem) -> bool:
    """Whether it is Azure Blob Storage."""
    return "az" in fs.protocol


def parse_cloud_metadata(fs: AbstractFileSystem, info: Mapping[str, Any]) -> ObjectMetadata:
    """Return what is stored about an object; `NO_METADATA` in other file systems.

    Args:
        fs: any file system.
        info: of the object, from `fs.info`.
    """
    if not (is_google(fs) or is_azure(fs)):
        return NO_METADATA
    names = _GOOGLE_NAMES if is_google(fs) else {name: name for name in _GOOGLE_NAMES}
    headers = info if is_google(fs) else info.get("content_settings") or {}
    user = {k: v for k, v in (info.get("metadata") or {}).items() if k != _FOLDER_MARK}
    return ObjectMetadata(
        cache_control=headers.get(names["cache_control"]) or None,
        content_disposition=headers.get(names["content_disposition"]) or None,
        content_language=headers.get(names["content_language"]) or None,
        user=user,
    )


def build_cloud_arguments(
    fs: AbstractFileSystem, path: str, metadata: ObjectMetadata | None
) -> dict[str, Any]:
    """Return the arguments of `fs.pipe_file` that say what is stored about an object.

    adlfs takes no user metadata, and neither of them takes tags.

    Args:
        fs: any file system; those without such arguments get none.
        path: of the object, whose extension gives its media type.
        metadata: of an image; None for our own files.
    """
    known = metadata or NO_METADATA
    pairs = ((name, getattr(known, name)) for name in _GOOGLE_NAMES)
    headers = {name: text for name, text in pairs if text}
    content_type = get_content_type(path)
    if is_google(fs):
        user = {"metadata": dict(known.user)} if known.user else {}
        return {"content_type": content_type, "fixed_key_metadata": headers} | user
    if is_azure(fs):
        return {"content_settings": {"content_type": content_type} | headers}
    return {}
