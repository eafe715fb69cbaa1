"""Measures how much memory a picture takes beyond itself and its result.

    python benchmarks/memory.py [--quick]

Each case runs in a process of its own. The baseline is what the process holds after a first tiny
picture; the decoded picture and the result are subtracted from the peak. Then one process upscales
a batch of mixed sizes, and its memory is read at intervals. Linux only: reads /proc/self.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from options import make_part_parser
from photographs import Pixels, make_picture
from results import Part

MIB = 2**20
CASES: dict[str, tuple[tuple[int, int], float, str]] = {
    "100 Mpx, colour": ((2500, 2500), 4, "colour"),
    "16 Mpx, colour": ((1000, 1000), 4, "colour"),
    "16 Mpx, 16 bits": ((1000, 1000), 4, "deep"),
    "16 Mpx, alpha": ((1000, 1000), 4, "alpha"),
    "16 Mpx, grey": ((1000, 1000), 4, "grey"),
    "1x100,000 to x2": ((1, 100_000), 2, "colour"),
    "100,000x1 to x2": ((100_000, 1), 2, "colour"),
}
QUICK_CASES = {"tiny": ((40, 50), 2.0, "colour")}
BATCH, QUICK_BATCH = (300, 50), (4, 2)  # pictures, and after how many memory is read
SIDES_PX = (24, 600)


def read_resident(field: str = "VmRSS") -> int:
    """Return the resident bytes of this process: VmRSS now, VmHWM at the peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def reset_peak() -> None:
    """Reset VmHWM to what is held now."""
    Path("/proc/self/clear_refs").write_text("5")


def measure_case(name: str, threads: int) -> dict[str, int]:
    """Measure the peak of one case; needs a new process."""
    from srcnn import Upscaler  # noqa: PLC0415 - loaded only in the processes that measure

    size, scale, kind = (CASES | QUICK_CASES)[name]
    upscaler = Upscaler.load(threads=threads)
    upscaler(make_picture(16, 16), 2)
    baseline = read_resident()
    image = make_picture(*size, kind)
    reset_peak()
    result = upscaler(image, scale)
    pixels = image.nbytes + result.nbytes
    return {
        "megapixels": result.shape[0] * result.shape[1] / 1e6,
        "baseline": baseline,
        "pixels": pixels,
        "beyond": read_resident("VmHWM") - baseline - pixels,
    }


def measure_batch(count: int, every: int, threads: int) -> dict[str, Any]:
    """Measure resident memory over a batch of mixed sizes and factors."""
    from srcnn import Upscaler  # noqa: PLC0415 - loaded only in the processes that measure

    upscaler = Upscaler.load(threads=threads)
    upscaler(make_picture(16, 16), 2)
    held = [(0, read_resident())]
    for done, (image, scale) in enumerate(make_mixed(count), 1):
        upscaler(image, scale)
        if done % every == 0:
            held.append((done, read_resident()))
    return {"held": held, "peak": read_resident("VmHWM")}


def make_mixed(count: int) -> Iterator[tuple[Pixels, float]]:
    """Yield pictures of random sizes, small ones more often, each with a factor."""
    random = np.random.default_rng(0)
    for _ in range(count):
        low, high = np.log(SIDES_PX)
        height, width = np.exp(random.uniform(low, high, 2)).astype(int)
        yield make_picture(int(height), int(width)), float(random.choice([1.5, 2, 2.5, 3, 4]))


def run_process(*arguments: object) -> dict[str, Any]:
    """Run this file in a new process and return its figures."""
    command = [sys.executable, __file__, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    print(f"  {arguments[0]} {arguments[1]}", file=sys.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    if len(sys.argv) == 4 and sys.argv[1] == "one":
        print(json.dumps(measure_case(sys.argv[2], int(sys.argv[3]))))
        return
    if len(sys.argv) == 5 and sys.argv[1] == "batch":
        print(json.dumps(measure_batch(*map(int, sys.argv[2:]))))
        return
    options = make_part_parser(__doc__).parse_args()
    part = Part("memory", options)
    cases = QUICK_CASES if options.quick else CASES
    found = {name: run_process("one", name, part.threads) for name in cases}
    together = run_process("batch", *(QUICK_BATCH if options.quick else BATCH), part.threads)
    part.write({"cases": found, "batch": together})


if __name__ == "__main__":
    main()
