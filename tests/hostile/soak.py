"""Upscale thousands of mixed images in one process, and see that what it holds does not grow.

    make soak
    python -m tests.hostile.soak [--images 5000] [--results soak-results]

Memory, descriptors and threads are read several times a second. Once every part of the program has
been used, the second half of the samples must look like the first.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
from skimage import data

from tests.hostile.corpus import Array, collect_seeds
from tests.hostile.mutations import mutate
from tests.hostile.watched_run import WatchedRun, read_memory, run_watched

MEMORY_GROWTH_BYTES = 64 << 20  # allocators keep some
_TIMEOUT_SECONDS = 3600
_WARM_UP = 0.3  # of the samples: until then parts of the program are loaded
_PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
_MEAN_SIDE_PX, _SIDES_PX = 300, (16, 900)
# How often each kind comes, of a hundred; what is left are mutants and small files of any kind.
_PHOTOGRAPH_KINDS = {".jpg": 55, ".png": 12, ".webp": 6, ".tiff": 6, ".avif": 1}


@dataclass(frozen=True)
class Sample:
    """What the process holds at a moment.

    Attributes:
        memory_bytes: that are resident.
        descriptors: that are open.
        threads: that live.
    """

    memory_bytes: int
    descriptors: int
    threads: int


@dataclass(frozen=True)
class Figures:
    """What a soak came to: medians of the first and the second half of the samples.

    Attributes:
        counts: of images, by what became of them.
        seconds: of the run.
        peak_bytes: the most memory.
        before: the first half, after the warm-up.
        after: the second half.
    """

    counts: dict[str, int]
    seconds: float
    peak_bytes: int
    before: Sample
    after: Sample

    @property
    def is_flat(self) -> bool:
        """Whether nothing grew."""
        return (
            self.after.memory_bytes <= self.before.memory_bytes + MEMORY_GROWTH_BYTES
            and self.after.descriptors <= self.before.descriptors + 1
            and self.after.threads <= self.before.threads + 1
        )


def fill(folder: Path, count: int) -> None:
    """Write mixed files: photographs of many sizes, small files of every kind, mutants.

    Args:
        folder: a new one.
        count: of files.
    """
    generator, seeds = random.Random(count), collect_seeds()  # noqa: S311 - no secret
    photographs = [cv2.cvtColor(getattr(data, name)(), cv2.COLOR_RGB2BGR) for name in _PHOTOGRAPHS]
    for index in range(count):
        place = folder / f"{index // 500:03}"  # folders of some hundreds
        place.mkdir(parents=True, exist_ok=True)
        name, content = _make_file(generator, photographs, seeds)
        (place / f"{index:06}{Path(name).suffix}").write_bytes(content)


def _make_file(
    generator: random.Random, photographs: Sequence[Array], seeds: dict[str, bytes]
) -> tuple[str, bytes]:
    (kind,) = generator.choices([*_PHOTOGRAPH_KINDS, ""], [*_PHOTOGRAPH_KINDS.values(), 20])
    if kind:
        crop = _crop(generator, generator.choice(photographs))
        return f"photograph{kind}", cv2.imencode(kind, crop)[1].tobytes()
    name, other = generator.choices(sorted(seeds), k=2)
    is_mutant = generator.random() < 0.5
    return name, mutate(seeds[name], seeds[other], generator).content if is_mutant else seeds[name]


def _crop(generator: random.Random, photograph: Array) -> Array:
    low, high = _SIDES_PX
    height, width = (
        min(high, low + int(generator.expovariate(1 / _MEAN_SIDE_PX)), side)
        for side in photograph.shape[:2]
    )
    top = generator.randint(0, photograph.shape[0] - height)
    left = generator.randint(0, photograph.shape[1] - width)
    return photograph[top : top + height, left : left + width]


def soak(images: int, folder: Path) -> tuple[Figures, list[Sample]]:
    """Upscale that many images in one process, and return what it held.

    Args:
        images: how many.
        folder: an empty one, to work in.

    Raises:
        RuntimeError: the run did not come to its end, or ended too soon to be sampled.
    """
    fill(folder / "in", images)
    samples: list[Sample] = []
    arguments = ("--src", folder / "in", "--dst", folder / "out", "--quiet")
    run = run_watched(arguments, folder, {}, _TIMEOUT_SECONDS, _sampler(samples))
    return _measure(run, samples), samples


def _sampler(samples: list[Sample]) -> Callable[[int], None]:
    def sample(process: int) -> None:
        place = Path(f"/proc/{process}")
        try:
            descriptors, threads = (len(list((place / name).iterdir())) for name in ("fd", "task"))
        except OSError:  # it has just ended
            return
        samples.append(Sample(read_memory(process, "VmRSS"), descriptors, threads))

    return sample


def _measure(run: WatchedRun, samples: Sequence[Sample]) -> Figures:
    warm = samples[int(_WARM_UP * len(samples)) :]
    half = len(warm) // 2
    if run.status not in (0, 1) or run.report is None or not half:
        raise RuntimeError(f"the run ended with status {run.status}: {run.output[-2000:]}")
    return Figures(
        run.report["counts"],
        round(run.seconds, 1),
        run.peak_bytes,
        _find_median(warm[:half]),
        _find_median(warm[half:]),
    )


def _find_median(samples: Sequence[Sample]) -> Sample:
    columns = zip(*(asdict(sample).values() for sample in samples), strict=True)
    return Sample(*(statistics.median_low(column) for column in columns))


def main() -> None:
    """Soak once; the exit status is 1 if something grew."""
    parser = argparse.ArgumentParser(description="Upscale thousands of mixed images.")
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--results", type=Path, default=Path("soak-results"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="srcnn-soak-") as place:
        figures, samples = soak(arguments.images, Path(place))
    arguments.results.mkdir(parents=True, exist_ok=True)
    content = asdict(figures) | {"samples": [asdict(sample) for sample in samples]}
    (arguments.results / "soak.json").write_text(json.dumps(content))
    print(figures)  # noqa: T201 - it speaks to a terminal
    sys.exit(not figures.is_flat)


if __name__ == "__main__":
    main()
