"""Outputs named by a template."""

from __future__ import annotations

import pytest

from srcnn.errors import UsageError
from srcnn.parse_scale import parse_scale
from srcnn.planning.name_outputs_by_template import name_outputs
from srcnn.planning.name_template import parse_name
from srcnn.storage.key_columns import decode_keys


def name(template: str, sources: list[str], outputs: list[str] | None = None) -> list[str]:
    asked = [(parse_name(template), parse_scale("2"))] * len(sources)
    return decode_keys(name_outputs(sources, outputs or sources, asked))


def test_each_output_gets_its_name() -> None:
    assert name("{stem}@2x{ext}", ["a.png", "b/a.png"]) == ["a@2x.png", "b/a@2x.png"]
    # Those that a format would make one keep their difference.
    outputs = ["a.jpg.png", "a.png"]
    assert name("{stem}-x{ext}", ["a.jpg", "a.png"], outputs) == ["a.jpg-x.png", "a-x.png"]


def test_names_that_outputs_would_share_are_refused_with_their_sources() -> None:
    with pytest.raises(UsageError) as caught:
        name("all/{stem}{ext}", ["a.png", "b/a.png", "c.png"])
    first, second = str(caught.value).splitlines()
    assert first.endswith("put {stem} into their names, and {folder} if they name folders")
    assert second == ("a.png and b/a.png with the name 'all/{stem}{ext}' would both be all/a.png")
    with pytest.raises(UsageError, match="and 3 more"):
        name("same.png", [f"{number}.png" for number in range(9)])


def test_two_names_of_one_image_that_come_out_alike_are_refused() -> None:
    factor = parse_scale("2")
    names = (parse_name("{stem}@2x{ext}"), parse_name("{stem}@{factor}x{ext}"), None)
    with pytest.raises(UsageError) as caught:
        name_outputs(["a.png"] * 3, ["a.png"] * 3, [(each, factor) for each in names])
    (line,) = str(caught.value).splitlines()[1:]
    assert line == (
        "a.png with the name '{stem}@2x{ext}' and a.png with the name '{stem}@{factor}x{ext}' "
        "would both be a@2x.png"
    )
    asked = [(parse_name("{stem}{ext}"), factor), (None, factor)]
    with pytest.raises(UsageError, match=r"and a.png with no name would both be a.png"):
        name_outputs(["a.png"] * 2, ["a.png"] * 2, asked)
