"""`docs/operations.md` names what people will meet."""

import re

import pytest

import srcnn.errors
from flows.options.settings import Settings
from flows.options.train import TrainOptions
from flows.options.upscale import UpscaleOptions
from srcnn.errors import ImageError, StorageError
from srcnn.image_task import NOT_ATTEMPTED, Failure
from tests.support.paths import ROOT

TEXT = (ROOT / "docs" / "operations.md").read_text()
KINDS = [
    kind
    for kind in vars(srcnn.errors).values()
    if isinstance(kind, type) and issubclass(kind, ImageError | StorageError) and kind != ImageError
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_failure_of_an_image_is_explained(kind: type[Exception]) -> None:
    assert f"| `{Failure.from_error(kind('why')).type}` |" in TEXT


def test_the_failures_without_a_class_are_explained_too() -> None:
    assert {NOT_ATTEMPTED, "Lost", "KilledWorker"} <= set(
        re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)
    )


def test_settings_and_options_it_names_exist() -> None:
    settings = {f"SRCNN_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"SRCNN_[A-Z_]+", TEXT)) <= settings
    options = {
        f"--{name.replace('_', '-')}"
        for model in (UpscaleOptions, TrainOptions)
        for name in model.model_fields
    }
    theirs = {"--dry-run", "--quiet", "--json", "--no-track", "--nthreads", "--checkpoint"}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", TEXT))
    assert named <= options | theirs | {"--sha256", "--check", "--sha", "--restart"}


def test_nothing_is_left_to_be_filled_in() -> None:
    assert not re.search(r"@[A-Z]+@|TODO|XXX", TEXT)
