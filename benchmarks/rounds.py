"""Interleaved rounds: each contestant runs once per round, in random order, one at a time.

Each has a process of its own, which is stopped (SIGSTOP) between its turns: threads of one engine
that wait by spinning would slow the others down.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

MIN_ROUNDS = 3


@dataclass(frozen=True)
class Case:
    """A picture and a scale; see `photographs.picture`."""

    size: tuple[int, int]
    scale: float
    kind: str = "colour"

    @property
    def megapixels(self) -> float:
        """Megapixels of the output."""
        return int(self.size[0] * self.scale) * int(self.size[1] * self.scale) / 1e6


class Child:
    """A contestant's process, stopped between its turns."""

    def __init__(self, name: str, threads: int) -> None:
        """Start the process; `wait` returns whether it can run."""
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("contestants.py"), name, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OPENBLAS_NUM_THREADS": str(threads)} if "NumPy" in name else None,
        )

    def wait(self) -> str | None:
        """Wait until it is ready; return why it is skipped, or None."""
        skipped: str | None = self._read_answer().get("skipped")
        return skipped

    def ask(self, case: Case, save: Path | None = None) -> dict[str, Any]:
        """Run one case and stop the process again."""
        assert self._process.stdin  # noqa: S101 - for the type checker: it is a pipe
        self._process.send_signal(signal.SIGCONT)
        request = asdict(case) | ({"save": str(save)} if save else {})
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return self._read_answer()

    def _read_answer(self) -> dict[str, Any]:
        assert self._process.stdout  # noqa: S101 - for the type checker: it is a pipe
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name}: the process ended with status {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        self._process.send_signal(signal.SIGSTOP)
        return answer

    def __enter__(self) -> Self:
        """Return itself; the process ends with the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill the process: a stopped process handles no other signal."""
        self._process.kill()
        self._process.communicate()


@contextlib.contextmanager
def start_children(names: Sequence[str], threads: int) -> Iterator[tuple[dict[str, Child], Any]]:
    """Start contestants side by side.

    Args:
        names: of `contestants.MAKERS`.
        threads: for each of them.

    Yields:
        Contestants that can run, and the reasons why others cannot; both by name.
    """
    # Without a handler, SIGTERM would leave the stopped processes behind.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with contextlib.ExitStack() as stack:
        started = {name: stack.enter_context(Child(name, threads)) for name in names}
        reasons = {name: child.wait() for name, child in started.items()}
        ready = {name: child for name, child in started.items() if reasons[name] is None}
        yield ready, {name: reason for name, reason in reasons.items() if reason is not None}


def interleave(
    turns: Sequence[tuple[Child, Case]],
    rounds: int,
    *,
    warm: bool = True,
    at_most_seconds: float = math.inf,
) -> list[list[float]]:
    """Run every turn once in each round.

    Args:
        turns: contestants and their cases.
        rounds: how many count.
        warm: whether to run a round first that does not count.
        at_most_seconds: after this time no round begins, once there are three.

    Returns:
        The seconds of each turn, by round.
    """
    order = random.Random(0)
    seconds: list[list[float]] = [[] for _ in turns]
    began = time.monotonic()
    for number in range(0 if warm else 1, rounds + 1):
        if number > MIN_ROUNDS and time.monotonic() - began > at_most_seconds:
            break
        for index in order.sample(range(len(turns)), len(turns)):
            child, case = turns[index]
            took = child.ask(case)["seconds"]
            if number:
                seconds[index].append(took)
        print(f"  round {number} of {rounds}", file=sys.stderr)
    return seconds


def find_difference(child: Child, other: Child, case: Case, folder: Path) -> dict[str, float]:
    """Compare two rounded results: the largest difference and the share of values that differ."""
    results = []
    for index, each in enumerate((child, other)):
        place = folder / f"{index}.npy"
        each.ask(case, place)
        results.append(np.load(place).astype(np.int32))
    apart = np.abs(results[0] - results[1])
    return {"levels": int(apart.max()), "share": float((apart > 0).mean())}


def ratio(slower: Sequence[float], faster: Sequence[float]) -> tuple[float, float, float]:
    """Return the median of the ratios per round, and their quartiles."""
    each = [one / other for one, other in zip(slower, faster, strict=True)]
    if len(each) < 2:
        return each[0], each[0], each[0]
    low, middle, high = statistics.quantiles(each, n=4, method="inclusive")
    return middle, low, high
