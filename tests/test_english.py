"""Words that read badly stay out of messages, docstrings, comments, pages and identifiers.

Each was common here once. The list says what to write in its place.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.tracked_files import list_tracked_files

INSTEAD = {
    r"an URL": "a URL",
    r"anew": "again",
    r"likewise": "say it",
    r"tell(s|ing)?|told": "log, report, say, pass",
    r"in hand": "in progress",
    r"for texts": "used in error messages",
    r"is no image": "is not a readable image",
    r"worth to": "whether to",
    r"of which nothing comes": "that does not beat the current model",
    r"goes the way": "say what it does",
}
# The names of today's `file.tell` and of what was renamed.
ALLOWED = {
    "CHANGELOG.md": {"anew"},
    "srcnn/images/decoding/header_read_limit.py": {"tell"},
    "srcnn/images/decoding/cut_damaged_parts.py": {"tell"},
    "srcnn/images/decoding/orientation.py": {"tell"},
    "srcnn/storage/ranged_file.py": {"tell"},
    "srcnn/training/training_record.py": {"told"},
    "tests/srcnn/training/test_training_record.py": {"told"},
}
OTHERS = {".jpg", ".onnx", ".png", ".pth", ".json"}


def list_files() -> list[Path]:
    names = [name for name in list_tracked_files() if name != "LICENSE"]
    paths = [ROOT / name for name in names if Path(name).suffix not in OTHERS]
    return [path for path in paths if path.is_file() and path != Path(__file__)]


@pytest.mark.parametrize("pattern", INSTEAD)
def test_words_that_read_badly_are_not_used(pattern: str) -> None:
    # An underscore ends a word here: identifiers are made of words too.
    expression = re.compile(rf"(?<![^\W_])(?:{pattern})(?![^\W_])", re.IGNORECASE)
    files = list_files()
    assert len(files) > 200
    for path in files:
        name = str(path.relative_to(ROOT))
        words = re.sub(r"\s+#?\s*", " ", path.read_text()).replace("_", " ")
        found = {match[0].lower() for match in expression.finditer(words)}
        assert not found - ALLOWED.get(name, set()), f"{name}: write {INSTEAD[pattern]}"


def test_the_expression_finds_what_it_is_for() -> None:
    assert re.search(r"(?<![^\W_])(?:told)(?![^\W_])", "is_told_twice")
    assert not re.search(r"(?<![^\W_])(?:anew)(?![^\W_])", "a new one")
