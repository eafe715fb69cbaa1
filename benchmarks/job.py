"""Measures what the whole command takes beyond inference: on photographs and on thumbnails.

    python benchmarks/job.py [--photographs 200] [--from FOLDER] [--quick]

The command runs on real files. Inference alone is measured in processes of its own, half of it
before the command and half after it, so that a machine that slows down slows both.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
from options import make_part_parser
from photographs import Pixels, make_crops
from results import Part

ROOT = Path(__file__).parent.parent
JPEG_QUALITY = 95  # that of the command


@dataclass(frozen=True)
class Folder:
    """The contents of a folder, and how often it is measured."""

    count: int
    size: tuple[int, int]
    scale: float
    rounds: int


FOLDERS = {"photographs": Folder(200, (321, 481), 4, 1), "thumbnails": Folder(2000, (64, 64), 2, 3)}
QUICK = {"photographs": Folder(2, (24, 32), 4, 1), "thumbnails": Folder(4, (16, 16), 2, 1)}


def fill(place: Path, pictures: Sequence[Pixels]) -> None:
    """Write pictures as JPEG."""
    place.mkdir(parents=True)
    for index, picture in enumerate(pictures):
        cv2.imwrite(str(place / f"{index:04}.jpg"), picture)


def read(path: Path) -> Pixels:
    """Read a picture.

    Raises:
        SystemExit: OpenCV cannot read it.
    """
    found = cv2.imread(str(path))
    if found is None:
        raise SystemExit(f"{path}: OpenCV cannot read this image")
    return found


def read_folder(folder: Path, count: int) -> list[Pixels]:
    """Read the first pictures of a folder."""
    return [read(path) for path in sorted(folder.iterdir())[:count]]


def run_command(src: Path, dst: Path, scale: float) -> dict[str, float]:
    """Return the seconds of a run, from its report, and those of its process."""
    report = dst.with_suffix(".json")
    began = time.perf_counter()
    subprocess.run(
        [
            *(sys.executable, "flows/upscale.py", "--no-track", "--quiet", "--scale", str(scale)),
            *("--src", str(src), "--dst", str(dst), "--report", str(report)),
        ],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith(("SRCNN_", "PREFECT_"))},
        check=True,
    )
    process = time.perf_counter() - began
    return {"run": json.loads(report.read_text())["run"]["seconds"], "process": process}


def time_steps(src: Path, scale: float, half: slice, threads: int) -> dict[str, float]:
    """Return the seconds of decoding, inference and encoding, run one by one in this process."""
    from srcnn import Upscaler  # noqa: PLC0415 - loaded only in the processes that measure

    upscaler = Upscaler.load(threads=threads)
    paths = sorted(src.iterdir())[half]
    upscaler(read(paths[0]), scale)
    seconds = dict.fromkeys(("decoding", "inference", "encoding"), 0.0)
    for path in paths:
        times = [time.perf_counter()]
        image = read(path)
        times.append(time.perf_counter())
        result = upscaler(image, scale)
        times.append(time.perf_counter())
        cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        times.append(time.perf_counter())
        for index, name in enumerate(seconds):
            seconds[name] += times[index + 1] - times[index]
    return seconds


def run_steps(src: Path, scale: float, first: int, last: int, threads: int) -> dict[str, float]:
    """Run `time_steps` in a new process."""
    arguments = [sys.executable, __file__, "steps", src, scale, first, last, threads]
    done = subprocess.run(list(map(str, arguments)), stdout=subprocess.PIPE, text=True, check=True)
    seconds: dict[str, float] = json.loads(done.stdout)
    return seconds


def measure(src: Path, folder: Folder, threads: int) -> list[dict[str, float]]:
    """Measure, each round: half of the steps alone, the command, the other half."""
    measured = []
    count = len(list(src.iterdir()))
    for number in range(folder.rounds):
        before = run_steps(src, folder.scale, 0, count // 2, threads)
        took = run_command(src, src.parent / f"{src.name}-{number}", folder.scale)
        after = run_steps(src, folder.scale, count // 2, count, threads)
        measured.append({**took, **{name: before[name] + after[name] for name in before}})
        print(f"  {src.name}: round {number + 1} of {folder.rounds}", file=sys.stderr)
    return measured


def measure_folder(
    place: Path, name: str, folder: Folder, source: Path | None, threads: int
) -> dict[str, Any]:
    """Make a folder and return its figures."""
    count, size = folder.count, folder.size
    pictures = read_folder(source, count) if source else make_crops(count, *size)
    fill(place / name, pictures)
    pixels = sum(each.shape[0] * each.shape[1] for each in pictures)
    return {
        "count": len(pictures),
        "size": size if source is None else None,
        "scale": folder.scale,
        "megapixels": pixels * folder.scale**2 / 1e6,
        "rounds": measure(place / name, folder, threads),
    }


def main() -> None:
    if sys.argv[1:2] == ["steps"]:
        src, scale, first, last, threads = sys.argv[2:]
        half = slice(int(first), int(last))
        print(json.dumps(time_steps(Path(src), float(scale), half, int(threads))))
        return
    parser = make_part_parser(__doc__)
    parser.add_argument("--photographs", type=int, help="how many; default: 200")
    parser.add_argument("--from", type=Path, dest="source", help="a folder of photographs")
    options = parser.parse_args()
    part = Part("job", options)
    folders = QUICK if options.quick else dict(FOLDERS)
    if options.photographs:
        folders["photographs"] = replace(folders["photographs"], count=options.photographs)
    sources = {"photographs": options.source}
    with tempfile.TemporaryDirectory() as place:
        figures = {
            name: measure_folder(Path(place), name, folder, sources.get(name), part.threads)
            for name, folder in folders.items()
        }
    part.write(figures)


if __name__ == "__main__":
    main()
