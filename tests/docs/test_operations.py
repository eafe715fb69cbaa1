"""`docs/operations.md` names what people will meet."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import srcnn.errors
from flows.options.settings import Settings
from flows.options.train import TrainOptions
from flows.options.upscale import UpscaleOptions
from srcnn.errors import ImageError, StorageError, UsageError
from srcnn.image_task import NOT_ATTEMPTED, Failure
from srcnn.planning.scales_file import read_scales
from tests.support.paths import ROOT

TEXT = (ROOT / "docs" / "operations.md").read_text()
KINDS = [
    kind
    for kind in vars(srcnn.errors).values()
    if isinstance(kind, type) and issubclass(kind, ImageError | StorageError) and kind != ImageError
]

TABLE = TEXT[TEXT.index("| message | meaning |") :].split("\n\n", maxsplit=1)[0]
QUOTES = [
    quote
    for row in TABLE.splitlines()[2:]
    for quote in re.findall("`([^`]+)`", row.split(" | ", maxsplit=1)[0])
]
SCALES_QUOTE = "scales.csv:7: ..."
# Messages of which a run fills in the words that the page quotes: the parts in the source.
FILLED = {
    "no such bucket": ["no such ", "bucket"],
    "cannot be listed": ["cannot be ", "listed"],
    "cannot be read": ["cannot be ", "read"],
    "has changed since the training ... began": [
        "has changed",
        " since the training in ",
        " began",
    ],
    "is gone since the training ... began": ["is gone", " since the training in ", " began"],
}


def find_messages(path: Path) -> Iterator[str]:
    """Find the strings of a module; a NUL stands for what an f-string fills in."""
    tree = ast.parse(path.read_text())
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "\0" for part in node.values)
            yield "".join(map(str, parts))
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
        ):
            yield node.value


@pytest.fixture(scope="module")
def messages() -> list[str]:
    folders = ("srcnn", "flows", "tasks")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return [message for path in files for message in find_messages(path)]


@pytest.mark.parametrize("quote", [quote for quote in QUOTES if quote != SCALES_QUOTE])
def test_each_message_that_it_quotes_is_in_the_source(quote: str, messages: list[str]) -> None:
    if quote in FILLED:
        assert all(any(part in message for message in messages) for part in FILLED[quote])
    else:
        expression = re.compile(r".*\0.*".join(map(re.escape, quote.split("..."))), re.DOTALL)
        assert any(expression.search(message) for message in messages)


def test_a_row_of_a_scales_file_is_named_as_it_says() -> None:
    assert SCALES_QUOTE in QUOTES
    with pytest.raises(UsageError, match=r"^scales\.csv:7: "):
        read_scales("scales.csv", b"path,scale\n" + b"a.png,2\n" * 5 + b"b.png,0\n")


def test_its_quotes_are_found_at_all() -> None:
    assert len(QUOTES) > 15
    assert set(FILLED) < set(QUOTES)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_failure_of_an_image_is_explained(kind: type[Exception]) -> None:
    assert f"| `{Failure.from_error(kind('why')).type}` |" in TEXT


def test_the_failures_without_a_class_are_explained_too() -> None:
    assert {NOT_ATTEMPTED, "Lost", "KilledWorker"} <= set(
        re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)
    )


def test_settings_and_options_it_names_exist() -> None:
    settings = {f"SRCNN_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"SRCNN_[A-Z0-9_]+", TEXT)) <= settings
    options = {
        f"--{name.replace('_', '-')}"
        for model in (UpscaleOptions, TrainOptions)
        for name in model.model_fields
    }
    theirs = {
        "--dry-run",
        "--list",
        "--quiet",
        "--json",
        "--no-track",
        "--nthreads",
        "--checkpoint",
        *("--bucket", "--key", "--metadata-directive"),  # of the AWS CLI
    }
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", TEXT))
    assert named <= options | theirs | {"--sha256", "--check", "--sha", "--restart", "--failures"}


def test_nothing_is_left_to_be_filled_in() -> None:
    assert not re.search(r"@[A-Z]+@|TODO|XXX", TEXT)
