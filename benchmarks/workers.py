"""The same job on one Dask worker and on two, each with one core.

    python benchmarks/workers.py [IMAGES]

Interleaved rounds on one machine; the median of the work's seconds, and their ratio. Workers are
processes of their own, as they would be on machines of their own.
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
from skimage import data

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.servers.dask_cluster import DaskCluster

ROUNDS = 3


def seconds(src: Path, dst: Path, cluster: DaskCluster) -> float:
    """How long a run took by its own report."""
    subprocess.run(
        [
            *(sys.executable, "flows/upscale.py", "--no-track", "--quiet", "--runner", "dask"),
            *("--src", str(src), "--dst", str(dst), "--scale", "2", "--overwrite", "always"),
        ],
        cwd=ROOT,
        env=os.environ | {"SRCNN_DASK_ADDRESS": cluster.address, "SRCNN_THREADS": "1"},
        check=True,
    )
    newest = max((dst / ".srcnn" / "runs").glob("*.json"))
    took: float = json.loads(newest.read_text())["run"]["seconds"]
    return took


def main() -> None:
    images = int(sys.argv[1]) if len(sys.argv) > 1 else 80
    picture = cv2.cvtColor(data.chelsea(), cv2.COLOR_RGB2BGR)
    found: dict[int, list[float]] = {1: [], 2: []}
    environment = os.environ | {"SRCNN_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with (
        tempfile.TemporaryDirectory() as folder,
        DaskCluster(1, environment) as one,
        DaskCluster(2, environment) as two,
    ):
        src = Path(folder, "src")
        src.mkdir()
        for index in range(images):
            cv2.imwrite(str(src / f"{index:03}.png"), picture[index % 40 :])
        for _ in range(ROUNDS + 1):  # the first one builds the workers' sessions
            for cluster, count in ((one, 1), (two, 2)):
                found[count].append(seconds(src, Path(folder, f"out{count}"), cluster))
    medians = {count: statistics.median(each[1:]) for count, each in found.items()}
    print(
        f"{images} pictures of 451x300 to x2: one worker {medians[1]:.1f} s, two {medians[2]:.1f}"
    )
    print(f"two are {medians[1] / medians[2]:.2f} times as fast")


if __name__ == "__main__":
    main()
