"""Outputs named by a template."""

from __future__ import annotations

import pytest

from srcnn.errors import UsageError
from srcnn.planning.name_outputs import name_outputs
from srcnn.planning.name_template import parse_name
from srcnn.scale_text import parse_scale
from srcnn.storage.key_columns import decode_keys


def name(template: str, sources: list[str], outputs: list[str] | None = None) -> list[str]:
    scales = [parse_scale("2")] * len(sources)
    return decode_keys(name_outputs(parse_name(template), sources, outputs or sources, scales))


def test_each_output_gets_its_name() -> None:
    assert name("{stem}@2x{ext}", ["a.png", "b/a.png"]) == ["a@2x.png", "b/a@2x.png"]
    # Those that a format would make one keep their difference.
    outputs = ["a.jpg.png", "a.png"]
    assert name("{stem}-x{ext}", ["a.jpg", "a.png"], outputs) == ["a.jpg-x.png", "a-x.png"]


def test_names_that_outputs_would_share_are_refused_with_their_sources() -> None:
    with pytest.raises(UsageError) as caught:
        name("all/{stem}{ext}", ["a.png", "b/a.png", "c.png"])
    first, second = str(caught.value).splitlines()
    assert first.endswith("put {stem} into the name, and {folder} if it names folders")
    assert second == "a.png and b/a.png would both be all/a.png"
    with pytest.raises(UsageError, match="and 3 more"):
        name("same.png", [f"{number}.png" for number in range(9)])
