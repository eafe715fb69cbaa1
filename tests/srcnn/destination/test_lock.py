"""The lock of a destination: acquired, refreshed, taken over when stale, watched, released."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from srcnn.destination.lock.acquire import hold
from srcnn.destination.lock.lock_files import LOCK_FOLDER
from srcnn.destination.lock.owner import Holder
from srcnn.destination.lock.watch import watch
from srcnn.errors import DestinationBusyError, SrcnnError, UsageError
from srcnn.storage.folder import Folder
from tests.support.paths import ROOT
from tests.support.servers.children import compete

FIRST, SECOND = f"{LOCK_FOLDER}/1.json", f"{LOCK_FOLDER}/2.json"
HOLD_UNTIL_LOST = """
import sys, time
from srcnn.destination.lock.acquire import hold
from srcnn.storage.folder import Folder
with hold(Folder(sys.argv[1]), sys.argv[2], expires_seconds=float(sys.argv[3])) as lease:
    print("held", flush=True)
    while not lease.lost.wait(0.05):
        pass
    print(lease.reason, flush=True)
"""


@pytest.fixture(params=["local", "memory", "s3"])
def dst(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    """A destination that does not exist yet."""
    if request.param == "s3":
        return Folder(f"{request.getfixturevalue('bucket')}/out [1] %")
    return Folder(
        str(tmp_path / "deep" / "out") if request.param == "local" else f"memory://{uuid.uuid4()}"
    )


@pytest.fixture(params=["local", "s3"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A destination that other processes see too."""
    where = request.getfixturevalue("bucket") if request.param == "s3" else str(tmp_path)
    return f"{where}/out"


def keys(dst: Folder) -> set[str]:
    return set(dst.files()) if dst.exists() else set()


def content(dst: Folder, key: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(dst.read(key))
    return found


def write_lock_of_another_host(
    dst: Folder, *, ago_seconds: float, key: str = FIRST, **changes: Any
) -> None:
    """Write the lock file of a run on another machine, refreshed some time ago."""
    then = (datetime.now(UTC) - timedelta(seconds=ago_seconds)).isoformat()
    elsewhere = {"host": "elsewhere", "process_table": "another", "since": then, "beat": then}
    mine = json.loads(Holder.for_this_process("old", expires_seconds=1).to_json())
    dst.write(key, json.dumps(mine | elsewhere | changes).encode())


# As version 0.1 writes it: runs of other versions on the same destination must understand it.
WRITTEN_BY_0_1 = b"""{
 "run_id": "nightly",
 "host": "elsewhere",
 "process_table": "d3b07384/4026531836",
 "pid": 4711,
 "started_seconds": 86400.25,
 "since": "2026-03-01T02:00:00.000001+00:00",
 "beat": "2026-03-01T02:10:30+00:00",
 "expires_seconds": 120.0,
 "state": "stopping"
}"""


def test_the_lock_file_keeps_its_format() -> None:
    holder = Holder.parse(WRITTEN_BY_0_1)
    assert (holder.run_id, holder.host, holder.pid) == ("nightly", "elsewhere", 4711)
    assert holder.acquired_at == "2026-03-01T02:00:00.000001+00:00"
    assert holder.refreshed_at == "2026-03-01T02:10:30+00:00"
    assert (holder.expires_seconds, holder.state) == (120, "stopping")
    assert holder.to_json() == WRITTEN_BY_0_1


@pytest.mark.parametrize(
    "damage", [(b'"pid": 4711', b'"pid": 0'), (b"+00:00", b""), (b"beat", b"B")]
)
def test_a_damaged_lock_file_has_no_holder(damage: tuple[bytes, bytes]) -> None:
    assert Holder.read_run_id(WRITTEN_BY_0_1) == "nightly"
    assert Holder.read_run_id(WRITTEN_BY_0_1.replace(*damage)) is None


@pytest.fixture
def holder_process(shared: str) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Another process that holds the destination."""
    started = []

    def start(run_id: str, expires_seconds: float) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD_UNTIL_LOST, shared, run_id, str(expires_seconds)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_lock_says_who_holds_it_and_leaves_nothing_behind(dst: Folder) -> None:
    with hold(dst, "mine") as lease:
        said = content(dst, FIRST)
        assert (said["run_id"], said["pid"], said["state"]) == ("mine", os.getpid(), "running")
        assert said["expires_seconds"] == 120
        assert keys(dst) == {FIRST}
        assert not lease.lost.is_set()
    assert keys(dst) == set()
    if dst.local_path:
        assert not dst.local_path.parent.exists()


def test_what_the_run_wrote_stays(tmp_path: Path) -> None:
    with hold(Folder(str(tmp_path / "out")), "mine"):
        (tmp_path / "out" / "cat.png").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "cat.png"]
    (tmp_path / "empty").mkdir()
    with hold(Folder(str(tmp_path / "empty")), "mine"):
        pass
    assert (tmp_path / "empty").is_dir()  # it existed before


@pytest.mark.parametrize("below", ["", "/deep/out"])
def test_a_destination_that_is_a_file_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file: give --dst a folder"):
        hold(Folder(f"{tmp_path}/file{below}"), "mine").__enter__()


def test_a_second_run_gets_an_error_that_says_who_holds_it_and_what_to_do(dst: Folder) -> None:
    with hold(dst, "first"):
        with pytest.raises(DestinationBusyError) as caught, hold(dst, "second"):
            pass
        assert keys(dst) == {FIRST}
    text = str(caught.value)
    host = Holder.for_this_process("x", 1).host
    assert f"in use by run first (host {host}, process {os.getpid()}) since 20" in text
    assert "last heartbeat 0 s ago" in text
    assert "wait for that run to end, or stop it" in text
    assert "becomes stale 120 s after the last heartbeat" in text
    assert text.endswith(f"remove {dst.get_url(FIRST)}")
    assert issubclass(DestinationBusyError, SrcnnError)


def test_a_run_that_ends_with_an_error_frees_the_destination(dst: Folder) -> None:
    with pytest.raises(ZeroDivisionError), hold(dst, "first"):
        _ = 1 / 0
    with hold(dst, "second"):
        assert content(dst, FIRST)["run_id"] == "second"


def race(dst: Folder, runners: int) -> list[str]:
    """Start runs at once, each holding until all have tried; return those that got the lock."""
    start, tried = threading.Barrier(runners), threading.Barrier(runners)

    def run(name: str) -> str | None:
        start.wait()
        try:
            with hold(Folder(dst.url), name, expires_seconds=20):
                tried.wait()
                return name
        except DestinationBusyError:
            tried.wait()
            return None

    with ThreadPoolExecutor(runners) as pool:
        return [name for name in pool.map(run, [f"run{n}" for n in range(runners)]) if name]


def test_one_of_many_wins_a_free_destination(dst: Folder) -> None:
    for _ in range(20):
        assert len(race(dst, 3)) == 1
        assert keys(dst) == set()


def test_one_of_many_wins_from_a_run_that_died_here(dst: Folder) -> None:
    for _ in range(20):
        dst.write(
            FIRST,
            Holder.for_this_process("dead", 20).to_json().replace(b'"pid": ', b'"pid": 9999999'),
        )
        assert len(race(dst, 3)) == 1
        assert keys(dst) == set()


def test_one_of_many_wins_from_an_expired_run_elsewhere(dst: Folder) -> None:
    for _ in range(3):
        write_lock_of_another_host(dst, ago_seconds=9, expires_seconds=0.3)
        assert len(race(dst, 3)) == 1
        assert keys(dst) == set()


def test_one_of_two_processes_wins(shared: str) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, wins = context.Barrier(2), context.Queue()
    processes = [
        context.Process(target=compete, args=(shared, name, 20, barrier, wins)) for name in "ab"
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert sorted(wins.get()[0] for _ in range(20)) == list(range(20))
    assert wins.empty()


def test_a_run_that_was_killed_on_this_machine_is_replaced_at_once(
    holder_process: Callable[..., "subprocess.Popen[str]"], shared: str
) -> None:
    process = holder_process("killed", 3600)
    with pytest.raises(DestinationBusyError, match=f"run killed .*process {process.pid}"):
        hold(Folder(shared), "second").__enter__()
    process.kill()
    # Dead, and not reaped: a zombie, as in a container whose first process reaps none.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with hold(Folder(shared), "second") as lease:
        assert keys(Folder(shared)) == {SECOND}
        assert "run killed" in lease.warnings[0]
        assert lease.warnings[0].endswith("which has died")


def test_a_process_id_that_was_reused_does_not_keep_a_lock_alive(dst: Folder) -> None:
    mine = json.loads(Holder.for_this_process("old", 3600).to_json())
    dst.write(FIRST, json.dumps(mine | {"started_seconds": mine["started_seconds"] - 60}).encode())
    with hold(dst, "second"):
        assert content(dst, SECOND)["run_id"] == "second"


def test_a_live_run_elsewhere_is_not_replaced(dst: Folder) -> None:
    write_lock_of_another_host(dst, ago_seconds=5, expires_seconds=60)
    with pytest.raises(DestinationBusyError, match=r"run old \(host elsewhere, .* 5 s ago"):
        hold(dst, "second").__enter__()
    assert keys(dst) == {FIRST}


def test_a_run_elsewhere_whose_clock_is_behind_is_not_replaced(dst: Folder) -> None:
    write_lock_of_another_host(dst, ago_seconds=3600, expires_seconds=2)
    beat = threading.Timer(
        0.3, write_lock_of_another_host, [dst], {"ago_seconds": 3599, "expires_seconds": 2}
    )
    beat.start()
    with pytest.raises(DestinationBusyError, match="run old"):
        hold(dst, "second").__enter__()
    beat.join()
    assert keys(dst) == {FIRST}


def test_a_run_elsewhere_that_is_not_refreshed_is_presumed_dead(dst: Folder) -> None:
    write_lock_of_another_host(dst, ago_seconds=99, expires_seconds=0.5)
    with hold(dst, "second") as lease:
        assert lease.warnings[0].endswith("which is presumed dead")


def test_every_lock_file_must_be_stale_not_only_the_highest(dst: Folder) -> None:
    write_lock_of_another_host(dst, ago_seconds=99)
    write_lock_of_another_host(dst, ago_seconds=0, key=SECOND, expires_seconds=60, run_id="new")
    with pytest.raises(DestinationBusyError, match="run new"):
        hold(dst, "third").__enter__()


def test_a_holder_refreshes_its_lock_until_it_ends(dst: Folder) -> None:
    with hold(dst, "mine", expires_seconds=0.8) as lease:
        first = content(dst, FIRST)
        time.sleep(1.2)
        last = content(dst, FIRST)
        assert not lease.lost.is_set()
    assert last["beat"] > first["beat"]
    assert last["since"] == first["since"]


def lose_lock(dst: Folder, spoil: Callable[[], Any]) -> str:
    reported: list[str] = []
    with hold(dst, "mine", expires_seconds=0.8, on_lost=reported.append) as lease:
        spoil()
        assert lease.lost.wait(10)
        reason = lease.reason
        deadline = time.monotonic() + 10
        while not reported and time.monotonic() < deadline:
            time.sleep(0.01)
    assert reported == [reason]
    return reason


def test_a_holder_finds_itself_replaced(dst: Folder) -> None:
    reason = lose_lock(
        dst, lambda: write_lock_of_another_host(dst, ago_seconds=0, key=SECOND, run_id="new")
    )
    assert reason == "run new took over the destination"
    assert keys(dst) == {SECOND}  # not ours


def test_a_holder_finds_its_file_removed(dst: Folder) -> None:
    assert FIRST in lose_lock(dst, lambda: dst.remove(FIRST))
    assert keys(dst) == set()


def test_a_holder_finds_that_its_file_belongs_to_another_run(dst: Folder) -> None:
    reason = lose_lock(dst, lambda: write_lock_of_another_host(dst, ago_seconds=0, run_id="new"))
    assert reason == "run new now holds the lock"
    assert keys(dst) == {FIRST}


def test_a_holder_that_cannot_refresh_loses_the_lock(tmp_path: Path) -> None:
    file = tmp_path / "out" / FIRST

    def spoil() -> None:
        file.unlink()
        file.symlink_to(file)  # exists, and cannot be read

    reason = lose_lock(Folder(str(tmp_path / "out")), spoil)
    assert "its lock could not be refreshed for 0.8 s: " in reason
    assert "symbolic links" in reason


def test_a_suspended_holder_continues_if_no_other_run_came(
    holder_process: Callable[..., "subprocess.Popen[str]"], shared: str
) -> None:
    process = holder_process("suspended", 1.0)
    process.send_signal(signal.SIGSTOP)
    before = content(Folder(shared), FIRST)["beat"]
    time.sleep(1.5)
    process.send_signal(signal.SIGCONT)
    time.sleep(1.0)
    assert process.poll() is None
    assert content(Folder(shared), FIRST)["beat"] > before


def test_a_suspended_holder_finds_itself_replaced(
    holder_process: Callable[..., "subprocess.Popen[str]"], shared: str
) -> None:
    process = holder_process("suspended", 1.0)
    process.send_signal(signal.SIGSTOP)
    time.sleep(1.2)
    with hold(Folder(shared), "second") as lease:
        process.send_signal(signal.SIGCONT)
        output, _ = process.communicate(timeout=30)
        assert "run second" in output or FIRST in output
        time.sleep(0.3)
        assert not lease.lost.is_set()
        assert keys(Folder(shared)) == {SECOND}


def test_an_unreadable_lock_file_counts_until_it_is_stale(dst: Folder) -> None:
    dst.write(FIRST, b"{}")
    with pytest.raises(DestinationBusyError, match=r"cannot be read.* stale after 600 s") as caught:
        hold(dst, "mine", expires_seconds=600).__enter__()
    assert dst.get_url(FIRST) in str(caught.value)
    time.sleep(2)  # the times of a bucket are whole seconds
    with hold(dst, "mine", expires_seconds=0.5) as lease:
        assert keys(dst) == {SECOND}
        assert "stale lock file that cannot be read" in lease.warnings[0]


def test_workers_see_the_state_that_the_run_published(dst: Folder) -> None:
    run_id = str(uuid.uuid4())
    with hold(dst, run_id) as lease:
        assert watch(dst, run_id) == "running"
        assert watch(dst, "another") == "lost"
        lease.publish_state("stopping")
        assert watch(dst, run_id) == "stopping"
        lease.publish_state("dropping")
        assert watch(dst, run_id) == "dropping"
        write_lock_of_another_host(dst, ago_seconds=0, key=SECOND)
        assert watch(dst, run_id) == "lost"
        dst.remove(SECOND)
        assert watch(dst, run_id) == "dropping"
    assert watch(dst, run_id) == "lost"


def test_the_state_stays_after_the_next_heartbeat(dst: Folder) -> None:
    with hold(dst, "mine", expires_seconds=0.8) as lease:
        lease.publish_state("stopping")
        before = content(dst, FIRST)["beat"]
        time.sleep(0.8)
        assert content(dst, FIRST)["beat"] > before
        assert watch(dst, "mine") == "stopping"


def test_a_worker_waits_for_the_expiry_of_the_run_whatever_the_clock_of_the_run(
    dst: Folder,
) -> None:
    run_id = str(uuid.uuid4())
    write_lock_of_another_host(dst, ago_seconds=3600, run_id=run_id, expires_seconds=0.5)
    assert watch(dst, run_id) == "running"
    time.sleep(0.7)
    assert watch(dst, run_id) == "lost"


def test_a_worker_that_cannot_read_the_lock_raises(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hold(Folder(f"{bucket}/out"), "mine"):
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        with pytest.raises(PermissionError):
            watch(Folder(f"{bucket}/out"), "mine")
