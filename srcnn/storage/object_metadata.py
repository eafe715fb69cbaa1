"""What a bucket stores about an object for its readers, and what of it an output takes over."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

# Digests of the content that rclone and s3cmd store. An output has other content, and they would
# report it as damaged.
_DIGESTS = frozenset({"md5chksum", "s3cmd-attrs"})
_RESERVED_TAGS = "aws:"  # which only Amazon may write


@dataclass(frozen=True)
class ObjectMetadata:
    """What is stored about an object; its media type follows from its name.

    Attributes:
        cache_control: header, as `max-age=3600`.
        content_disposition: header, as `attachment; filename="cat.png"`.
        content_language: header, as `en`.
        user: the user's metadata by name.
        tags: by key.
    """

    cache_control: str | None = None
    content_disposition: str | None = None
    content_language: str | None = None
    user: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    def for_output(self, source: str, output: str) -> ObjectMetadata:
        """Return what still holds for an output made of this object.

        A file name in `content_disposition` follows the output's extension, and what describes the
        source's content is left out.

        Args:
            source: key of the object.
            output: key of the output.
        """
        return replace(
            self,
            content_disposition=_rename(self.content_disposition, source, output),
            user={name: text for name, text in self.user.items() if name.lower() not in _DIGESTS},
            tags={k: v for k, v in self.tags.items() if not k.startswith(_RESERVED_TAGS)},
        )


def _rename(disposition: str | None, source: str, output: str) -> str | None:
    """Replace the source's extension at the end of file names."""
    theirs, ours = (posixpath.splitext(key)[1] for key in (source, output))
    if not disposition or not theirs or theirs == ours:
        return disposition
    pattern = rf"{re.escape(theirs)}(?=[\"';\s]|$)"
    return re.sub(pattern, lambda _: ours, disposition, flags=re.IGNORECASE)


NO_METADATA = ObjectMetadata()


@dataclass(frozen=True)
class ObjectOptions:
    """What is stored about outputs, if the destination is a bucket.

    Attributes:
        copy_metadata: whether an output takes over what is stored about its source.
        cache_control: of every output, in place of the source's; None for the source's.
    """

    copy_metadata: bool = True
    cache_control: str | None = None
