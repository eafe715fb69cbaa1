"""What the errors of S3 servers mean, and what to do about each: one table.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and the codes of
MinIO, Ceph, Backblaze B2 and Cloudflare R2 where they differ.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from srcnn.errors import (
    AccessDeniedError,
    SourceMissingError,
    SrcnnError,
    StorageError,
    StorageUnavailableError,
    UsageError,
)


@dataclass(frozen=True)
class Meaning:
    """What an error means.

    Attributes:
        kind: the error to raise.
        advice: what to do.
        summary: what it is, in front of the server's words; empty if these say it.
        is_transient: whether another attempt may succeed.
    """

    kind: type[SrcnnError]
    advice: str
    summary: str = ""
    is_transient: bool = False


PROXY_ADVICE = "check AWS_ENDPOINT_URL, HTTPS_PROXY and NO_PROXY"
_CHECKSUM_VARIABLES = (
    "AWS_REQUEST_CHECKSUM_CALCULATION=when_required and "
    "AWS_RESPONSE_CHECKSUM_VALIDATION=when_required"
)
_RETRY = "check the network and AWS_ENDPOINT_URL, and run again"

_DENIED = Meaning(
    AccessDeniedError,
    "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or AWS_PROFILE, and the permissions that they "
    "give; if the requester pays for this bucket, set SRCNN_S3_REQUESTER_PAYS=true",
    "access denied",
)
_KEY = Meaning(
    AccessDeniedError,
    "check AWS_ACCESS_KEY_ID or AWS_PROFILE, and that AWS_ENDPOINT_URL is the server of that key",
    "access denied",
)
_SIGNATURE = Meaning(
    AccessDeniedError,
    "check AWS_SECRET_ACCESS_KEY and AWS_REGION. If they are right, a proxy changes requests, or "
    f"the server does not know newer checksums: set {_CHECKSUM_VARIABLES}",
    "access denied",
)
_EXPIRED = Meaning(
    AccessDeniedError,
    "the temporary credentials have expired or are not valid: sign in again, or renew "
    "AWS_SESSION_TOKEN, and run again",
    "access denied",
)
_ACCOUNT = Meaning(
    AccessDeniedError, "look into the account at the storage's provider", "access denied"
)
_CLOCK = Meaning(
    StorageError,
    "set the clock of this machine: it differs too much from the server's",
    "the clocks differ",
)
_REGION = Meaning(
    StorageError,
    "set AWS_REGION to the region of the bucket, and check AWS_ENDPOINT_URL",
    "another region or endpoint",
)
_ARCHIVED = Meaning(
    StorageError,
    "restore it from its archive (Glacier) first, and run again",
    "the file is archived",
)
_KMS = Meaning(
    AccessDeniedError,
    "check the KMS key, that of SRCNN_S3_KMS_KEY or of the bucket: that it is enabled, and that "
    "the credentials may use it (kms:Decrypt to read, kms:GenerateDataKey to write)",
    "the encryption key cannot be used",
)
_PAYER = Meaning(
    AccessDeniedError,
    "the requester pays for this bucket: set SRCNN_S3_REQUESTER_PAYS=true",
    "access denied",
)
_TAGS = Meaning(
    AccessDeniedError,
    "tags are copied: permit s3:GetObjectTagging on the source and s3:PutObjectTagging on the "
    "destination, or use --object-metadata none",
    "access denied",
)
_METADATA = Meaning(
    StorageError,
    "metadata and tags are copied from the source, and this server does not take them: use "
    "--object-metadata none, or change them there",
)
_CUSTOMER_KEY = Meaning(
    StorageError,
    "files encrypted by a key of the client (SSE-C) cannot be read: leave them out with --exclude",
)
_ACL = Meaning(
    StorageError,
    "SRCNN_S3_ACL is set: permit s3:PutObjectAcl if the bucket has ACLs; if not, unset the "
    "variable, and use a policy of the bucket",
    "the ACL is refused",
)
_CLASS = Meaning(
    StorageError, "check SRCNN_S3_STORAGE_CLASS: which classes are there, and for which objects"
)
_FULL = Meaning(
    StorageError, "free some space, or raise the quota, and run again", "the storage is full"
)
_READ_ONLY = Meaning(
    StorageError,
    "check whether the server or the bucket is read-only, and AWS_ENDPOINT_URL",
    "the server does not allow this",
)
_LOCKED = Meaning(
    StorageError,
    "its retention or object lock does not allow changes: write to another bucket",
    "the file is locked",
)
_CHECKSUMS = Meaning(
    StorageError,
    f"the server may not know newer checksums: set {_CHECKSUM_VARIABLES}, and run again",
)
_DAMAGED_ON_THE_WAY = Meaning(
    StorageUnavailableError,
    f"run again; if it always fails, set {_CHECKSUM_VARIABLES}",
    is_transient=True,
)
_TOO_LARGE = Meaning(
    StorageError,
    "the server takes no file of this size: raise its limit, or use a smaller scale or another "
    "--format",
)
_NAME = Meaning(StorageError, "rename the file: the server does not take its name")
_CHANGED = Meaning(StorageError, "the file may have changed during the run: run again")
_BUSY = Meaning(
    StorageUnavailableError,
    "the server asks for fewer requests: lower SRCNN_TRANSFERS or --workers, and run again",
    is_transient=True,
)
_TRANSIENT = Meaning(StorageUnavailableError, _RETRY, is_transient=True)
_NO_BUCKET = Meaning(
    SourceMissingError, "check its name, AWS_REGION and AWS_ENDPOINT_URL", "no such bucket"
)
_NO_FILE = Meaning(SourceMissingError, "check its name", "no such file")
_BUCKET_NAME = Meaning(UsageError, "check its spelling", "not a valid S3 bucket or key name")
_PROXY_LOGIN = Meaning(
    StorageError,
    "the proxy wants credentials: check HTTPS_PROXY, or name the server in NO_PROXY",
    "the proxy refused the request",
)
_OTHER = Meaning(StorageError, "check AWS_ENDPOINT_URL and the server")

# By the words of the server, which say more than its code. The first match counts.
_WORDS: tuple[tuple[re.Pattern[str], Meaning], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), meaning)
    for pattern, meaning in (
        (r"\bkms[:.]|\bkms key", _KMS),
        (r"\bs3:(Get|Put)ObjectTagging", _TAGS),
        (r"\bs3:PutObjectAcl", _ACL),
        (r"stored using a form of server.side encryption", _CUSTOMER_KEY),
        (
            r"signature (has )?expired|not yet current|skewed|\bclocks?\b|request has expired",
            _CLOCK,
        ),
        (r"requester.?pay|request-payer", _PAYER),
        (r"\bquota|cap.exceeded|storage full|insufficient storage|no space left", _FULL),
        (r"expecting '|region '[^']*' is wrong|must be addressed using", _REGION),
        (r"checksum|aws-chunked|trailer|STREAMING-|transfer-encoding", _CHECKSUMS),
        (r"\bworm\b|object.?lock|retention", _LOCKED),
        (r"glacier|archived|deep.?archive", _ARCHIVED),
        (r"\b(is|in) read.?only|read.?only mode", _READ_ONLY),
    )
)
_CODES: dict[str, Meaning] = {
    code: meaning
    for codes, meaning in (
        ("AccessDenied AccessDeniedException Forbidden UnauthorizedAccess", _DENIED),
        ("InvalidAccessKeyId UnrecognizedClientException", _KEY),
        ("SignatureDoesNotMatch", _SIGNATURE),
        ("ExpiredToken ExpiredTokenException InvalidToken InvalidClientTokenId", _EXPIRED),
        ("TokenRefreshRequired InvalidSecurity", _EXPIRED),
        ("AccountProblem AllAccessDisabled NotSignedUp InvalidPayer", _ACCOUNT),
        ("RequestTimeTooSkewed RequestExpired RequestInTheFuture", _CLOCK),
        ("AuthorizationHeaderMalformed PermanentRedirect TemporaryRedirect Redirect", _REGION),
        ("IllegalLocationConstraintException InvalidRegion InvalidLocationConstraint", _REGION),
        ("InvalidObjectState RestoreAlreadyInProgress ObjectNotInActiveTierError", _ARCHIVED),
        ("QuotaExceeded XMinioStorageFull InsufficientStorage StorageFull", _FULL),
        ("XMinioAdminBucketQuotaExceeded InsufficientCapacity TooManyBuckets", _FULL),
        ("MethodNotAllowed ReadOnly InvalidBucketState", _READ_ONLY),
        ("ObjectLocked InvalidRetention FileImmutable BlobImmutableDueToPolicy", _LOCKED),
        ("NotImplemented UnsupportedArgument MalformedTrailerError", _CHECKSUMS),
        ("MissingContentLength XAmzContentChecksumMismatch", _CHECKSUMS),
        ("BadDigest XAmzContentSHA256Mismatch IncompleteBody InvalidDigest", _DAMAGED_ON_THE_WAY),
        ("EntityTooLarge MaxMessageLengthExceeded RequestEntityTooLarge", _TOO_LARGE),
        ("KeyTooLongError KeyTooLong InvalidURI XMinioInvalidObjectName InvalidObjectName", _NAME),
        ("InvalidRange PreconditionFailed NoSuchUpload InvalidPart", _CHANGED),
        ("SlowDown SlowDownRead SlowDownWrite Throttling ThrottlingException", _BUSY),
        ("RequestLimitExceeded TooManyRequests TooManyRequestsException Busy", _BUSY),
        ("BandwidthLimitExceeded RequestThrottled", _BUSY),
        ("RequestTimeout OperationAborted ConditionalRequestConflict InternalError", _TRANSIENT),
        ("ServiceUnavailable XMinioServerNotInitialized", _TRANSIENT),
        ("NoSuchBucket", _NO_BUCKET),
        ("NoSuchKey NoSuchVersion NotFound", _NO_FILE),
        ("InvalidBucketName", _BUCKET_NAME),
        ("AccessControlListNotSupported", _ACL),
        ("InvalidStorageClass", _CLASS),
        ("MetadataTooLarge InvalidTag", _METADATA),
    )
    for code in codes.split()
}
_STATUSES: dict[int, Meaning] = {
    **dict.fromkeys((301, 302, 307, 308), _REGION),
    **dict.fromkeys((401, 403), _DENIED),
    404: _NO_FILE,
    405: _READ_ONLY,
    407: _PROXY_LOGIN,
    **dict.fromkeys((408, 409, 425), _TRANSIENT),
    411: _CHECKSUMS,
    412: _CHANGED,
    413: _TOO_LARGE,
    414: _NAME,
    416: _CHANGED,
    429: _BUSY,
    501: _CHECKSUMS,
    507: _FULL,
}
_SERVER_ERROR = 500
# Servers use these for many things: their words say more.
_BROAD = {_DENIED, _SIGNATURE, _CHECKSUMS, _READ_ONLY}
# What may pass, or is not there, whatever the words.


_CERTAIN = {_NO_BUCKET, _NO_FILE, _BUSY, _TRANSIENT, _DAMAGED_ON_THE_WAY}
_ARN = re.compile(r"\barn:\S+")


def find_meaning(status: int, code: str, message: str) -> Meaning:
    """Find what an error of an S3 server means.

    Args:
        status: of the response.
        code: S3's, such as "AccessDenied"; empty or the status if the response has no body.
        message: the server's words.
    """
    known = _CODES.get(code) or _STATUSES.get(status)
    if known in _CERTAIN or (known and code in _CODES and known not in _BROAD):
        return known
    words = _ARN.sub("", f"{code} {message}")  # names of users and buckets mean nothing
    by_words = next((meaning for pattern, meaning in _WORDS if pattern.search(words)), None)
    return by_words or known or (_TRANSIENT if status >= _SERVER_ERROR else _OTHER)
