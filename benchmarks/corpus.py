"""Upscales every image of a folder, and compares the results with what other readers make of it.

    python benchmarks/corpus.py [FOLDER] [--scale 1.5] [--quick]

The network of the model adds nothing, so a result must be the source's pixels, enlarged by the
cubic. Pillow, OpenCV, tifffile and libvips (the command `vips`, if it is installed) read each too,
and their pixels are enlarged by the cubic from its definition. Without FOLDER, files of every
kind that these libraries write are made. Metadata is listed by `exiftool`, if it is installed.
"""

from __future__ import annotations

import concurrent.futures
import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import onnx
from corpus_comparison import Opinion, ask
from corpus_files import write_files
from corpus_metadata import count_kept, read_blocks
from corpus_readers import READERS
from options import make_benchmark_parser

ROOT = Path(__file__).parent.parent
QUICK_STEP = 40  # every 40th of the files that are made
READ_SECONDS = 120
# Two convolutions, as the engine expects of a network; each returns what it takes.
_GRAPH = """
    <ir_version: 8, opset_import: ["" : 17]>
    cubic (float[N, 3, H, W] input, float[4] factor) => (float[N, 3, P, Q] output)
    <float[3, 3, 1, 1] one = {1, 0, 0, 0, 1, 0, 0, 0, 1}> {
        large = Resize <mode = "cubic", coordinate_transformation_mode = "pytorch_half_pixel"> (input, , factor)
        same = Conv (large, one)
        output = Conv (same, one)
    }"""  # noqa: E501 - a node is a line


@dataclass(frozen=True)
class Judged:
    """An image of the report, and what the readers say of it."""

    image: dict[str, Any]
    opinions: dict[str, Opinion]

    @property
    def readers(self) -> list[str]:
        """Those that read the source."""
        return [name for name, each in self.opinions.items() if each.was_read]

    @property
    def is_refused(self) -> bool:
        """Whether it was not upscaled."""
        return bool(self.image["status"] == "failed")

    @property
    def verdict(self) -> str:
        """How many of the readers agree with the result."""
        agree = sum(not self.opinions[name].difference for name in self.readers)
        if self.is_refused:
            return "refused, two others read it" if len(self.readers) > 1 else "refused"
        if not self.readers:
            return "upscaled, no other reads it"
        if agree == len(self.readers):
            return "all agree"
        return {0: "none agrees", 1: "one agrees, others differ"}.get(agree, "some agree")


class Readers:
    """Readers in a process of their own: a crash costs one answer."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._pool: ProcessPoolExecutor | None = None

    def ask(self, *question: Any) -> Opinion:
        """Call `corpus_comparison.ask` there."""
        if self._pool is None:
            spawn = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, spawn, initializer=be_silent)
        try:
            return self._pool.submit(ask, *question).result(READ_SECONDS)
        except (concurrent.futures.BrokenExecutor, TimeoutError) as error:
            self.stop()
            return Opinion(was_read=False, difference=f"it crashed: {type(error).__name__}")

    def stop(self) -> None:
        """End the process, even in the middle of an answer."""
        if self._pool is not None:
            for process in list((self._pool._processes or {}).values()):  # noqa: SLF001 - a reader that hangs is stopped by nothing else
                process.kill()
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def be_silent() -> None:
    """Send what libraries write to standard error nowhere; it names no file."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def upscale(source: Path, place: Path, scale: str) -> dict[str, Any]:
    """Upscale a folder as a user would, and return the report."""
    model, report = place / "cubic.onnx", place / "report.json"
    model.write_bytes(onnx.parser.parse_model(_GRAPH).SerializeToString())
    command = [sys.executable, "flows/upscale.py", "--no-track", "--quiet", "--format", "png"]
    command += ["--src", str(source), "--dst", str(place / "out"), "--scale", scale]
    command += ["--model", str(model), "--report", str(report)]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("SRCNN_", "PREFECT_"))}
    done = subprocess.run(
        command, cwd=ROOT, env=env, check=False, stderr=subprocess.PIPE, text=True
    )
    if not report.exists():
        raise SystemExit(f"{source}: the run did not start: {done.stderr}")
    found: dict[str, Any] = json.loads(report.read_text())
    return found


def judge(source: Path, place: Path, report: dict[str, Any], factor: Fraction) -> Iterator[Judged]:
    """Ask every reader about every image of a report."""
    readers = Readers()
    for number, image in enumerate(report["images"]):
        if number % 100 == 99:
            print(f"  {number + 1} of {len(report['images'])}", file=sys.stderr)
        result = place / "out" / image["output"] if image["status"] == "written" else None
        path = source / image["source"]
        yield Judged(image, {name: readers.ask(name, path, result, factor) for name in READERS})
    readers.stop()


def describe(judged: Judged) -> str:
    """Describe an image that is worth a look, in one line."""
    if judged.is_refused:
        error = judged.image["error"]
        return f"{error['type']}: {error['message']} (read by {', '.join(judged.readers)})"
    return "; ".join(
        f"{name}: {judged.opinions[name].difference or 'agrees'}" for name in judged.readers
    )


def describe_kind(error: dict[str, str]) -> str:
    """Name the kind of an error: its type and message, without numbers and advice."""
    return f"{error['type']}: {re.sub(r'[0-9][0-9,.]*', 'N', error['message'])}"


def print_counts(title: str, counts: Counter[str]) -> None:
    print(f"\n| {title} | images |\n| --- | ---: |")
    for name, count in counts.most_common():
        print(f"| {name} | {count} |")


def print_metadata(source: Path, place: Path, images: list[Judged]) -> None:
    before, after = read_blocks(source), read_blocks(place / "out")
    nothing: frozenset[str] = frozenset()
    kept = count_kept(
        (
            before.get(source / each.image["source"], nothing),
            after.get(place / "out" / each.image["output"], nothing),
            bool(each.image.get("notes")),
        )
        for each in images
        if each.image["status"] == "written"
    )
    print("\n| metadata | kept | left out, with a note | lost |\n| --- | ---: | ---: | ---: |")
    for name, counts in kept.items():
        print(f"| {name} | {counts['kept']} | {counts['noted']} | {counts['lost']} |")


def print_results(images: list[Judged]) -> None:
    print_counts("verdict", Counter(each.verdict for each in images))
    refused = [each.image["error"] for each in images if each.is_refused]
    print_counts("refused because", Counter(map(describe_kind, refused)))
    for verdict in ("none agrees", "one agrees, others differ", "refused, two others read it"):
        print(f"\n{verdict}:")
        for each in images:
            if each.verdict == verdict:
                print(f"- {each.image['source']}: {describe(each)}")


def main() -> None:
    parser = make_benchmark_parser(__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="default: files that are made")
    parser.add_argument("--scale", default="1.5", help="factor; default: 1.5")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        source = options.folder.resolve() if options.folder else place / "made"
        if options.folder is None:
            source.mkdir()
            write_files(source, QUICK_STEP if options.quick else 1)
        report = upscale(source, place, options.scale)
        images = list(judge(source, place, report, Fraction(options.scale)))
        print(f"{len(images)} images, compared with {', '.join(READERS)}")
        print_results(images)
        print_metadata(source, place, images)


if __name__ == "__main__":
    main()
