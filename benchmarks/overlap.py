"""What reading ahead and writing behind give on a bucket that is far away.

    python benchmarks/overlap.py [IMAGES] [LATENCY_SECONDS]

Small pictures in a real S3 server, behind a proxy that answers late. Interleaved rounds; the
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
from pathlib import Path

import cv2
from skimage import data

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from srcnn.storage.folder import Folder
from tests.support.servers.faults import FaultProxy
from tests.support.servers.seaweedfs import SeaweedFS

TRANSFERS = (1, 2, 8, 32)
ROUNDS = 3


def fill(src: Folder, images: int) -> None:
    picture = cv2.cvtColor(data.chelsea(), cv2.COLOR_RGB2BGR)
    for index in range(images):
        _, encoded = cv2.imencode(".jpg", picture[index % 200 :][:64, :64])
        src.write(f"{index:04}.jpg", encoded.tobytes())


def seconds(src: str, dst: str, transfers: int) -> float:
    """How long a run took by its own report; the proxy stays out of its process."""
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
    (key,) = [key for key in folder.files() if key.startswith(".srcnn/runs/")]
    took: float = json.loads(folder.read(key))["run"]["seconds"]
    return took


def main() -> None:
    images = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    latency = float(sys.argv[2]) if len(sys.argv) > 2 else 0.05
    with SeaweedFS() as server, FaultProxy(server.endpoint) as proxy:
        os.environ.update(server.environment)
        bucket = f"s3://{server.make_bucket()}"
        fill(Folder(f"{bucket}/src"), images)
        os.environ["AWS_ENDPOINT_URL"] = proxy.endpoint
        proxy.fail("latency", math.inf, seconds=latency)
        found: dict[int, list[float]] = {transfers: [] for transfers in TRANSFERS}
        for _ in range(ROUNDS):
            for transfers in TRANSFERS:
                place = f"{bucket}/{uuid.uuid4().hex[:8]}"
                found[transfers].append(seconds(f"{bucket}/src", place, transfers))
    medians = {transfers: statistics.median(each) for transfers, each in found.items()}
    print(f"{images} pictures of 64x64 to x2, {latency * 1000:.0f} ms a request")
    for transfers, median in medians.items():
        print(f"{transfers:3} at a time: {median:6.2f} s, {medians[1] / median:4.1f} times as fast")


if __name__ == "__main__":
    main()
