"""The last signal ends the process, even one whose main thread never comes back to Python."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from flows.execution.exit_on_last_signal import is_last
from tests.support.paths import ROOT

# Locks a mutex twice: a wait in C that no signal ends. A child of its own must not outlive it.
STUCK = """
import ctypes, subprocess, sys
from flows.execution import exit_on_last_signal
exit_on_last_signal.GRACE_SECONDS = 1
with exit_on_last_signal.raise_on_signal():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    lock, mutex = ctypes.CDLL(None).pthread_mutex_lock, ctypes.create_string_buffer(64)
    print(child.pid, flush=True)
    lock(mutex)
    lock(mutex)
"""
INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP


@pytest.mark.parametrize("numbers", [(INT, INT, INT), (TERM, TERM), (INT, TERM, HUP), (HUP, TERM)])
def test_a_process_that_is_stuck_in_a_library_ends(numbers: tuple[signal.Signals, ...]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    child = psutil.Process(int(process.stdout.readline()))
    time.sleep(1)  # now it waits in C
    for number in numbers:
        assert process.poll() is None
        process.send_signal(number)
        time.sleep(0.3)  # signals of a number arrive one by one
    assert process.wait(60) == 128 + numbers[0]
    process.stdout.close()
    for _ in range(600):
        if not child.is_running() or child.status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.1)
    pytest.fail("the child lives on")


def test_which_signal_is_the_last() -> None:
    assert not is_last([INT, INT])
    assert not is_last([TERM])
    assert not is_last([INT, TERM])
    assert is_last([INT, INT, INT])
    assert is_last([TERM, HUP])
    assert is_last([INT, INT, TERM])
