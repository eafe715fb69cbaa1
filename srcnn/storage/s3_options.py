"""How objects are stored in S3 buckets: what the machine's settings say for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Acl = Literal[
    "private", "public-read", "authenticated-read", "bucket-owner-read", "bucket-owner-full-control"
]
"""Canned ACLs: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html."""

OPEN_ACLS: frozenset[Acl] = frozenset({"public-read", "authenticated-read"})
"""Those that let others than the bucket's owner read."""


@dataclass(frozen=True)
class S3Options:
    """What requests say beside the object; None leaves it to the bucket.

    Attributes:
        storage_class: of images; our own files, small and often replaced, take the bucket's.
        kms_key: ID, ARN or alias of the KMS key that encrypts all objects.
        acl: of all objects; one of `OPEN_ACLS` is given to images only, as our own files name
            every source.
        requester_pays: whether we accept to pay for requests.
    """

    storage_class: str | None = None
    kms_key: str | None = None
    acl: Acl | None = None
    requester_pays: bool = False
