"""Compares one Dask worker with two, each with one core, on the same job.

    python benchmarks/workers.py [--images 80] [--quick]

Interleaved rounds on one machine; prints the median seconds of the work and their ratio. Each
worker is a process of its own, as it would be on a machine of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
from options import make_benchmark_parser
from skimage import data

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.servers.dask_cluster import DaskCluster

ROUNDS = 3
QUICK_IMAGES = 4
SETTINGS = {"SRCNN_THREADS": "1"}


def run_upscale(src: Path, dst: Path, cluster: DaskCluster) -> float:
    """Return the seconds of a run, from its report."""
    subprocess.run(
        [
            *(sys.executable, "flows/upscale.py", "--no-track", "--quiet", "--runner", "dask"),
            *("--src", str(src), "--dst", str(dst), "--scale", "2", "--overwrite", "always"),
        ],
        cwd=ROOT,
        env=os.environ | SETTINGS | {"SRCNN_DASK_ADDRESS": cluster.address},
        check=True,
    )
    newest = max((dst / ".srcnn" / "runs").glob("*.json"))
    took: float = json.loads(newest.read_text())["run"]["seconds"]
    return took


def measure(images: int, rounds: int, *, warm: bool) -> dict[int, float]:
    """Return the median seconds of the work, by the number of workers.

    Args:
        images: how many.
        rounds: how many count.
        warm: whether to run a round first that does not count: it builds the workers' sessions.
    """
    picture = cv2.cvtColor(data.chelsea(), cv2.COLOR_RGB2BGR)
    found: dict[int, list[float]] = {1: [], 2: []}
    environment = os.environ | SETTINGS | {"OMP_NUM_THREADS": "1"}
    with (
        tempfile.TemporaryDirectory() as folder,
        DaskCluster(1, environment) as one,
        DaskCluster(2, environment) as two,
    ):
        src = Path(folder, "src")
        src.mkdir()
        for index in range(images):
            cv2.imwrite(str(src / f"{index:03}.png"), picture[index % 40 :])
        for _ in range(rounds + warm):
            for cluster, count in ((one, 1), (two, 2)):
                found[count].append(run_upscale(src, Path(folder, f"out{count}"), cluster))
    return {count: statistics.median(seconds[warm:]) for count, seconds in found.items()}


def main() -> None:
    parser = make_benchmark_parser(__doc__)
    parser.add_argument("--images", type=int, default=80)
    options = parser.parse_args()
    images, rounds = (QUICK_IMAGES, 1) if options.quick else (options.images, ROUNDS)
    medians = measure(images, rounds, warm=not options.quick)
    print(
        f"{images} pictures of 451x300 to x2: one worker {medians[1]:.1f} s, two {medians[2]:.1f}"
    )
    print(f"two are {medians[1] / medians[2]:.2f} times as fast")


if __name__ == "__main__":
    main()
