"""Runs a command where no network is, and writes down the names that it looks up.

The command gets a network namespace of its own, whose one name server is this module: it notes each
name, and answers that there is none. As a script: `lookups.py NOTES COMMAND...`.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

_ENTER = ("unshare", "--map-root-user", "--net", "--mount", "--")
_NO_SUCH_NAME = 3
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1


def find_obstacle() -> str:
    """Why this machine cannot do it; empty if it can."""
    try:
        done = subprocess.run([*_ENTER, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "there is no `unshare`"
    return f"no network namespace may be created: {done.stderr.strip()}" if done.returncode else ""


def record_lookups(
    command: list[str], environment: Mapping[str, str], folder: Path, timeout_seconds: float = 240
) -> tuple[subprocess.CompletedProcess[str], set[str]]:
    """Runs a command; returns what became of it, and the names that it looked up."""
    with tempfile.TemporaryDirectory() as scratch:
        notes = Path(scratch) / "names"
        done = subprocess.run(
            [*_ENTER, sys.executable, __file__, str(notes), *command],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
        return done, set(notes.read_text().split())


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        _, flags, _ = struct.unpack("16sH14s", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", flags | _IFF_UP, b""))


def _serve(server: socket.socket, notes: Path) -> None:
    while True:
        query, sender = server.recvfrom(4096)
        labels, at = [], 12
        while length := query[at]:
            labels.append(query[at + 1 : at + 1 + length].decode("ascii", "replace"))
            at += 1 + length
        with notes.open("a") as file:
            file.write(".".join(labels) + "\n")
        header = query[:2] + struct.pack(">HHHHH", 0x8180 | _NO_SUCH_NAME, 1, 0, 0, 0)
        server.sendto(header + query[12 : at + 5], sender)


def _bind_over(path: str, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write(text)
    subprocess.run(["mount", "--bind", file.name, os.path.realpath(path)], check=True)  # noqa: S607 - of the system
    Path(file.name).unlink()


def main(notes: Path, command: list[str]) -> int:
    """Inside the namespace: serve, run the command, and return its exit status."""
    _raise_loopback()
    _bind_over("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    notes.touch()
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    threading.Thread(target=_serve, args=(server, notes), daemon=True).start()
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
