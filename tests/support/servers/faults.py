"""An HTTP proxy in front of a real server that fails on command, in its own thread.

    with FaultProxy(s3_server.endpoint) as proxy:
        proxy.fail("503", times=2, method="GET", path_contains="cat.png")
        proxy.answer(501, s3_error("NotImplemented", "..."), header="if-none-match")
        proxy.rewrite(lambda body: body.replace(b"<ETag>", b"<Tag>"), path_contains="list-type=2")
        ...  # clients talk to proxy.endpoint
        assert len(proxy.seen(method="GET", path_contains="cat.png")) == 3

Every request has its own connection, so the proxy counts every request that a client sends. The
Host header passes unchanged, because the signature that the server checks covers it.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self
from urllib.parse import unquote, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

Kind = Literal["403", "404", "429", "500", "503", "latency", "reset", "truncate", "hang", "stall"]

_CODES = {
    "403": "AccessDenied",
    "404": "NoSuchKey",
    "429": "TooManyRequests",
    "500": "InternalError",
    "503": "SlowDown",
}
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of 0 s: close sends a reset


@dataclass(frozen=True)
class Request:
    """A request of a client; `path` is decoded, and includes the query; header names are small."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def matches(self, method: str | None, path_contains: str | None, header: str = "") -> bool:
        """Whether the request has this method, this part in its path, and this header."""
        return (
            method in (None, self.method)
            and (path_contains or "") in self.path
            and (not header or header in self.headers)
        )


@dataclass
class _Fault:
    kind: Kind | None
    times: float
    method: str | None
    path_contains: str | None
    seconds: float = 0.0
    header: str = ""
    response: bytes = b""
    rewrite: Callable[[bytes], bytes] | None = None
    rewrite_head: Callable[[bytes], bytes] | None = None


@dataclass
class FaultProxy:
    """Use it as a context manager.

    Attributes:
        target: the endpoint of the real server.
        endpoint: of the proxy, once it runs.
        tls: to speak TLS with clients.
        requests: all requests, in order.
    """

    target: str
    endpoint: str = ""
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    _faults: list[_Fault] = field(default_factory=list)
    _ignored: tuple[str, Credentials] | None = None
    _serving: set[asyncio.Task[Any] | None] = field(default_factory=set)

    def __enter__(self) -> Self:
        """Listen on a free port."""
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**20, ssl=self.tls)
        )
        scheme = "https" if self.tls else "http"
        self.endpoint = f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection, also those that hang."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def fail(
        self,
        kind: Kind,
        times: float = 1,
        *,
        method: str | None = None,
        path_contains: str | None = None,
        seconds: float = 0.2,
    ) -> None:
        """Fail the next requests that match.

        Args:
            kind: a status, with S3's error as its body; `latency`, `reset` (no response),
                `truncate` (half of the body), `hang` (no response to the request), `stall` (the
                body of the request is not read).
            times: how many requests; `math.inf` for all.
            method: GET, HEAD, PUT, ...; any if None.
            path_contains: a part of path or query, not escaped; any if None.
            seconds: of latency.
        """
        self._faults.append(_Fault(kind, times, method, path_contains, seconds))

    def answer(  # noqa: PLR0913 - each narrows which requests, or shapes the answer
        self,
        status: int,
        body: bytes = b"",
        times: float = math.inf,
        *,
        method: str | None = None,
        path_contains: str | None = None,
        header: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer the next requests that match, without asking the server.

        Args:
            status: of the response.
            body: of the response; see `s3_error`.
            times: how many requests.
            method: as in `fail`.
            path_contains: as in `fail`.
            header: the name of a header that the request must have, in small letters.
            headers: of the response.
        """
        lines = {"Content-Type": "application/xml", "Connection": "close"} | dict(headers or {})
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        start = f"HTTP/1.1 {status} Answer\r\nContent-Length: {len(body)}\r\n{head}\r\n"
        response = start.encode() + body
        self._faults.append(
            _Fault(None, times, method, path_contains, header=header, response=response)
        )

    def rewrite(
        self,
        body: Callable[[bytes], bytes] | None = None,
        times: float = math.inf,
        *,
        method: str | None = None,
        path_contains: str | None = None,
        head: Callable[[bytes], bytes] | None = None,
    ) -> None:
        """Rewrite the server's responses to the requests that match.

        Args:
            body: returns the new body.
            times: how many requests.
            method: as in `fail`.
            path_contains: as in `fail`.
            head: returns the new head of the response, with its status line.
        """
        self._faults.append(
            _Fault(None, times, method, path_contains, rewrite=body, rewrite_head=head)
        )

    def ignore_header(self, name: str, access_key: str, secret_key: str) -> None:
        """Forward requests without a header, signed again, as if the server did not know it.

        Args:
            name: of the header, in small letters.
            access_key: to sign with.
            secret_key: to sign with.
        """
        self._ignored = name, Credentials(access_key, secret_key)

    def heal(self) -> None:
        """Clear all faults and requests."""
        self._faults.clear()
        self.requests.clear()

    def seen(self, method: str | None = None, path_contains: str | None = None) -> list[Request]:
        """Return the requests that match."""
        return [each for each in self.requests if each.matches(method, path_contains)]

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for _ in range(3):  # the loop closes the sockets of aborted transports
            await asyncio.sleep(0)

    def _take_fault(self, request: Request) -> _Fault | None:
        for fault in self._faults:
            if fault.times >= 1 and request.matches(
                fault.method, fault.path_contains, fault.header
            ):
                fault.times -= 1
                return fault
        return None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # After a client has gone, nothing else refers to the task that waits for the server.
        self._serving.add(asyncio.current_task())
        # Clients give up on faults: that is what the proxy is for.
        with contextlib.suppress(ConnectionError, EOFError, asyncio.CancelledError):
            await self._answer(reader, writer)
            writer.close()
            await writer.wait_closed()
        # Of a client that has not taken all of it, `close` alone would wait for ever.
        writer.transport.abort()
        self._serving.discard(asyncio.current_task())

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, path, _ = head.decode("latin-1").split(" ", 2)
        pairs = (line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:-2])
        headers = {name.lower(): value for name, value in pairs}
        request = Request(method, unquote(path), headers)
        self.requests.append(request)
        fault = self._take_fault(request)
        kind = fault.kind if fault else None
        if kind == "stall":
            await asyncio.sleep(3600)
        if "100-continue" in headers.get("expect", ""):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        if kind == "hang":
            await reader.read()  # until the client disconnects
        elif kind == "reset":
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        elif kind in _CODES:
            writer.write(_build_error(kind, with_body=method != "HEAD"))
        elif fault and fault.response:
            start, end, content = fault.response.partition(b"\r\n\r\n")
            writer.write(start + end + (b"" if method == "HEAD" else content))
            await writer.drain()
        else:
            await asyncio.sleep(fault.seconds if fault else 0)
            if self._ignored and self._ignored[0] in headers:
                head = self._drop_header(request, path, body)
            response = await self._forward(head, body)
            if fault and (fault.rewrite or fault.rewrite_head):
                response = _rewrite(response, fault)
            start = response.index(b"\r\n\r\n") + 4
            keep = (len(response) - start) // 2 if kind == "truncate" else len(response)
            writer.write(response[: start + keep])
            await writer.drain()

    def _drop_header(self, request: Request, path: str, body: bytes) -> bytes:
        assert self._ignored
        name, credentials = self._ignored
        dropped = {name, "authorization", "x-amz-date", "expect", "connection"}
        headers = {key: value for key, value in request.headers.items() if key not in dropped}
        again = AWSRequest(request.method, f"http://{headers['host']}{path}", headers, body)
        S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(again)
        lines = "".join(f"{key}: {value}\r\n" for key, value in again.headers.items())
        return f"{request.method} {path} HTTP/1.1\r\n{lines}\r\n".encode()

    async def _forward(self, head: bytes, body: bytes) -> bytes:
        address = urlsplit(self.target)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            # The server closes the connection after its response, and announces that to the client.
            writer.write(head[:-2] + b"Connection: close\r\n\r\n" + body)
            response = await reader.read()
        finally:  # all has been read, or the client has gone
            writer.transport.abort()
        return response.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")


def _build_error(status: str, *, with_body: bool) -> bytes:
    code = _CODES[status]
    body = f"<Error><Code>{code}</Code><Message>{code} from the proxy</Message></Error>".encode()
    head = (
        f"HTTP/1.1 {status} {code}\r\nContent-Type: application/xml\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (body if with_body else b"")


def s3_error(code: str, message: str, **more: str) -> bytes:
    """Build the body of an S3 error, with further elements by name."""
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in more.items())
    return f"<Error><Code>{code}</Code><Message>{message}</Message>{inner}</Error>".encode()


def _rewrite(response: bytes, fault: _Fault) -> bytes:
    head, _, body = response.partition(b"\r\n\r\n")
    if not body:  # the response to HEAD keeps the length of the object
        return (fault.rewrite_head or bytes)(head) + b"\r\n\r\n"
    if re.search(rb"(?i)transfer-encoding: *chunked", head):
        body = _join_chunks(body)
    head = re.sub(rb"(?i)\r\n(transfer-encoding|content-length):[^\r]*", b"", head)
    if fault.rewrite_head:
        head = fault.rewrite_head(head)
    if fault.rewrite:
        body = fault.rewrite(body)
    return head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def _join_chunks(body: bytes) -> bytes:
    joined = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        joined, body = joined + body[:length], body[length + 2 :]
        if not length:
            break
    return joined
