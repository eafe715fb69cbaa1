"""Credentials in URLs: refused where they are given, removed where a library repeats them."""

from __future__ import annotations

import pytest

from srcnn.errors import UsageError
from srcnn.storage.filesystems import resolve
from srcnn.storage.url_credentials import check_url, redact
from tests.support.run_python import Run

SECRET = "do-not-repeat"  # noqa: S105 - of these tests
QUERIES = [
    *(
        f"X-Goog-Signature={SECRET}",
        f"x-goog-credential={SECRET}",
        f"X%2DGoog%2DSignature={SECRET}",
    ),
    *(f"api_key={SECRET}", f"apikey={SECRET}", f"API-Key={SECRET}", f"apiKey={SECRET}"),
    *(f"auth={SECRET}", f"Authorization={SECRET}", f"Key-Pair-Id={SECRET}", f"key={SECRET}"),
    *(f"Policy={SECRET}", f"Signature={SECRET}", f"sig={SECRET}", f"se=1&sig={SECRET}"),
    *(f"token={SECRET}", f"access_token={SECRET}", f"accessToken={SECRET}", f"jwt={SECRET}"),
    *(f"password={SECRET}", f"pwd={SECRET}", f"client_secret={SECRET}", f"AWSAccessKeyId={SECRET}"),
    *(f"X-Amz-Security-Token={SECRET}", f"x-amz-signature={SECRET}", f"a=1;token={SECRET}"),
]


@pytest.mark.parametrize(
    "url",
    [
        *(f"https://example.com/x.onnx?{query}" for query in QUERIES),
        f"https://example.com/x.onnx#access_token={SECRET}",
        f"s3://bucket/x?token={SECRET}",
        f"zip://x.onnx::https://example.com/x.zip?sig={SECRET}",
        *(f"https://me:{SECRET}@example.com/x", f"https://{SECRET}@example.com/x"),
        *(f"HTTPS://me:{SECRET}/a@example.com/x", f"s3://id:{SECRET}@bucket/x"),
    ],
)
def test_credentials_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError, match="contains credentials") as caught:
        check_url(url)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        *("https://example.com/x.onnx?download=true", "https://example.com/x?author=me&v=2"),
        *("https://example.com:8080/x?monkey=1&design=2#part", "s3://bucket/keys/token/sig.png"),
        *("photos?key=1", "s3://arn:aws:s3:eu-west-1:1:accesspoint/x", "zip://x.onnx::/a/b.zip"),
    ],
)
def test_other_urls_pass(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    "text",
    [
        f"cannot connect to http://me:{SECRET}@proxy:3128/",
        f"cannot connect to 'http://me:a/{SECRET}@proxy:3128/'",
        f"GET https://example.com/x?sig={SECRET} failed",
        f'see "https://example.com/x#{SECRET}"',
    ],
)
def test_texts_of_libraries_lose_them(text: str) -> None:
    assert SECRET not in redact(text)
    assert len(redact(text)) > 15


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_an_endpoint_with_a_password_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, f"http://me:{SECRET}@127.0.0.1:9")
    with pytest.raises(UsageError, match=f"{name}: the http:// URL contains credentials") as caught:
        resolve("s3://bucket/x")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        (["--src", "s3://b/x"], {"HTTPS_PROXY": f"http://me:{SECRET}@127.0.0.1:9"}),
        (["--src", "s3://b/x"], {"HTTPS_PROXY": f"http://me:a/b:{SECRET}@127.0.0.1:9"}),
        (["--src", ".", "--track"], {"PREFECT_API_URL": f"http://me:{SECRET}@127.0.0.1:9/api"}),
        (
            ["--src", ".", "--runner", "dask"],
            {"SRCNN_DASK_ADDRESS": f"tcp://me:{SECRET}@127.0.0.1:9"},
        ),
        (["--src", ".", "--report", f"https://example.com/?auth={SECRET}"], {}),
    ],
)
def test_a_run_repeats_no_secret(words: list[str], variables: dict[str, str], run: Run) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key", "AWS_REGION": "eu-west-1"}
    once = {"SRCNN_STORAGE_ATTEMPTS": "1", "AWS_EC2_METADATA_DISABLED": "true"}
    done = run("flows/upscale.py", *words, "--json", **keys, **once, **variables)
    assert done.returncode == 2, done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert " at 0x" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
