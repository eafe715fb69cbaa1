"""Compares one Dask worker with two, each with one core, on the same job.

    python benchmarks/workers.py [--images 80] [--quick]

Interleaved rounds on one machine; prints the median seconds of the work and their ratio. Each
worker is a process of its own, as it would be on a machine of its own.

Two processes on one machine slow each other down. So each round also compares one process, without
Dask, with two at a time that know nothing of each other: no two workers can be faster than that.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import cv2
from options import make_benchmark_parser
from skimage import data

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.servers.dask_cluster import DaskCluster

ROUNDS = 3
QUICK_IMAGES = 4
COUNTS, QUICK_COUNTS = (1, 2), (1,)  # of workers, and of processes
SETTINGS = {"SRCNN_THREADS": "1", "OMP_NUM_THREADS": "1"}


def start_upscale(
    src: Path, dst: Path, *arguments: str, **environment: str
) -> subprocess.Popen[bytes]:
    """Start a run."""
    return subprocess.Popen(
        [
            *(sys.executable, "flows/upscale.py", "--no-track", "--quiet", *arguments),
            *("--src", str(src), "--dst", str(dst), "--scale", "2", "--overwrite", "always"),
        ],
        cwd=ROOT,
        env=os.environ | SETTINGS | environment,
    )


def read_seconds(process: subprocess.Popen[bytes], dst: Path) -> float:
    """Return the seconds of a run, from its report, once it has ended."""
    if process.wait():
        raise SystemExit(f"the run into {dst} ended with status {process.returncode}")
    newest = max((dst / ".srcnn" / "runs").glob("*.json"))
    took: float = json.loads(newest.read_text())["run"]["seconds"]
    return took


def run_on_cluster(src: Path, dst: Path, cluster: DaskCluster) -> float:
    """Return the seconds of a run on Dask."""
    address = {"SRCNN_DASK_ADDRESS": cluster.address}
    return read_seconds(start_upscale(src, dst, "--runner", "dask", **address), dst)


def run_side_by_side(src: Path, dst: Path, count: int) -> float:
    """Return the mean seconds of runs at a time, each of all images."""
    folders = [Path(f"{dst}-{index}") for index in range(count)]
    started = [start_upscale(src, folder) for folder in folders]
    return statistics.fmean(map(read_seconds, started, folders))


class Medians(NamedTuple):
    """Seconds of the work, by the number of workers, and of processes at a time."""

    workers: dict[int, float]
    processes: dict[int, float]


def measure(images: int, rounds: int, counts: Sequence[int], *, warm: bool) -> Medians:
    """Return the median seconds.

    Args:
        images: how many.
        rounds: how many count.
        counts: of workers, and of processes.
        warm: whether to run a round first that does not count: it builds the workers' sessions.
    """
    picture = cv2.cvtColor(data.chelsea(), cv2.COLOR_RGB2BGR)
    found: dict[int, list[float]] = {count: [] for count in counts}
    alone: dict[int, list[float]] = {count: [] for count in counts}
    environment = os.environ | SETTINGS
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        clusters = {count: stack.enter_context(DaskCluster(count, environment)) for count in counts}
        src = Path(folder, "src")
        src.mkdir()
        for index in range(images):
            cv2.imwrite(str(src / f"{index:03}.png"), picture[index % 40 :])
        for _ in range(rounds + warm):
            for count, cluster in clusters.items():
                dst = Path(folder, f"out{count}")
                found[count].append(run_on_cluster(src, dst, cluster))
                alone[count].append(run_side_by_side(src, dst, count))
    return Medians(_find_medians(found, warm), _find_medians(alone, warm))


def _find_medians(found: dict[int, list[float]], first: int) -> dict[int, float]:
    return {count: statistics.median(seconds[first:]) for count, seconds in found.items()}


def main() -> None:
    parser = make_benchmark_parser(__doc__)
    parser.add_argument("--images", type=int, default=80)
    options = parser.parse_args()
    images, rounds = (QUICK_IMAGES, 1) if options.quick else (options.images, ROUNDS)
    counts = QUICK_COUNTS if options.quick else COUNTS
    workers, processes = measure(images, rounds, counts, warm=not options.quick)
    for count in counts:
        print(
            f"{images} pictures of 451x300 to x2 with {count} on Dask: {workers[count]:.1f} s, "
            f"{workers[1] / workers[count]:.2f} times as fast as one; without Dask: "
            f"{count * processes[1] / processes[count]:.2f} times"
        )


if __name__ == "__main__":
    main()
