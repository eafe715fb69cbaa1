"""The lock of a destination: acquired, refreshed, taken over when stale, watched, released."""

import json
import multiprocessing
import os
import re
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
import stamina

from srcnn.destination.lock.acquire import hold
from srcnn.destination.lock.lock_files import LOCK_FOLDER
from srcnn.destination.lock.owner import Holder
from srcnn.destination.lock.watch import watch
from srcnn.errors import DestinationBusyError, SrcnnError, StorageError, UsageError
from srcnn.storage.folder import Folder
from srcnn.storage.retries import StorageLimits
from tests.support.paths import ROOT
from tests.support.servers.children import compete
from tests.support.servers.faults import FaultProxy, s3_error
from tests.support.servers.seaweedfs import S3Server

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
    "damage",
    [
        (b'"pid": 4711', b'"pid": 0'),
        (b'"pid": 4711', b'"pid": -1'),
        (b"+00:00", b""),
        (b"beat", b"B"),
        (b"120.0", b"Infinity"),
        (b"120.0", b"1e9"),
        (b"86400.25", b"NaN"),
        (b"2026-03-01T02:10:30+00:00", b"9999-12-31T23:59:59-23:00"),
        (b'"nightly"', b"[" * 100_000),
        (WRITTEN_BY_0_1, b""),
    ],
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
    with pytest.raises(ZeroDivisionError, match="division by zero"), hold(dst, "first"):
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
        file.parent.rmdir()
        file.parent.symlink_to(file.parent)  # exists, and cannot be read

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
        with pytest.raises(PermissionError, match="SECRET_ACCESS_KEY"):
            watch(Folder(f"{bucket}/out"), "mine")


@pytest.fixture
def proxied(
    s3_server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[FaultProxy, Folder]]:
    """A proxy in front of the S3 server, and a destination behind it."""
    with FaultProxy(s3_server.endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        yield proxy, Folder(f"{bucket}/out", StorageLimits(attempts=3, timeout_seconds=10))


@pytest.fixture
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("srcnn.destination.lock.unconditional_write._PAUSE_SECONDS", 0.3)
    with stamina.set_testing(True, attempts=100, cap=True):  # no pauses between attempts
        yield


REFUSALS = {
    "501": (501, s3_error("NotImplemented", "A header you provided is not implemented")),
    "400": (400, s3_error("InvalidArgument", "Unsupported header 'if-none-match'")),
    "405": (405, b""),
    "403": (403, s3_error("SignatureDoesNotMatch", "The signature does not match")),
    "500": (500, b"<html>oops</html>"),
}


@pytest.mark.usefixtures("_short_pauses")
@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_server_that_refuses_conditions_is_locked_without_them(
    refusal: str, proxied: tuple[FaultProxy, Folder]
) -> None:
    proxy, dst = proxied
    proxy.answer(*REFUSALS[refusal], header="if-none-match")
    with hold(dst, "first") as lease:
        (warning,) = lease.warnings
        assert "the storage refuses conditional writes" in warning
        with pytest.raises(DestinationBusyError, match="in use by run first"):
            hold(dst, "second").__enter__()
        assert len(keys(dst)) == 1
        assert watch(dst, "first") == "running"
    assert keys(dst) == set()


@pytest.mark.usefixtures("_short_pauses")
@pytest.mark.parametrize("way", ["refused", "ignored"])
def test_one_of_many_wins_without_conditions(
    way: str, proxied: tuple[FaultProxy, Folder], s3_server: S3Server
) -> None:
    proxy, dst = proxied
    if way == "refused":
        proxy.answer(*REFUSALS["501"], header="if-none-match")
    else:
        proxy.ignore_header("if-none-match", s3_server.access_key, s3_server.secret_key)
    for _ in range(4):
        assert len(race(dst, 3)) == 1
        assert keys(dst) == set()


@pytest.mark.usefixtures("_short_pauses")
def test_a_server_that_ignores_conditions_is_noticed(
    proxied: tuple[FaultProxy, Folder], s3_server: S3Server
) -> None:
    proxy, dst = proxied
    proxy.ignore_header("if-none-match", s3_server.access_key, s3_server.secret_key)
    with hold(dst, "first") as lease:
        assert "the storage ignores conditional writes" in lease.warnings[0]
        assert watch(dst, "first") == "running"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (409, "ConditionalRequestConflict"),
        (409, "OperationAborted"),
        (409, ""),
        (503, "SlowDown"),
        (500, "InternalError"),
        (429, "TooManyRequests"),
    ],
)
def test_a_conflict_is_tried_again(
    status: int, code: str, proxied: tuple[FaultProxy, Folder]
) -> None:
    proxy, dst = proxied
    body = s3_error(code, "Please try again.") if code else b""
    proxy.answer(status, body, times=1, method="PUT", header="if-none-match")
    with hold(dst, "first") as lease:
        assert lease.warnings == []
        assert keys(dst) == {FIRST}
    puts = [each for each in proxy.seen("PUT") if "if-none-match" in each.headers]
    assert len(puts) == 3  # refused, made, and made again with other bytes


@pytest.mark.usefixtures("_short_pauses")
def test_conflicts_without_end_are_bounded(proxied: tuple[FaultProxy, Folder]) -> None:
    proxy, dst = proxied
    body = s3_error("ConditionalRequestConflict", "Please try again.")
    proxy.answer(409, body, method="PUT")
    with pytest.raises(StorageError, match="409 ConditionalRequestConflict"):
        hold(dst, "first").__enter__()
    assert len(proxy.seen("PUT")) == 6  # three attempts with the condition, three without


NINETEEN_DIGITS = f"{LOCK_FOLDER}/1234567890123456789.json"
HIGHEST = f"{LOCK_FOLDER}/{10**18 - 1}.json"


def test_names_in_lock_files_are_escaped_and_short(dst: Folder) -> None:
    names = {"run_id": "\x1b]0;owned\x07\n" * 1000, "host": "\u202eevil"}
    write_lock_of_another_host(dst, ago_seconds=0, **names)
    with pytest.raises(DestinationBusyError) as refused, hold(dst, "mine"):
        pass
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize("key", [FIRST, HIGHEST])
def test_a_heartbeat_in_the_future_counts_as_now(dst: Folder, key: str) -> None:
    ten_years = 10 * 365 * 86_400
    write_lock_of_another_host(dst, ago_seconds=-ten_years, key=key, expires_seconds=2)
    began = time.monotonic()
    with hold(dst, "mine", expires_seconds=4) as lease:
        assert time.monotonic() - began >= 2  # the whole expiry of the other lock
        time.sleep(3)  # some heartbeats
        assert not lease.lost.is_set()
    assert not keys(dst)


def test_a_heartbeat_of_a_clock_that_is_a_little_ahead_is_live(dst: Folder) -> None:
    write_lock_of_another_host(dst, ago_seconds=-5, expires_seconds=20)
    with pytest.raises(DestinationBusyError, match=r"in use by run old .*last heartbeat 0 s ago"):
        hold(dst, "mine").__enter__()


@pytest.mark.parametrize("key", [SECOND, NINETEEN_DIGITS, HIGHEST, FIRST])
@pytest.mark.parametrize("poison", [b"", b"[" * 50_000, b" " * 100_000], ids=["0", "deep", "big"])
def test_a_run_keeps_its_lock_beside_files_that_are_no_locks(
    dst: Folder, key: str, poison: bytes
) -> None:
    with hold(dst, "mine", expires_seconds=2) as lease:
        dst.write(key, poison)
        time.sleep(1.5)
        assert not lease.lost.is_set(), lease.reason
        assert watch(dst, "mine") == "running"
        dst.remove(key) if key != FIRST else None
    assert not keys(dst)


def test_a_lock_file_that_the_server_does_not_list_ends_the_attempts(
    proxied: tuple[FaultProxy, Folder], bucket: str
) -> None:
    proxy, dst = proxied
    write_lock_of_another_host(Folder(f"{bucket}/out"), ago_seconds=0)
    pattern = re.compile(rb"<Contents>.*?</Contents>", re.DOTALL)
    proxy.rewrite(lambda body: pattern.sub(b"", body), path_contains="list-type=2")
    words = r"could not lock the destination in 20 attempts: .*1\.json\): start one run at a time"
    with pytest.raises(DestinationBusyError, match=words):
        hold(dst, "mine").__enter__()
    puts = [each for each in proxy.seen("PUT") if "if-none-match" in each.headers]
    assert len(puts) == 20
    proxy.heal()
    assert content(dst, FIRST)["run_id"] == "old"


def test_a_lost_lock_is_reported_once(tmp_path: Path) -> None:
    """Also where every check after the first finds it lost, for another reason."""
    dst = Folder(str(tmp_path / "out"))
    reported: list[str] = []
    with hold(dst, "mine", expires_seconds=0.4, on_lost=reported.append) as lease:
        write_lock_of_another_host(dst, ago_seconds=0, key=SECOND, run_id="new")
        assert lease.lost.wait(10)
        dst.remove(SECOND)
        dst.remove(FIRST)
        for _ in range(3):
            lease.publish_state("stopping")  # checks the lock first
        time.sleep(0.8)  # two expiries: the watchdog too
    assert reported == [lease.reason] == ["run new took over the destination"]
    assert keys(dst) == set()  # nothing was written after it was lost


def test_a_lock_that_was_released_is_not_lost(tmp_path: Path) -> None:
    dst = Folder(str(tmp_path / "out"))
    reported: list[str] = []
    with hold(dst, "mine", expires_seconds=0.4, on_lost=reported.append) as lease:
        pass
    lease.publish_state("stopping")  # as a signal does that comes while the run ends
    time.sleep(0.8)
    assert (reported, lease.reason, lease.lost.is_set()) == ([], "", False)
    assert keys(dst) == set()


def test_a_signal_while_the_lock_is_taken_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the file and the lease nobody else would remove it."""

    def interrupt(*_: object) -> bool:
        assert list(tmp_path.glob("out/.srcnn/lock/*.json"))
        raise KeyboardInterrupt

    monkeypatch.setattr("srcnn.destination.lock.acquire._is_alone", interrupt)
    with pytest.raises(KeyboardInterrupt), hold(Folder(str(tmp_path / "out")), "run"):
        pass
    assert not (tmp_path / "out").exists()
