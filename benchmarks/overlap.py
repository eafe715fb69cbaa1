"""Measures the gain of transfers in parallel with a bucket that is far away.

    python benchmarks/overlap.py [--images 200] [--latency-seconds 0.05] [--quick]

Small images on a real S3 server, behind a proxy that answers late. Interleaved rounds; prints the
median of each, and its ratio to one file at a time.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import uuid
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

import cv2
from options import make_benchmark_parser
from skimage import data

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from srcnn.storage.folder import Folder
from tests.support.servers.faults import FaultProxy
from tests.support.servers.seaweedfs import SeaweedFS

TRANSFERS, QUICK_TRANSFERS = (1, 2, 8, 32), (1,)
ROUNDS = 3
QUICK_IMAGES = 3


def fill(src: Folder, images: int) -> None:
    picture = cv2.cvtColor(data.chelsea(), cv2.COLOR_RGB2BGR)
    for index in range(images):
        _, encoded = cv2.imencode(".jpg", picture[index % 200 :][:64, :64])
        src.write(f"{index:04}.jpg", encoded.tobytes())


def run_upscale(src: str, dst: str, transfers: int) -> float:
    """Return the seconds of a run, from its report; the proxy is not in its process."""
    subprocess.run(
        [
            *(sys.executable, "flows/upscale.py", "--no-track", "--quiet"),
            *("--src", src, "--dst", dst, "--scale", "2"),
        ],
        cwd=ROOT,
        env=os.environ | {"SRCNN_TRANSFERS": str(transfers), "SRCNN_CONTACT_SHEET_IMAGES": "0"},
        check=True,
    )
    folder = Folder(dst)
    (key,) = [key for key in folder.files() if fnmatch(key, ".srcnn/runs/*.json")]
    took: float = json.loads(folder.read(key))["run"]["seconds"]
    return took


def measure(images: int, rounds: int, each: Sequence[int], latency: float) -> dict[int, float]:
    """Return the median seconds of a run, by the number of transfers at a time."""
    with SeaweedFS() as server, FaultProxy(server.endpoint) as proxy:
        os.environ.update(server.environment)
        bucket = f"s3://{server.make_bucket()}"
        fill(Folder(f"{bucket}/src"), images)
        os.environ["AWS_ENDPOINT_URL"] = proxy.endpoint
        proxy.fail("latency", math.inf, seconds=latency)
        found: dict[int, list[float]] = {transfers: [] for transfers in each}
        for _ in range(rounds):
            for transfers in each:
                dst = f"{bucket}/{uuid.uuid4().hex[:8]}"
                found[transfers].append(run_upscale(f"{bucket}/src", dst, transfers))
    return {transfers: statistics.median(seconds) for transfers, seconds in found.items()}


def main() -> None:
    parser = make_benchmark_parser(__doc__)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--latency-seconds", type=float, default=0.05)
    options = parser.parse_args()
    latency, quick = options.latency_seconds, options.quick
    images = QUICK_IMAGES if quick else options.images
    rounds, each = (1, QUICK_TRANSFERS) if quick else (ROUNDS, TRANSFERS)
    medians = measure(images, rounds, each, latency)
    print(f"{images} pictures of 64x64 to x2, {latency * 1000:.0f} ms per request")
    for transfers, median in medians.items():
        print(f"{transfers:3} at a time: {median:6.2f} s, {medians[1] / median:4.1f} times as fast")


if __name__ == "__main__":
    main()
