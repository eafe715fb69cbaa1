"""What a server answers, and what the user reads: what happened, and what to do about it."""

from __future__ import annotations

import math
import re
import ssl
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import stamina
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from srcnn.errors import (
    AccessDeniedError,
    SourceMissingError,
    SrcnnError,
    StorageError,
    StorageUnavailableError,
    UsageError,
)
from srcnn.storage.folder import Folder
from srcnn.storage.retries import StorageLimits
from tests.support.servers.faults import FaultProxy, s3_error
from tests.support.servers.seaweedfs import S3Server

WHEN_REQUIRED = "AWS_REQUEST_CHECKSUM_CALCULATION=when_required"
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SIGNED = "https://b.s3.amazonaws.com/k?X-Amz-Signature=" + "a1b2" * 16


@pytest.fixture
def proxy(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    with FaultProxy(s3_server.endpoint) as running, stamina.set_testing(True, attempts=9, cap=True):
        for name, value in s3_server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.endpoint)
        yield running


@pytest.fixture
def folder(proxy: FaultProxy) -> Folder:
    """Every request gets the proxy's answer."""
    assert proxy.endpoint
    return Folder("s3://photos/in", StorageLimits(2, 5))


ERRORS = [
    (403, "RequestTimeTooSkewed", "The difference is too large.", StorageError, "set the clock"),
    (403, "SignatureDoesNotMatch", "Signature expired: 20261129T0", StorageError, "set the clock"),
    (403, "SignatureDoesNotMatch", "Check your key.", AccessDeniedError, "AWS_SECRET_ACCESS_KEY"),
    (403, "InvalidAccessKeyId", "Not in our records.", AccessDeniedError, "AWS_ACCESS_KEY_ID"),
    (400, "ExpiredToken", "The token has expired.", AccessDeniedError, "sign in again"),
    (403, "AccessDenied", "Access Denied", AccessDeniedError, "SRCNN_S3_REQUESTER_PAYS"),
    (403, "AccessDenied", "Not permitted to arn:aws:s3:::kms-quota", AccessDeniedError, "AWS_PROF"),
    (
        403,
        "AccessDenied",
        "not authorized to perform: kms:Decrypt on",
        AccessDeniedError,
        "KMS key",
    ),
    (
        403,
        "AccessDenied",
        "not authorized to perform: s3:PutObjectTagging on",
        AccessDeniedError,
        "--object-metadata none",
    ),
    (400, "AccessControlListNotSupported", "No ACLs.", StorageError, "unset the variable"),
    (400, "MetadataTooLarge", "Your metadata is too large.", StorageError, "metadata none"),
    (400, "InvalidTag", "The TagValue is invalid.", StorageError, "metadata none"),
    (
        400,
        "InvalidRequest",
        "The object was stored using a form of Server Side Encryption.",
        StorageError,
        "(SSE-C) cannot be read",
    ),
    (400, "InvalidStorageClass", "Not valid.", StorageError, "SRCNN_S3_STORAGE_CLASS"),
    (400, "KMS.DisabledException", "arn:aws:kms:x is disabled.", AccessDeniedError, "is enabled"),
    (400, "AuthorizationHeaderMalformed", "expecting 'eu-central-1'", StorageError, "AWS_REGION"),
    (400, "IllegalLocationConstraintException", "incompatible", StorageError, "AWS_REGION"),
    (403, "InvalidObjectState", "not valid for the class", StorageError, "restore it"),
    (403, "QuotaExceeded", "None", StorageError, "free some space"),
    (507, "XMinioStorageFull", "Storage backend is full.", StorageError, "free some space"),
    (507, "InsufficientStorage", "Full.", StorageError, "free some space"),
    (403, "AccessDenied", "Transaction cap exceeded", StorageError, "raise the quota"),
    (405, "MethodNotAllowed", "Not allowed.", StorageError, "is read-only"),
    (400, "EntityTooLarge", "Too large.", StorageError, "of this size"),
    (400, "KeyTooLongError", "Too long.", StorageError, "rename the file"),
    (501, "NotImplemented", "A header implies functionality", StorageError, WHEN_REQUIRED),
    (501, "NotImplemented", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", StorageError, WHEN_REQUIRED),
    (400, "InvalidArgument", "header 'x-amz-sdk-checksum-algorithm'", StorageError, WHEN_REQUIRED),
    (400, "InvalidRequest", "x-amz-checksum-crc32 is unknown", StorageError, WHEN_REQUIRED),
    (400, "InvalidArgument", "aws-chunked is not supported", StorageError, WHEN_REQUIRED),
    (411, "MissingContentLength", "No length.", StorageError, WHEN_REQUIRED),
    (400, "XAmzContentSHA256Mismatch", "No match.", StorageUnavailableError, WHEN_REQUIRED),
    (400, "InvalidArgument", "Something else.", StorageError, "check AWS_ENDPOINT_URL"),
    (418, "Teapot", "Something of its own.", StorageError, "check AWS_ENDPOINT_URL"),
    (503, "SlowDown", "Please reduce your rate.", StorageUnavailableError, "SRCNN_TRANSFERS"),
    (500, "InternalError", "Try again.", StorageUnavailableError, "run again"),
]


@pytest.mark.parametrize(
    ("status", "code", "message", "kind", "advice"),
    ERRORS,
    ids=[f"{code} {message[:12]}" for _, code, message, *_ in ERRORS],
)
def test_the_servers_words_are_shown_and_the_advice_fits(  # noqa: PLR0913, PLR0917 - a table
    status: int,
    code: str,
    message: str,
    kind: type[SrcnnError],
    advice: str,
    folder: Folder,
    proxy: FaultProxy,
) -> None:
    proxy.answer(status, s3_error(code, message))
    for use in (folder.files, lambda: folder.read("a.png"), lambda: folder.write("a.png", b"1")):
        with pytest.raises(kind) as caught:
            use()
        assert type(caught.value) is kind
        text = str(caught.value)
        assert f"HTTP status {status} {code}: {message.rstrip('.')}" in text or code == "NotFound"
        assert advice in text
        assert len(proxy.requests) <= 2 * 3
        if advice not in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROF"):
            assert "AWS_ACCESS_KEY_ID" not in text or "REQUESTER" in text
        proxy.requests.clear()


def test_the_region_that_the_server_names_is_shown(folder: Folder, proxy: FaultProxy) -> None:
    proxy.answer(400, s3_error("AuthorizationHeaderMalformed", "Malformed", Region="eu-central-1"))
    with pytest.raises(StorageError, match=r"Malformed \(region eu-central-1\)"):
        folder.files()


def test_an_error_in_a_namespace_is_read(folder: Folder, proxy: FaultProxy) -> None:
    body = s3_error("InvalidObjectState", "Archived.")
    proxy.answer(403, body.replace(b"<Error>", b'<Error xmlns="http://s3.amazonaws.com/doc/">'))
    with pytest.raises(StorageError, match=r"archived.*InvalidObjectState.*restore it"):
        folder.read("a.png")


def test_a_missing_bucket_and_a_missing_file(folder: Folder, proxy: FaultProxy) -> None:
    proxy.answer(404, s3_error("NoSuchBucket", "None."))
    with pytest.raises(SourceMissingError, match="no such bucket: check its name, AWS_REGION"):
        folder.files()


@pytest.mark.parametrize(
    "secret",
    [
        KEY_ID,
        "testsecret-do-not-repeat",
        SIGNED.partition("?")[2],
        "Credential=" + KEY_ID + "/20261129/us-east-1/s3/aws4_request",
        "a1b2" * 16,
    ],
)
def test_no_secret_of_the_servers_words_is_repeated(
    secret: str, folder: Folder, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-token-do-not-repeat")
    words = f"You sent {SIGNED} and {secret} and session-token-do-not-repeat."
    proxy.answer(403, s3_error("AccessDenied", words.replace("&", "&amp;")))
    with pytest.raises(AccessDeniedError) as caught:
        folder.files()
    text = str(caught.value)
    assert "You sent" in text
    assert secret not in text
    assert "do-not-repeat" not in text
    assert KEY_ID not in text
    assert "a1b2a1b2" not in text


def test_what_the_server_says_is_one_short_line(folder: Folder, proxy: FaultProxy) -> None:
    proxy.answer(400, s3_error("Strange", "one\ntwo \u202e\u0085 " + "x" * 100_000))
    with pytest.raises(StorageError) as caught:
        folder.files()
    text = str(caught.value)
    assert "one two" in text
    assert text.isprintable()
    assert len(text) < 600


@pytest.mark.parametrize("page", [b"<html><body>Blocked</body></html>", b"<!DOCTYPE html><p>No"])
@pytest.mark.parametrize("status", [200, 403, 407, 502, 503])
def test_a_web_page_is_named(page: bytes, status: int, folder: Folder, proxy: FaultProxy) -> None:
    proxy.answer(status, page, headers={"Content-Type": "text/html; charset=utf-8"})
    with pytest.raises(StorageError) as caught:
        folder.files()
    text = str(caught.value)
    assert "web page" in text or "not a listing" in text
    assert "AWS_ENDPOINT_URL" in text
    assert "<" not in text
    if status != 200:
        assert f"HTTP status {status}" in text
        assert "NO_PROXY" in text


def test_a_bucket_elsewhere_names_the_region(folder: Folder, proxy: FaultProxy) -> None:
    body = s3_error("PermanentRedirect", "Must be addressed elsewhere.", Endpoint="b.example")
    proxy.answer(403, method="HEAD")  # as Amazon answers without permission for HeadBucket
    proxy.answer(301, body)
    with pytest.raises(StorageError, match=r"301 PermanentRedirect: Must be.*AWS_REGION"):
        folder.files()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_server_that_redirects_everything_is_named(
    status: int, folder: Folder, proxy: FaultProxy
) -> None:
    """A web server in front of the storage that sends all of http to https."""
    page = b"<html><h1>Moved</h1></html>"
    where = {"Location": "https://storage.invalid/", "Content-Type": "text/html"}
    proxy.answer(status, page, headers=where)
    for use in (folder.files, lambda: folder.read("a.png"), lambda: folder.write("a.png", b"1")):
        with pytest.raises(StorageError, match="AWS_ENDPOINT_URL"):
            use()


@pytest.mark.parametrize("trusted", [False, True])
def test_a_certificate_of_ones_own_needs_the_authority(
    trusted: bool,  # noqa: FBT001 - a parameter of a test
    tmp_path: Path,
    s3_server: S3Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    certificate, key = write_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    bucket = s3_server.make_bucket()
    with FaultProxy(s3_server.endpoint, tls=context) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        if trusted:
            monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
            assert Folder(f"s3://{bucket}").files() == {}
            return
        with pytest.raises(StorageError, match=r"certificate was rejected.*AWS_CA_BUNDLE"):
            Folder(f"s3://{bucket}", StorageLimits(2, 5)).files()


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for 127.0.0.1 that signed itself, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    addresses = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(
        now + timedelta(days=1)
    )
    certificate = builder.add_extension(addresses, critical=False).sign(key, hashes.SHA256())
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
def test_a_proxy_that_is_down_is_named_without_memory_addresses(
    variable: str, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "http://me:proxy-secret@127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://storage.invalid:9000")
    with pytest.raises(StorageError) as caught:
        folder.files()
    text = str(caught.value)
    assert "proxy" in text
    assert "NO_PROXY" in text
    assert "127.0.0.1:1" in text
    for word in ("0x", "object at", "Errno", "proxy-secret"):
        assert word not in text


def test_the_region_of_the_environment_is_used(
    folder: Folder, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    proxy.answer(403, s3_error("AccessDenied", "No."))
    with pytest.raises(AccessDeniedError):
        folder.files()
    assert "/eu-central-1/s3/" in proxy.requests[0].headers["authorization"]


def test_requester_pays_is_sent(
    folder: Folder, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsspec.config import conf  # noqa: PLC0415 - as its environment sets it

    monkeypatch.setitem(conf, "s3", {"requester_pays": "true"})
    proxy.fail("403", math.inf)
    for use in (folder.files, lambda: folder.read("a.png"), lambda: folder.info("a.png")):
        with pytest.raises(AccessDeniedError):
            use()
    assert all(each.headers["x-amz-request-payer"] == "requester" for each in proxy.requests)
    assert len(proxy.requests) == 3


def test_the_advice_on_checksums_works(
    proxy: FaultProxy, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = s3_server.make_bucket()
    for name in ("x-amz-checksum-crc32", "x-amz-checksum-crc64nvme", "x-amz-trailer"):
        proxy.answer(501, s3_error("NotImplemented", f"{name} is unknown"), header=name)
    with pytest.raises(StorageError, match=WHEN_REQUIRED):
        Folder(f"s3://{bucket}/in").write("a.bin", b"1")
    monkeypatch.setenv(*WHEN_REQUIRED.split("=", 1))
    folder = Folder(f"s3://{bucket}/in")
    for size in (1, 35_000_000):  # one PUT, and parts
        assert folder.write("a.bin", bytes(size)).size == size


@pytest.mark.parametrize("variable", ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"])
def test_a_line_of_a_file_of_credentials_is_not_repeated(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("aws_secret_access_key = do-not-repeat\n[default]\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(file))
    with pytest.raises(UsageError, match=r"AWS cannot be parsed: check the files") as raised:
        Folder("s3://bucket/in").files()
    assert "do-not-repeat" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_the_error_says_how_often_a_call_was_attempted(
    attempts: int, proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.fail("503", math.inf)
    folder = Folder("s3://photos/in", StorageLimits(attempts, 5))
    with pytest.raises(StorageUnavailableError, match=r"a\.png: cannot be read: ") as caught:
        folder.read("a.png")
    counts = re.findall(r"\(\d+ attempts\)", str(caught.value))
    assert counts == ([f"({attempts} attempts)"] if attempts > 1 else [])
    assert len(proxy.seen("GET")) == attempts
    retries = [each.getMessage().partition("; ")[2] for each in caplog.records]
    expected = [f"retrying (attempt {n} of {attempts})" for n in range(2, attempts + 1)]
    assert [each for each in retries if each] == expected


def test_an_error_that_is_not_transient_counts_no_attempts(
    folder: Folder, proxy: FaultProxy
) -> None:
    proxy.answer(403, s3_error("AccessDenied", "No."))
    with pytest.raises(AccessDeniedError, match=r"a\.png: cannot be read: ") as caught:
        folder.read("a.png")
    assert "attempts" not in str(caught.value)
    assert len(proxy.requests) == 1
