"""Which cores and how much memory: affinity, quotas of cgroups of both versions, one pool."""

from __future__ import annotations

import math
import os
import sys
import threading
from pathlib import Path

import cv2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from srcnn.runtime.cores import (
    count_usable_cores,
    measure_tile_memory,
    measure_usable_memory,
    pool,
)

HERE = os.cpu_count() or 1


def write(root: Path, path: str, content: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{content}\n")


def mount(root: Path, group: str, *lines: str) -> None:
    write(root, "proc/self/cgroup", group)
    write(root, "proc/self/mountinfo", "\n".join(lines))


V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1 = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct"


@pytest.fixture
def many_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that the machine has 64 cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)


def test_a_system_without_cgroups_has_its_own_cores(tmp_path: Path) -> None:
    assert 1 <= count_usable_cores(tmp_path) <= HERE
    assert measure_usable_memory(tmp_path) > 2**20
    assert count_usable_cores() <= count_usable_cores(tmp_path)
    assert measure_usable_memory() <= measure_usable_memory(tmp_path)


def test_fewer_cores_than_the_affinity_are_never_more(tmp_path: Path) -> None:
    mount(tmp_path, "0::/", V2)
    write(tmp_path, "sys/fs/cgroup/cpu.max", "100000000 100000")
    assert count_usable_cores(tmp_path) <= HERE


@pytest.mark.usefixtures("many_cores")
@pytest.mark.parametrize(
    ("own", "above", "cores"),
    [
        ("max 100000", "max 100000", 64),
        ("250000 100000", "max 100000", 3),
        ("400000 100000", "150000 100000", 2),
        ("1000 100000", "max 100000", 1),
        ("max 100000", "50000 50000", 1),
    ],
)
def test_quotas_of_version_2(tmp_path: Path, own: str, above: str, cores: int) -> None:
    mount(tmp_path, "0::/batch.slice/job.scope", V2)
    write(tmp_path, "sys/fs/cgroup/batch.slice/job.scope/cpu.max", own)
    write(tmp_path, "sys/fs/cgroup/batch.slice/cpu.max", above)
    write(tmp_path, "sys/fs/cgroup/other.slice/cpu.max", "100000 100000")
    assert count_usable_cores(tmp_path) == cores


@pytest.mark.usefixtures("many_cores")
@pytest.mark.parametrize(("quota", "cores"), [("-1", 64), ("0", 64), ("350000", 4)])
def test_quotas_of_version_1(tmp_path: Path, quota: str, cores: int) -> None:
    mount(tmp_path, "4:cpu,cpuacct:/jobs\n5:memory:/elsewhere\n0::/", V1, V2)
    write(tmp_path, "sys/fs/cgroup/cpu/jobs/cpu.cfs_quota_us", quota)
    write(tmp_path, "sys/fs/cgroup/cpu/jobs/cpu.cfs_period_us", "100000")
    assert count_usable_cores(tmp_path) == cores


@pytest.mark.usefixtures("many_cores")
@pytest.mark.parametrize(
    ("group", "top"),
    [
        ("/docker/4f2a", "/docker/4f2a"),  # its own group, mounted at the top
        ("/docker/4f2a", "/kubepods/pod7"),  # a name that is not seen from here
        ("/../../other", "/"),  # moved out of what it sees
    ],
)
def test_a_container_that_does_not_see_the_groups_above(
    tmp_path: Path, group: str, top: str
) -> None:
    seen = f"30 23 0:26 {top} /sys/fs/my\\040cgroup rw - cgroup2 cgroup2 rw"
    mount(tmp_path, f"0::{group}", seen)
    write(tmp_path, "sys/fs/my cgroup/cpu.max", "200000 100000")
    assert count_usable_cores(tmp_path) == 2


@pytest.mark.usefixtures("many_cores")
def test_memory_is_the_least_of_all_limits(tmp_path: Path) -> None:
    mount(tmp_path, "7:memory:/\n0::/a/b", V1.replace("cpu,cpuacct", "memory"), V2)
    write(tmp_path, "sys/fs/cgroup/a/b/memory.max", "max")
    write(tmp_path, "sys/fs/cgroup/a/memory.max", str(64 * 2**20))
    write(tmp_path, "sys/fs/cgroup/cpu/memory.limit_in_bytes", "9223372036854771712")
    assert measure_usable_memory(tmp_path) == 64 * 2**20
    write(tmp_path, "sys/fs/cgroup/cpu/memory.limit_in_bytes", str(32 * 2**20))
    assert measure_usable_memory(tmp_path) == 32 * 2**20


@pytest.mark.parametrize(("mebibytes", "tiles"), [(2048, 512), (1024, 128), (512, 64)])
def test_tiles_get_a_quarter_of_the_memory_or_what_is_left(
    tmp_path: Path, mebibytes: int, tiles: int
) -> None:
    mount(tmp_path, "0::/", V2)
    write(tmp_path, "sys/fs/cgroup/memory.max", str(mebibytes * 2**20))
    assert measure_tile_memory(tmp_path) == tiles * 2**20


@given(
    quotas=st.lists(st.one_of(st.none(), st.integers(1, 10**8)), min_size=1, max_size=5),
    period=st.integers(1_000, 1_000_000),
)
def test_the_tightest_quota_on_the_way_up_holds(
    tmp_path_factory: pytest.TempPathFactory, quotas: list[int | None], period: int
) -> None:
    root = tmp_path_factory.mktemp("root")
    names = [f"g{index}" for index in range(len(quotas))]
    mount(root, f"0::/{'/'.join(names)}", V2)
    for index, quota in enumerate(quotas):
        folder = "/".join(names[: index + 1])
        text = f"{'max' if quota is None else quota} {period}"
        write(root, f"sys/fs/cgroup/{folder}/cpu.max", text)
    there = count_usable_cores(root / "nothing")
    limits = [math.ceil(quota / period) for quota in quotas if quota is not None]
    assert count_usable_cores(root) == max(1, min([there, *limits]))


def test_one_pool_for_each_number_of_threads() -> None:
    assert pool() is pool(0) is pool(count_usable_cores())
    three = pool(3)
    assert three is pool(3)
    barrier = threading.Barrier(4)  # three in the pool, and this thread
    waiting = [three.submit(barrier.wait, 10) for _ in range(3)]
    barrier.wait(10)
    assert sorted(future.result() for future in waiting) != []
    assert three.submit(lambda: threading.current_thread().name).result().startswith("srcnn-core")
    assert cv2.getNumThreads() == 1
    products = [each for each in threadpool_info() if each["user_api"] == "blas"]
    assert [each["num_threads"] for each in products] == [1] * len(products)
    assert products or sys.platform == "darwin"  # Accelerate, which cannot be asked


def test_a_child_process_gets_a_pool_of_its_own() -> None:
    assert pool(2).submit(int, "7").result() == 7
    child = os.fork()
    if not child:
        # In the child: its parent's threads are not there, and nothing may return from here.
        answered = pool(2).submit(int, "7").result(10) == 7
        os._exit(0 if answered else 1)
    assert os.waitpid(child, 0)[1] == 0
