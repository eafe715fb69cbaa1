"""Listings of servers that do it otherwise: without ETags, without times, without an end."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import stamina

from flows.upscale import app
from srcnn.errors import SourceMissingError, StorageError, UnusableFileError
from srcnn.storage.atomic_files import read_file
from srcnn.storage.folder import Folder
from srcnn.storage.retries import StorageLimits
from tests.support.run_here import run_here
from tests.support.servers.faults import FaultProxy
from tests.support.servers.seaweedfs import S3Server

LISTING = "list-type=2"
KEYS = [f"{number:04}.png" for number in range(2500)]
NAMESPACE = b'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


@pytest.fixture(scope="module")
def many(s3_server: S3Server) -> str:
    """A bucket whose listing has three pages."""
    name = s3_server.make_bucket()
    s3_server.fill(name, [f"in/{key}" for key in KEYS], b"1")
    return f"s3://{name}/in"


@pytest.fixture
def proxy(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    with FaultProxy(s3_server.endpoint) as running, stamina.set_testing(True, attempts=3, cap=True):
        for name, value in s3_server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.endpoint)
        yield running


@pytest.fixture
def folder(proxy: FaultProxy, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    return Folder(f"{bucket}/in", StorageLimits(3, 5))


def remove(*names: str) -> Callable[[bytes], bytes]:
    """Remove elements from a body."""

    def change(body: bytes) -> bytes:
        for name in names:
            body = re.sub(rf"<{name}>.*?</{name}>".encode(), b"", body)
        return body

    return change


def listing_page(*keys: str, following: str = "", truncated: str = "true") -> bytes:
    entries = "".join(f"<Contents><Key>in/{key}</Key><Size>1</Size></Contents>" for key in keys)
    token = f"<NextContinuationToken>{following}</NextContinuationToken>" if following else ""
    state = f"<IsTruncated>{truncated}</IsTruncated>" if truncated else ""
    inner = f"<Name>b</Name>{state}{token}{entries}"
    return f"<ListBucketResult {NAMESPACE.decode()}>{inner}</ListBucketResult>".encode()


def test_a_token_that_does_not_advance_ends_with_a_sentence(proxy: FaultProxy, many: str) -> None:
    token = re.compile(rb"<NextContinuationToken>.*?</NextContinuationToken>")
    first: list[bytes] = []

    def repeat(body: bytes) -> bytes:
        first.extend(token.findall(body))
        return token.sub(lambda _: first[0], body)

    proxy.rewrite(repeat, path_contains=LISTING)
    with pytest.raises(StorageError, match="listing does not end: the server repeats its pages"):
        Folder(many).files()
    assert len(proxy.requests) <= 3


@pytest.mark.parametrize("cycle", [1, 2, 3])
def test_pages_that_come_again_end_with_a_sentence(
    cycle: int, proxy: FaultProxy, folder: Folder
) -> None:
    numbers = iter(range(10**6))

    def answer(_body: bytes) -> bytes:
        number = next(numbers)
        return listing_page(f"{number % cycle}.png", following=f"token {number}")

    proxy.rewrite(answer, path_contains=LISTING)
    with pytest.raises(StorageError, match="the server repeats its pages"):
        folder.files()
    assert len(proxy.requests) == cycle + 1


def test_tokens_that_cycle_end_with_a_sentence(proxy: FaultProxy, folder: Folder) -> None:
    numbers = iter(range(10**6))

    def answer(_body: bytes) -> bytes:
        number = next(numbers)
        return listing_page(f"{number}.png", following=f"token {number % 3}")

    proxy.rewrite(answer, path_contains=LISTING)
    with pytest.raises(StorageError, match="the server repeats its pages"):
        folder.files()


def test_empty_pages_without_end_end_with_a_sentence(
    proxy: FaultProxy, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("srcnn.storage.s3_requests._MOST_EMPTY_PAGES", 20)
    numbers = iter(range(10**6))
    proxy.rewrite(lambda _: listing_page(following=f"token {next(numbers)}"), path_contains=LISTING)
    with pytest.raises(StorageError, match="21 empty pages in a row"):
        folder.files()


def test_some_empty_pages_are_no_end(proxy: FaultProxy, folder: Folder) -> None:
    pages = [
        listing_page(following="1"),
        listing_page("a.png", following="2"),
        listing_page(following="3"),
        listing_page("b.png", truncated="false"),
    ]
    folder.write("a.png", b"1")
    folder.write("b.png", b"1")
    proxy.rewrite(lambda _: pages.pop(0), path_contains=LISTING)
    assert set(folder.files()) == {"a.png", "b.png"}


@pytest.mark.parametrize("marker", ["", "NextMarker"])
def test_a_truncated_listing_without_a_token_is_an_error(
    marker: str, proxy: FaultProxy, many: str
) -> None:
    name = marker.encode() or b"X"
    proxy.rewrite(lambda body: body.replace(b"NextContinuationToken", name), path_contains=LISTING)
    with pytest.raises(StorageError, match="truncated the listing without a continuation token"):
        Folder(many).files()


def test_a_token_without_the_mark_of_truncation_is_followed(proxy: FaultProxy, many: str) -> None:
    proxy.rewrite(remove("IsTruncated"), path_contains=LISTING)
    assert set(Folder(many).files()) == set(KEYS)


@pytest.mark.parametrize(
    "page", [b"<html><body>Welcome to the hotel</body></html>", b"<html><br>Sign in", b"{}", b""]
)
def test_what_is_not_a_listing_is_not_an_empty_one(
    page: bytes, proxy: FaultProxy, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    proxy.answer(200, page, path_contains=LISTING)
    for url in (bucket, f"{bucket}/in"):
        with pytest.raises(StorageError, match="cannot be listed"):
            Folder(url, StorageLimits(2, 5)).files()


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "as it is": bytes,
    "without ETags": remove("ETag"),
    "with empty ETags": lambda body: re.sub(rb"<ETag>.*?</ETag>", b"<ETag></ETag>", body),
    "without times": remove("LastModified"),
    "without ETags and times": remove("ETag", "LastModified"),
    "with weak ETags": lambda body: re.sub(rb"<ETag>", b"<ETag>W/", body),
    "without quotes": lambda body: re.sub(rb"&#34;|&quot;", b"", body),
    "with other ETags": lambda body: re.sub(rb"<ETag>", b"<ETag>x", body),
    "with times of whole seconds": lambda body: re.sub(
        rb"(<LastModified>[^.<]*)\.?[0-9]*Z", rb"\1Z", remove("ETag")(body)
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_pages_parsed_in_two_ways_give_the_same_versions(
    change: str, proxy: FaultProxy, many: str
) -> None:
    """The first page is parsed by botocore, the others by our parser."""
    proxy.rewrite(CHANGES[change], path_contains=LISTING)
    keys = KEYS if "and times" not in change else KEYS[:0]
    if keys:
        infos = Folder(many).files()
        assert {key: Folder(many).files()[key] for key in (KEYS[0], KEYS[-1])} == {
            key: infos[key] for key in (KEYS[0], KEYS[-1])
        }
        assert all(info.version for info in infos.values())
        assert len({len(info.version) for info in infos.values()}) == 1


LONG = pytest.mark.long


def upscale(src: str, dst: str) -> str:
    done = run_here(app, "--src", src, "--dst", dst)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change, marks=() if change in ("without ETags", "with weak ETags") else LONG)
        for change in CHANGES
    ],
)
def test_a_second_run_skips_whatever_the_listing_gives(
    change: str, proxy: FaultProxy, folder: Folder, pictures: Path
) -> None:
    local = Folder(str(pictures))
    for key in ("cat.png", "grey.tiff"):
        folder.write(key, local.read(key))
    proxy.rewrite(CHANGES[change], path_contains=LISTING)
    upscale(folder.url, f"{folder.url}-out")
    again = upscale(folder.url, f"{folder.url}-out")
    assert "2 skipped" in again
    assert "made again" not in again
    # What has changed is still made again.
    folder.write("cat.png", local.read("cat.png") + b" ")
    assert "1 skipped" in upscale(folder.url, f"{folder.url}-out")


def test_where_no_version_is_given_the_run_says_so_and_makes_all_again(
    proxy: FaultProxy, folder: Folder, pictures: Path
) -> None:
    folder.write("cat.png", Folder(str(pictures)).read("cat.png"))
    proxy.rewrite(remove("ETag", "LastModified"), path_contains=LISTING)
    lines = re.compile(rb"(?i)\r\n(etag|last-modified):[^\r]*")
    proxy.rewrite(head=lambda head: lines.sub(b"", head))
    upscale(folder.url, f"{folder.url}-out")
    again = upscale(folder.url, f"{folder.url}-out")
    assert again.count("gives neither an ETag nor a time for 1 images") == 1


def test_a_server_whose_responses_differ_in_the_etag_is_asked_after_each_write(
    proxy: FaultProxy, folder: Folder, pictures: Path
) -> None:
    """It gives an ETag to a write, and none about the object."""
    folder.write("cat.png", Folder(str(pictures)).read("cat.png"))
    proxy.rewrite(remove("ETag"), path_contains=LISTING)
    lines = re.compile(rb"(?i)\r\netag:[^\r]*")
    proxy.rewrite(method="HEAD", head=lambda head: lines.sub(b"", head))
    upscale(folder.url, f"{folder.url}-out")
    again = upscale(folder.url, f"{folder.url}-out")
    assert "1 skipped" in again


def test_outputs_that_another_program_replaced_are_made_again_and_it_is_said(
    folder: Folder, pictures: Path
) -> None:
    folder.write("cat.png", Folder(str(pictures)).read("cat.png"))
    upscale(folder.url, f"{folder.url}-out")
    Folder(f"{folder.url}-out").write("cat.png", b"another")
    assert "1 outputs are not as they were written" in upscale(folder.url, f"{folder.url}-out")


def test_an_object_that_is_gone_when_it_is_asked_for_is_not_listed(
    proxy: FaultProxy, folder: Folder
) -> None:
    folder.write("a.png", b"1")
    page = listing_page("a.png", "gone.png", truncated="false")
    proxy.rewrite(lambda _: page, path_contains=LISTING)
    assert set(folder.files()) == {"a.png"}
    with pytest.raises(SourceMissingError, match=r"gone\.png: no such file"):
        folder.read("gone.png")


ODD_FIELDS = {
    "time": (rb"<LastModified>[^<]*", b"<LastModified>yesterday"),
    "size": (rb"<Size>[^<]*", b"<Size>large"),
    "digits": (rb"<Size>[^<]*", b"<Size>" + b"9" * 6000),
    "huge": (rb"<Size>[^<]*", b"<Size>" + b"9" * 30),
    "negative": (rb"<Size>[^<]*", b"<Size>-1"),
    "nameless": (rb"<Key>[^<]*</Key>", b""),
    "empty": (rb"<Key>[^<]*", b"<Key>"),
    "elsewhere": (rb"<Key>in/", b"<Key>other/"),
    "short": (rb"<Key>in/[^<]*", b"<Key>i"),
}


@pytest.mark.parametrize(
    ("page", "odd"),  # two parsers read them; the second leaves times that are not needed
    [(page, odd) for page in (1, 2) for odd in ODD_FIELDS if (page, odd) != (2, "time")],
)
def test_entries_that_are_no_files_of_the_folder_end_with_a_sentence(
    page: int, odd: str, proxy: FaultProxy, many: str
) -> None:
    pages = itertools.count(1)
    proxy.rewrite(
        lambda body: re.sub(*ODD_FIELDS[odd], body) if next(pages) == page else body,
        path_contains=LISTING,
    )
    with pytest.raises(StorageError, match=r"listed: the server('s response has| lists)"):
        Folder(many, StorageLimits(3, 5)).files()


def test_a_listing_without_sizes_is_completed(proxy: FaultProxy, folder: Folder) -> None:
    folder.write("a.png", b"12345")
    before = folder.files()
    proxy.rewrite(remove("Size"), path_contains=LISTING)
    assert {key: info.size for key, info in folder.files().items()} == {"a.png": 5}
    assert folder.files().keys() == before.keys()


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00", "9999-12-31T23:59:59Z"])
def test_the_first_and_the_last_day_are_times(
    moment: str, proxy: FaultProxy, folder: Folder
) -> None:
    folder.write("a.png", b"12345")
    proxy.rewrite(
        lambda body: re.sub(
            rb"<LastModified>[^<]*", b"<LastModified>" + moment.encode(), remove("ETag")(body)
        ),
        path_contains=LISTING,
    )
    assert folder.files()["a.png"].version


def test_more_bytes_than_were_listed_are_not_read(proxy: FaultProxy, folder: Folder) -> None:
    folder.write("a.png", b"12345")
    info = folder.files()["a.png"]
    proxy.rewrite(lambda body: body + bytes(10_000_000), path_contains="a.png", method="GET")
    with pytest.raises(UnusableFileError, match="expected up to 5 bytes, got"):
        folder.read("a.png", 5, info)
    with pytest.raises(UnusableFileError, match="expected up to 5 bytes, got"):
        read_file(folder.get_url("a.png"), folder.limits, limit_bytes=5)
    with folder.open("a.png", info) as file, pytest.raises(StorageError, match="bytes 0 to 5"):
        file.read()
