"""How long it takes to plan a second run, everything up to date, and in how much memory.

    python benchmarks/planning.py                               # 100,000 images in local folders
    python benchmarks/planning.py --images 10000 --url s3://bucket/prefix
    python benchmarks/planning.py --s3 --images 10000           # on SeaweedFS, started here

Sources and outputs are tiny: a plan of what is up to date reads none of them.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from srcnn.batch.worker import get_upscaler
from srcnn.destination import ledger
from srcnn.destination.ledger import Record
from srcnn.geometry import Size
from srcnn.job import Job
from srcnn.model.model_file import load_model
from srcnn.planning import plan
from srcnn.planning.plan import make_plan
from srcnn.planning.selection import PlanOptions
from srcnn.reporting import report
from srcnn.reporting.report import Report, complete_results
from srcnn.storage.folder import Folder
from tests.support.servers.seaweedfs import S3Server, SeaweedFS

RECORDS_PER_FILE = 200
FOLDERS = 100
PARTS: Sequence[tuple[Any, str]] = (
    (Folder, "files"),
    (Folder, "linked_folders"),
    (Folder, "stale_temporaries"),
    (ledger, "load"),
    (plan, "split_images"),
    (plan, "read_scales"),
    (plan, "assign_output_keys"),
    (plan, "_wishes"),
    (plan, "_skipped"),
    (report.Report, "to_json"),
)


def job_of(url: str) -> Job:
    """What all images share."""
    model = load_model("bundled")
    return Job("20260101T000000", f"{url}/src", f"{url}/dst", "bundled", model.sha256)


def make(url: str, images: int, rows: int, server: S3Server | None) -> None:
    """Sources, outputs, and the record of the run that made them."""
    picture = cv2.imencode(".png", np.zeros((4, 6, 3), np.uint8))[1].tobytes()
    names = [f"{n % FOLDERS:03d}/image {n:06d} [1].png" for n in range(images)]
    job = job_of(url)
    src, dst = Folder(job.src), Folder(job.dst)
    for folder in (src, dst):
        write_all(folder, names, picture, server)
    if rows:
        lines = [f"{n % FOLDERS:03d}/image {n:06d}*,2.5" for n in range(rows // 2)]
        lines += [f"*{n:03d} [[]1].pn?,3" for n in range(rows - len(lines))]
        src.write("scales.csv", "\n".join(["path,scale", *lines, ""]).encode())
    record(job, names, src, dst)


def write_all(
    folder: Folder, names: Sequence[str], content: bytes, server: S3Server | None
) -> None:
    """Write tiny files as fast as the storage takes them."""
    local = folder.local_path
    if server:
        bucket, _, inside = folder.root.partition("/")
        server.fill(bucket, [f"{inside}/{name}" for name in names], content)
        return
    if local is None:
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda name: folder.write(name, content), names))
        return
    for name in names:
        (local / name).parent.mkdir(parents=True, exist_ok=True)
        (local / name).write_bytes(content)


def record(job: Job, names: Sequence[str], src: Folder, dst: Folder) -> None:
    """The ledger as the runs would have written it."""
    sources, outputs = src.files(), dst.files()
    upscaler = get_upscaler(job)
    has_rows = plan.DEFAULT_NAME in sources
    scales = plan.read_scales("scales.csv", src.read("scales.csv")) if has_rows else None
    records = []
    for name in names:
        row = scales.row_for(name) if scales else None
        scale = row.scale if row else upscaler.default_scale
        options = job.digest_options(name)
        infos, sizes = (sources[name], outputs[name]), (Size(4, 6), Size(8, 12))
        records.append(Record(name, name, *infos, str(scale), options, job.model_sha256, *sizes))
    for start in range(0, len(records), RECORDS_PER_FILE):
        ledger.append(dst, job.run_id, records[start : start + RECORDS_PER_FILE])


def timed(seconds: Counter[str], owner: Any, name: str) -> None:
    """Count the seconds that are spent in a function."""
    function: Callable[..., Any] = getattr(owner, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            seconds[name] += time.perf_counter() - began

    setattr(owner, name, call)


def peak_mb() -> float:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(url: str) -> None:
    """Plan, report, and print what it took."""
    seconds: Counter[str] = Counter()
    for owner, name in PARTS:
        timed(seconds, owner, name)
    job = job_of(url)
    upscaler = get_upscaler(job)
    print(f"  {peak_mb():6.0f} MB before")
    began, worked = time.perf_counter(), time.process_time()
    made = make_plan(job, PlanOptions(), upscaler)
    print(f"  {time.perf_counter() - began:6.2f} s to plan, {peak_mb():.0f} MB at the peak")
    print(f"  {time.process_time() - worked:6.2f} s of them on a processor")
    print(f"  {len(made.work)} to make, {len(made.settled)} settled, {len(made.warnings)} warnings")
    told = Report(job, datetime.now(UTC), 0.0, {}, complete_results(made, []))
    size = len(told.to_json()) / 1e6
    print(f"  {peak_mb():6.0f} MB after the report of {size:.1f} MB")
    for name, spent in seconds.most_common():
        print(f"  {spent:6.2f} s in {name}")


@contextlib.contextmanager
def place(url: str | None, *, s3: bool) -> Iterator[tuple[str, S3Server | None]]:
    """Where to work: as asked, on a server of our own, or in a temporary folder."""
    if url:
        yield url, None
    elif s3:
        with SeaweedFS() as server:
            os.environ.update(server.environment)
            yield f"s3://{server.make_bucket()}", server
    else:
        folder = tempfile.mkdtemp(prefix="planning-")
        yield folder, None
        shutil.rmtree(folder)


def main() -> None:
    """Make, and measure in a fresh process, without and with a scales file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--rows", type=int, nargs="*", default=[0, 1000])
    parser.add_argument("--url", help="an empty folder or prefix to work in")
    parser.add_argument("--s3", action="store_true", help="work on a server that is started here")
    parser.add_argument("--measure", action="store_true", help="measure only: --url is made")
    options = parser.parse_args()
    if options.measure:
        measure(options.url)
        return
    with place(options.url, s3=options.s3) as (base, server):
        for rows in options.rows:
            url = f"{base}/{rows}-rows"
            make(url, options.images, rows, server)
            print(f"{options.images} images, {rows} rows of scales", flush=True)
            subprocess.run([sys.executable, __file__, "--measure", "--url", url], check=True)


if __name__ == "__main__":
    main()
