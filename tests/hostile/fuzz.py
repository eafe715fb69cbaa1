"""Upscale mutated pictures, a round of some hundreds at a time, and collect what goes wrong.

    make fuzz
    python -m tests.hostile.fuzz [--minutes 60] [--results fuzz-results]

Each round is one run of the command over files made from the round's number, so a round can be
repeated. Results lie on disk: a later call goes on with the next round, and the figures are those
of all rounds. The folder `findings` keeps each file that broke a promise.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.hostile.corpus import collect_seeds
from tests.hostile.findings import (
    Entry,
    Finding,
    find_image_findings,
    find_run_findings,
)
from tests.hostile.mutations import mutate
from tests.hostile.watched_run import WatchedRun, run_watched

ROUND_FILES = 500
_TIMEOUT_SECONDS = 300
_SETTINGS = {
    "SRCNN_MAX_INPUT_MEGAPIXELS": "4",
    "SRCNN_MAX_OUTPUT_MEGAPIXELS": "4",
    "SRCNN_CONTACT_SHEET_IMAGES": "0",
}
# Of a round's outputs; the first keeps every format.
OPTIONS: tuple[tuple[str, ...], ...] = (
    ("--scale", "2"),
    ("--scale", "2", "--metadata", "strip"),
    ("--scale", "1.5", "--format", "png"),
    ("--scale", "2", "--format", "jpg", "--flatten", "white"),
    ("--scale", "longest=64", "--format", "webp"),
    ("--scale", "2", "--format", "tiff"),
    ("--scale", "1.25", "--format", "avif", "--quality", "60"),
)


@dataclass(frozen=True)
class RoundResult:
    """What a round came to.

    Attributes:
        counts: of files, by what became of them.
        seconds: of the run.
        peak_bytes: the most memory of the run.
        findings: broken promises.
    """

    counts: Counter[str]
    seconds: float
    peak_bytes: int
    findings: list[Finding]


def make_entries(seeds: Mapping[str, bytes], number: int, count: int) -> dict[str, Entry]:
    """Return the files of a round by name; the same number makes the same files.

    Args:
        seeds: sound files by name.
        number: of the round.
        count: of files.
    """
    generator, by_kind = random.Random(number), _group_by_kind(seeds)  # noqa: S311 - no secret
    entries = {}
    for index in range(count):  # every kind as often, however many files it has
        seed, other = (
            generator.choice(by_kind[kind]) for kind in generator.choices(list(by_kind), k=2)
        )
        mutant = mutate(seeds[seed], seeds[other], generator)
        suffix = Path(generator.choice((seed, seed, seed, other))).suffix
        entries[f"{index:04}{suffix}"] = Entry(seed, mutant)
    return entries


def _group_by_kind(names: Iterable[str]) -> dict[str, list[str]]:
    """Group names by their extensions, both in order."""
    groups: dict[str, list[str]] = {}
    for name in sorted(names, key=lambda name: (Path(name).suffix, name)):
        groups.setdefault(Path(name).suffix, []).append(name)
    return groups


def run_round(
    seeds: Mapping[str, bytes], number: int, count: int, sound: Mapping[str, Path], folder: Path
) -> RoundResult:
    """Run one round, and say what went wrong.

    Args:
        seeds: sound files by name.
        number: of the round; it decides all.
        count: of files.
        sound: the results of the sound files with the round's options.
        folder: a new one, to work in.
    """
    options = OPTIONS[number % len(OPTIONS)]
    entries = make_entries(seeds, number, count)
    files = {name: entry.mutant.content for name, entry in entries.items()}
    run = _upscale(files, options, folder)
    findings = list(find_run_findings(run, count))
    if run.report is None:
        culprits = _narrow(files, options, folder)
        return RoundResult(
            Counter(),
            run.seconds,
            run.peak_bytes,
            [*findings, *(Finding(name, "the run does not survive it") for name in culprits)],
        )
    for image in run.report["images"]:
        entry = entries[image["source"]]
        findings += find_image_findings(image, entry, folder / "out", sound)
    return RoundResult(_count(run.report), run.seconds, run.peak_bytes, findings)


def _upscale(files: Mapping[str, bytes], options: Sequence[str], folder: Path) -> WatchedRun:
    source = folder / "in"
    source.mkdir(parents=True)
    for name, content in files.items():
        (source / name).write_bytes(content)
    arguments = ("--src", source, "--dst", folder / "out", "--quiet", *options)
    return run_watched(arguments, folder, _SETTINGS, _TIMEOUT_SECONDS)


def upscale_sound(seeds: Mapping[str, bytes], number: int, folder: Path) -> dict[str, Path]:
    """Upscale the sound files with a round's options; return the results that could be written.

    Args:
        seeds: sound files by name.
        number: of the round.
        folder: a new one, where the results stay.

    Raises:
        RuntimeError: the run did not survive them.
    """
    named = {f"{index:04}{Path(name).suffix}": name for index, name in enumerate(sorted(seeds))}
    files = {file: seeds[name] for file, name in named.items()}
    run = _upscale(files, OPTIONS[number % len(OPTIONS)], folder)
    if run.report is None:
        raise RuntimeError(f"the sound files ended the run: {run.output}")
    return {
        named[image["source"]]: folder / "out" / image["output"]
        for image in run.report["images"]
        if image["status"] == "written"
    }


def _narrow(files: Mapping[str, bytes], options: Sequence[str], folder: Path) -> list[str]:
    """Return the names of files that end a run, by halves; none if it takes several together."""
    names = sorted(files)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        run = _upscale(files, options, Path(place))
    if run.report is not None:
        return []
    if len(names) == 1:
        return names
    half = len(names) // 2
    return [
        culprit
        for part in (names[:half], names[half:])
        for culprit in _narrow({name: files[name] for name in part}, options, folder)
    ]


def _count(report: Mapping[str, Any]) -> Counter[str]:
    return Counter(
        image["error"]["type"] if image["error"] else image["status"] for image in report["images"]
    )


def _record(results: Path, number: int, result: RoundResult, entries: Mapping[str, Entry]) -> None:
    """Keep a round's figures, and the files of its findings."""
    for finding in result.findings:
        place = results / "findings" / f"{number:05}-{finding.name or 'run'}"
        place.parent.mkdir(parents=True, exist_ok=True)
        if entry := entries.get(finding.name):
            place.write_bytes(entry.mutant.content)
        with place.with_suffix(".txt").open("a") as notes:
            about = f"{entry.seed}, {', '.join(entry.mutant.kinds)}: " if entry else ""
            notes.write(f"{about}{finding.what}\n")
    figures = {
        "round": number,
        "seconds": round(result.seconds, 1),
        "peak_mebibytes": result.peak_bytes >> 20,
        "findings": len(result.findings),
        "counts": result.counts,
    }
    with (results / "rounds.jsonl").open("a") as file:
        file.write(json.dumps(figures) + "\n")


def summarize(results: Path) -> str:
    """Return the figures of all rounds in one line."""
    rounds = [json.loads(line) for line in (results / "rounds.jsonl").read_text().splitlines()]
    counts: Counter[str] = sum((Counter(done["counts"]) for done in rounds), Counter())
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in counts.most_common())
    return (
        f"{len(rounds)} rounds, {counts.total():,} files ({kinds}), "
        f"{sum(done['seconds'] for done in rounds) / 60:.0f} minutes, at most "
        f"{max(done['peak_mebibytes'] for done in rounds):,} MiB, "
        f"{sum(done['findings'] for done in rounds)} findings"
    )


def main() -> None:
    """Run rounds until the time is over; the exit status is 1 if there are findings."""
    parser = argparse.ArgumentParser(description="Upscale mutated pictures, and collect faults.")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--results", type=Path, default=Path("fuzz-results"))
    arguments = parser.parse_args()
    results: Path = arguments.results
    results.mkdir(parents=True, exist_ok=True)
    record = results / "rounds.jsonl"
    seeds, deadline = collect_seeds(), time.monotonic() + 60 * arguments.minutes
    found = False
    with tempfile.TemporaryDirectory(prefix="srcnn-fuzz-") as place:
        sound = [upscale_sound(seeds, n, Path(place, f"sound{n}")) for n in range(len(OPTIONS))]
        while time.monotonic() < deadline:
            number = len(record.read_text().splitlines()) if record.exists() else 0
            with tempfile.TemporaryDirectory(dir=place) as work:
                expected = sound[number % len(OPTIONS)]
                result = run_round(seeds, number, ROUND_FILES, expected, Path(work))
            _record(results, number, result, make_entries(seeds, number, ROUND_FILES))
            found = found or bool(result.findings)
            print(summarize(results), flush=True)  # noqa: T201 - it speaks to a terminal
    sys.exit(found)


if __name__ == "__main__":
    main()
