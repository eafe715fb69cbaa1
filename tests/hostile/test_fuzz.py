"""Some hundreds of mutated files, as `make fuzz` runs them for an hour."""

from pathlib import Path

import pytest

from tests.hostile import fuzz
from tests.hostile.corpus import collect_seeds
from tests.hostile.findings import Entry, find_image_findings
from tests.hostile.mutations import Mutant

FILES = 250


@pytest.fixture(scope="module")
def seeds() -> dict[str, bytes]:
    return collect_seeds()


@pytest.mark.parametrize("number", [0, 3])
def test_a_run_survives_mutated_files(seeds: dict[str, bytes], number: int, tmp_path: Path) -> None:
    sound = fuzz.upscale_sound(seeds, number, tmp_path / "sound")
    result = fuzz.run_round(seeds, number, FILES, sound, tmp_path / "mutants")
    assert not result.findings
    assert result.counts.total() == FILES
    assert result.counts["written"] > FILES // 20
    assert result.counts["DamagedImage"] > FILES // 4


def test_sound_files_of_every_kind_are_upscaled(seeds: dict[str, bytes], tmp_path: Path) -> None:
    ours = {name: content for name, content in seeds.items() if not name.startswith("ref_")}
    to_png = 2  # GIF is not written
    assert set(fuzz.upscale_sound(ours, to_png, tmp_path)) == set(ours)


def test_a_round_can_be_repeated(seeds: dict[str, bytes]) -> None:
    assert fuzz.make_entries(seeds, 7, 40) == fuzz.make_entries(seeds, 7, 40)
    assert fuzz.make_entries(seeds, 7, 40) != fuzz.make_entries(seeds, 8, 40)


def test_half_a_picture_is_a_finding(seeds: dict[str, bytes], tmp_path: Path) -> None:
    whole, half = tmp_path / "whole.png", tmp_path / "half.png"
    whole.write_bytes(seeds["rgb.png"])
    half.write_bytes(seeds["rgba.png"])
    image = {"source": "a.png", "output": half.name, "size_out": [30, 44]}
    found = find_image_findings(
        image | {"error": None, "seconds": 0.1},
        Entry("rgb.png", Mutant(b"", ("truncate",))),
        tmp_path,
        {"rgb.png": whole},
    )
    assert ["truncated" in finding.what for finding in found] == [True]


def test_another_format_is_no_finding(seeds: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(seeds["progressive.jpg"])
    (tmp_path / "whole.png").write_bytes(seeds["rgb.png"])
    image = {"source": "a.jpg", "output": "a.jpg", "size_out": [30, 44], "error": None}
    entry = Entry("rgb.png", Mutant(b"", ("truncate",)))
    sound = {"rgb.png": tmp_path / "whole.png"}
    assert not list(find_image_findings(image | {"seconds": 0.1}, entry, tmp_path, sound))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"error": {"type": "ValueError", "message": "no"}}, "failed with ValueError"),
        ({"error": {"type": "DamagedImage", "message": "\x1b[2J"}}, "no plain sentence"),
        ({"size_out": [1, 1]}, "the report says"),
        ({"output": "missing.png"}, "cannot be read"),
        ({"seconds": 100.0}, "took 100.0 seconds"),
    ],
)
def test_a_broken_promise_is_a_finding(
    seeds: dict[str, bytes], change: dict[str, object], what: str, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(seeds["rgb.png"])
    image = {"source": "a.png", "output": "a.png", "size_out": [30, 44], "error": None}
    entry = Entry("rgb.png", Mutant(b"", ("append",)))
    found = find_image_findings(image | {"seconds": 0.1} | change, entry, tmp_path, {})
    assert [what in finding.what for finding in found] == [True]
