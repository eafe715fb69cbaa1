"""Measures how long it takes to plan a run with all images up to date, and in how much memory.

    python benchmarks/planning.py                               # 100,000 images in local folders
    python benchmarks/planning.py --images 10000 --url s3://bucket/prefix
    python benchmarks/planning.py --s3 --images 10000           # on SeaweedFS, started here

Sources and outputs are tiny: planning reads no image that is up to date. The whole plan is timed
first, then its slow steps again, each alone: in buckets, the plan lists both at the same time.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from memory import read_resident
from options import make_benchmark_parser

sys.path.insert(0, str(Path(__file__).parent.parent))

from srcnn.batch.worker import open_model
from srcnn.destination import ledger
from srcnn.destination.records import Record
from srcnn.geometry import Size, compute_output_size
from srcnn.inference.config import InferenceConfig
from srcnn.job import Job
from srcnn.model.pixel_format import NOTHING_STATED
from srcnn.planning.list_source import list_source
from srcnn.planning.plan import make_plan
from srcnn.planning.scales_file import ScaleResolver, find_scales
from srcnn.planning.select_images import PlanOptions, select_images
from srcnn.reporting.report import Report, complete_results
from srcnn.storage.folder import Folder
from srcnn.storage.retries import DEFAULT_LIMITS
from tests.support.servers.seaweedfs import S3Server, SeaweedFS

RECORDS_PER_FILE = 200
FOLDERS = 100
SIZE = Size(4, 6)
IMAGES, QUICK_IMAGES = 100_000, 300
ROWS, QUICK_ROWS = (0, 1000), (0, 10)  # of the scales file; 0 for none
T = TypeVar("T")


def make_job(url: str) -> Job:
    """Return what all images share."""
    source, destination = Folder(f"{url}/src"), Folder(f"{url}/dst")
    return Job(
        "20260101T000000",
        source,
        destination,
        open_model("bundled", NOTHING_STATED, InferenceConfig(), DEFAULT_LIMITS),
    )


def make_folders(url: str, images: int, rows: int, server: S3Server | None) -> None:
    """Write sources and outputs, and the ledger of the run that would have made them."""
    picture = cv2.imencode(".png", np.zeros((*SIZE, 3), np.uint8))[1].tobytes()
    names = [f"{n % FOLDERS:03d}/image {n:06d} [1].png" for n in range(images)]
    job = make_job(url)
    src, dst = job.source, job.destination
    write_all(src, names, picture, server)
    if rows:
        src.write("scales.csv", make_scales(rows))
    write_all(dst, names, picture, server)
    write_ledger(job)


def make_scales(rows: int) -> bytes:
    """Return a scales file whose rows are patterns: half by the name, half by its end."""
    lines = [f"{n % FOLDERS:03d}/image {n:06d}*,2.5" for n in range(rows // 2)]
    lines += [f"*{n:03d} [[]1].pn?,3" for n in range(rows - len(lines))]
    return "\n".join(["path,scale", *lines, ""]).encode()


def write_all(
    folder: Folder, names: Sequence[str], content: bytes, server: S3Server | None
) -> None:
    """Write tiny files as fast as the storage allows."""
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


def write_ledger(job: Job) -> None:
    """Record every image as written."""
    listing = list_source(job.source, job.destination)
    resolver = ScaleResolver(find_scales(job.source, listing.files, None), None, job.model.graph)
    images = select_images(listing, "keep", PlanOptions(), resolver)
    outputs = job.destination.files().items()  # in the order of the images
    options = job.digest_options("x.png")
    records = (
        Record(
            output=each.output,
            source=each.source,
            source_info=each.info,
            output_info=info,
            scale=str(each.scale),
            options=options,
            model=job.model.sha256,
            size_in=SIZE,
            size_out=compute_output_size(SIZE, each.scale),
        )
        for each, (_, info) in zip(images, outputs, strict=True)
    )
    while part := list(itertools.islice(records, RECORDS_PER_FILE)):
        ledger.append(job.destination, job.run_id, part)


def peak_mb() -> float:
    """Return the peak memory of this process; getrusage would include that of its parent."""
    return read_resident("VmHWM") / 2**20


def print_seconds(step: str, call: Callable[[], T]) -> T:
    """Run a step and print its time; return its result."""
    began, worked = time.perf_counter(), time.process_time()
    result = call()
    seconds, busy = time.perf_counter() - began, time.process_time() - worked
    print(f"  {seconds:6.2f} s {step} ({busy:.2f} s on a processor), peak {peak_mb():.0f} MB")
    return result


def measure(url: str) -> None:
    """Plan and report, then repeat the slow steps; print what each took."""
    job = make_job(url)
    src, dst = job.source, job.destination
    print(f"  peak {peak_mb():.0f} MB before planning")
    plan = print_seconds("to plan", lambda: make_plan(job, PlanOptions()))
    if plan.tasks or not plan.settled:
        raise SystemExit(f"{url}: expected all images up to date, got {len(plan.tasks)} to make")
    report = Report(job, datetime.now(UTC), 0.0, {}, complete_results(plan, {}))
    content = print_seconds("to write the report", report.to_json)
    print(
        f"  {len(plan.settled)} up to date; a report of {len(content) / 1e6:.1f} MB. Again, alone:"
    )
    print_seconds("to list the source", src.files)
    listing = print_seconds("to list the destination", dst.files)
    print_seconds("to read the ledger", lambda: ledger.load(dst, listing))


@contextlib.contextmanager
def open_place(url: str | None, *, s3: bool) -> Iterator[tuple[str, S3Server | None]]:
    """Yield where to work: the given URL, a bucket on a new server, or a temporary folder."""
    if url:
        yield url, None
    elif s3:
        with SeaweedFS() as server:
            os.environ.update(server.environment)
            yield f"s3://{server.make_bucket()}", server
    else:
        with tempfile.TemporaryDirectory(prefix="planning-") as folder:
            yield folder, None


def main() -> None:
    """Prepare, then measure in a new process, without and with a scales file."""
    parser = make_benchmark_parser(__doc__)
    parser.add_argument("--images", type=int, help=f"how many; default: {IMAGES}")
    parser.add_argument("--rows", type=int, nargs="*", help="of the scales files; default: 0 1000")
    parser.add_argument("--url", help="an empty folder or prefix to work in")
    parser.add_argument("--s3", action="store_true", help="work on a server that is started here")
    parser.add_argument("--measure", action="store_true", help="only measure what --url holds")
    options = parser.parse_args()
    if options.measure:
        if not options.url:
            parser.error("--measure: expected --url, a folder that an earlier run has filled")
        measure(options.url)
        return
    images = options.images or (QUICK_IMAGES if options.quick else IMAGES)
    with open_place(options.url, s3=options.s3) as (base, server):
        for rows in options.rows or (QUICK_ROWS if options.quick else ROWS):
            url = f"{base}/{rows}-rows"
            make_folders(url, images, rows, server)
            print(f"{images} images, {rows} rows of scales", flush=True)
            subprocess.run([sys.executable, __file__, "--measure", "--url", url], check=True)


if __name__ == "__main__":
    main()
