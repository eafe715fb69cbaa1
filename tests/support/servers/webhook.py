"""A receiver of webhooks on loopback, which keeps what it is sent."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import pytest

_WAIT_SECONDS = 90.0


class Webhook:
    """Use it as a context manager.

    Attributes:
        url: where to send JSON with a `text`.
        texts: those received so far.
    """

    def __init__(self) -> None:
        """Bind a free port."""
        self.texts: list[str] = []
        texts = self.texts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                texts.append(json.loads(content)["text"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Write nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/alerts"

    def __enter__(self) -> Self:
        """Start to receive."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, words: str) -> str:
        """Wait for a text with these words, and return it."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < deadline:
            if found := [text for text in self.texts if words in text]:
                return found[0]
            time.sleep(0.2)
        pytest.fail(f"no message with {words!r}: {self.texts}")
