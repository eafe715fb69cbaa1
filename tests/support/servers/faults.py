"""An HTTP proxy in front of a real server that fails on command, in its own thread.

    with FaultProxy(s3_server.endpoint) as proxy:
        proxy.fail("503", times=2, method="GET", path_contains="cat.png")
        ...  # clients talk to proxy.endpoint
        assert len(proxy.seen(method="GET", path_contains="cat.png")) == 3

Every request has its own connection, so the proxy counts every request that a client sends. The
Host header passes unchanged, because the signature that the server checks covers it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import Literal, Self
from urllib.parse import unquote, urlsplit

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
    """A request of a client; `path` is decoded, and includes the query."""

    method: str
    path: str

    def matches(self, method: str | None, path_contains: str | None) -> bool:
        """Whether the request has this method and this part in its path."""
        return method in (None, self.method) and (path_contains or "") in self.path


@dataclass
class _Fault:
    kind: Kind
    times: float
    method: str | None
    path_contains: str | None
    seconds: float


@dataclass
class FaultProxy:
    """Use it as a context manager.

    Attributes:
        target: the endpoint of the real server.
        endpoint: of the proxy, once it runs.
        requests: all requests, in order.
    """

    target: str
    endpoint: str = ""
    requests: list[Request] = field(default_factory=list)
    _faults: list[_Fault] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Listen on a free port."""
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**20)
        )
        self.endpoint = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
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
        await asyncio.sleep(0.05)  # for the loop to remove closed transports

    def _take_fault(self, request: Request) -> _Fault | None:
        for fault in self._faults:
            if fault.times >= 1 and request.matches(fault.method, fault.path_contains):
                fault.times -= 1
                return fault
        return None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Clients give up on faults: that is what the proxy is for.
        with contextlib.suppress(ConnectionError, EOFError, asyncio.CancelledError):
            await self._answer(reader, writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, path, _ = head.decode("latin-1").split(" ", 2)
        request = Request(method, unquote(path))
        self.requests.append(request)
        fault = self._take_fault(request)
        kind = fault.kind if fault else None
        if kind == "stall":
            await asyncio.sleep(3600)
        headers = dict(
            line.lower().split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:-2]
        )
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
        else:
            await asyncio.sleep(fault.seconds if fault else 0)
            response = await self._forward(head, body)
            start = response.index(b"\r\n\r\n") + 4
            keep = (len(response) - start) // 2 if kind == "truncate" else len(response)
            writer.write(response[: start + keep])
            await writer.drain()

    async def _forward(self, head: bytes, body: bytes) -> bytes:
        address = urlsplit(self.target)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            # The server closes the connection after its response, and announces that to the client.
            writer.write(head[:-2] + b"Connection: close\r\n\r\n" + body)
            response = await reader.read()
        finally:
            writer.close()
        return response.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")


def _build_error(status: str, *, with_body: bool) -> bytes:
    code = _CODES[status]
    body = f"<Error><Code>{code}</Code><Message>{code} from the proxy</Message></Error>".encode()
    head = (
        f"HTTP/1.1 {status} {code}\r\nContent-Type: application/xml\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (body if with_body else b"")
