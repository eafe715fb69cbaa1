import re
from pathlib import Path

import pytest

from flows.options.settings import Settings, load_settings
from srcnn.errors import UsageError
from tests.support.paths import ROOT

EXAMPLE = ROOT / ".env.example"


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SRCNN_{name.upper()}", raising=False)


def example_lines() -> dict[str, str]:
    found = re.findall(r"^(?:# )?(SRCNN_\w+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE)
    return dict(found)


def test_the_example_holds_every_setting_and_no_other() -> None:
    assert set(example_lines()) == {f"SRCNN_{name.upper()}" for name in Settings.model_fields}


def test_the_example_is_the_defaults(tmp_path: Path) -> None:
    defaults = load_settings()
    (tmp_path / ".env").write_text(EXAMPLE.read_text())
    assert load_settings() == defaults


def test_every_setting_is_described_and_every_number_bounded() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        if field.annotation in (int, float):
            bounds = {type(rule).__name__ for rule in field.metadata}
            assert bounds & {"Ge", "Gt"}, name
            assert bounds & {"Le", "Lt"}, name


def test_every_bound_is_given_in_the_example() -> None:
    text = EXAMPLE.read_text()
    for name, field in Settings.model_fields.items():
        for rule in field.metadata:
            for bound in (getattr(rule, "le", None), getattr(rule, "ge", None)):
                if bound is not None:
                    before = text.partition(f"SRCNN_{name.upper()}=")[0].rpartition("\n\n")[2]
                    assert re.search(rf"\b{bound}\b", before), (name, bound)


def test_variables_and_dotenv_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("SRCNN_TILE_PX=128\nSRCNN_THREADS=3\n")
    monkeypatch.setenv("SRCNN_THREADS", "1")
    assert (load_settings().tile_px, load_settings().threads) == (128, 1)


def test_a_setting_out_of_bounds_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRCNN_TILE_PX", "3")
    with pytest.raises(UsageError, match=r"SRCNN_TILE_PX: .*64.* got '3'"):
        load_settings()
