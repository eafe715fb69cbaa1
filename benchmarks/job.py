"""What the whole command takes beyond inference: a folder of photographs, and one of thumbnails.

    python benchmarks/job.py [--photographs 200] [--from FOLDER] [--quick]

The command runs on real files. Half of the inference is measured before it and half after it,
alone, in processes of their own: so that a machine that slows down slows both.
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
from photographs import Pixels, crops
from results import Part, parser

ROOT = Path(__file__).parent.parent
JPEG_QUALITY = 95  # the command's own


@dataclass(frozen=True)
class Folder:
    """What a folder holds, and how often it is measured."""

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
    """A picture that must be one."""
    found = cv2.imread(str(path))
    if found is None:
        raise SystemExit(f"{path} is no picture that OpenCV reads")
    return found


def pictures_in(folder: Path, count: int) -> list[Pixels]:
    """The first pictures of a folder."""
    return [read(path) for path in sorted(folder.iterdir())[:count]]


def command(src: Path, dst: Path, scale: float) -> dict[str, float]:
    """Seconds of a run by its own report, and of its process."""
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


def alone(src: Path, scale: float, half: slice, threads: int) -> dict[str, float]:
    """Seconds of decoding, inference and encoding, one after the other, in this process."""
    from srcnn import Upscaler  # noqa: PLC0415 - only the processes that measure load it

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


def fresh(src: Path, scale: float, first: int, last: int, threads: int) -> dict[str, float]:
    """`alone`, in a process of its own."""
    arguments = [sys.executable, __file__, "alone", src, scale, first, last, threads]
    done = subprocess.run(list(map(str, arguments)), stdout=subprocess.PIPE, text=True, check=True)
    seconds: dict[str, float] = json.loads(done.stdout)
    return seconds


def measure(src: Path, folder: Folder, threads: int) -> list[dict[str, float]]:
    """Each round: half of the work alone, the command, the other half."""
    measured = []
    count = len(list(src.iterdir()))
    for number in range(folder.rounds):
        before = fresh(src, folder.scale, 0, count // 2, threads)
        took = command(src, src.parent / f"{src.name}-{number}", folder.scale)
        after = fresh(src, folder.scale, count // 2, count, threads)
        measured.append({**took, **{name: before[name] + after[name] for name in before}})
        print(f"  {src.name}: round {number + 1} of {folder.rounds}", file=sys.stderr)
    return measured


def figures(place: Path, name: str, folder: Folder, source: Path | None, threads: int) -> Any:
    """One folder's figures."""
    pictures = pictures_in(source, folder.count) if source else crops(folder.count, *folder.size)
    fill(place / name, pictures)
    pixels = sum(each.shape[0] * each.shape[1] for each in pictures)
    return {
        "count": len(pictures),
        "size": folder.size if source is None else None,
        "scale": folder.scale,
        "megapixels": pixels * folder.scale**2 / 1e6,
        "rounds": measure(place / name, folder, threads),
    }


def main() -> None:
    if sys.argv[1:2] == ["alone"]:
        src, scale, first, last, threads = sys.argv[2:]
        half = slice(int(first), int(last))
        print(json.dumps(alone(Path(src), float(scale), half, int(threads))))
        return
    arguments = parser(__doc__)
    arguments.add_argument("--photographs", type=int, help="how many, 200 if unset")
    arguments.add_argument("--from", type=Path, dest="source", help="a folder of photographs")
    options = arguments.parse_args()
    part = Part("job", options)
    folders = QUICK if options.quick else dict(FOLDERS)
    if options.photographs:
        folders["photographs"] = replace(folders["photographs"], count=options.photographs)
    sources = {"photographs": options.source}
    with tempfile.TemporaryDirectory() as place:
        made = {
            name: figures(Path(place), name, folder, sources.get(name), part.threads)
            for name, folder in folders.items()
        }
    part.write(made)


if __name__ == "__main__":
    main()
