"""Templates for the names of outputs."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.errors import UsageError
from srcnn.parse_scale import parse_scale
from srcnn.planning.name_template import NAME_PATTERN, parse_name


@pytest.mark.parametrize(
    ("template", "scale", "key", "expected"),
    [
        ("{stem}@2x{ext}", "2", "a/b.jpg", "a/b@2x.jpg"),
        ("{stem}@2x{ext}", "2", "b.jpg", "b@2x.jpg"),
        ("{stem}@{factor}x{ext}", "2.50", "a/b.c.PNG", "a/b.c@2.5x.PNG"),
        ("{factor}-{stem}{ext}", "2x3", "b.jpg", "2x3-b.jpg"),
        ("{stem}-{width}{ext}", "width=640", "b.jpg", "b-640.jpg"),
        ("{stem}-{height}{ext}", "height=480", "b.jpg", "b-480.jpg"),
        ("{stem}-{width}x{height}{ext}", "box=1200x800", "a/b.jpg", "a/b-1200x800.jpg"),
        ("large/{folder}/{stem}{ext}", "2", "a/c/b.jpg", "large/a/c/b.jpg"),
        ("large/{folder}/{stem}{ext}", "2", "b.jpg", "large/b.jpg"),
        ("{folder}/2x/{stem}{ext}", "2", "b.jpg", "2x/b.jpg"),
        ("all/{folder}-{stem}{ext}", "2", "a/b.jpg", "all/a-b.jpg"),
        ("{stem}{ext}", "2", "../a//b.jpg", "../a//b.jpg"),  # fails alone
        ("{stem}.jpeg", "2", "b.jpg", "b.jpeg"),
    ],
)
def test_a_template_makes_the_key_of_an_output(
    template: str, scale: str, key: str, expected: str
) -> None:
    assert parse_name(template).make_key(key, parse_scale(scale)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{stem",
        "{name}{ext}",
        "{}",
        "{{stem}}",
        "/a/{stem}{ext}",
        "a\n",
        "{Stem}",
        "x" * 2000,
    ],
    ids=range(10),
)
def test_what_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected a name with \{folder\}, \{stem\}"):
        parse_name(text)


@pytest.mark.parametrize(
    ("template", "scale", "words"),
    [
        (
            "{stem}-{width}{ext}",
            "2",
            r"\{width\} needs a scale that says it \(width=N or box=WxH\)",
        ),
        ("{stem}-{width}{ext}", "height=4", r"\{width\} needs .* got height=4: leave it out"),
        ("{stem}-{height}{ext}", "megapixels=4", r"\{height\} needs"),
        ("{stem}@{factor}x{ext}", "longest=9", r"\{factor\} needs .* \(a factor, such as 2\)"),
        ("{stem}.png", "2", "does not end as a file of the format of 'a/b.jpg'"),
        ("{stem}", "2", "does not end as a file"),
        ("../{stem}{ext}", "2", "begins with a dot"),
        (".srcnn/{stem}{ext}", "2", "begins with a dot"),
        (".{stem}{ext}", "2", "begins with a dot"),
        ("a//{stem}{ext}", "2", "a part that is empty"),
        ("{folder}/../../{stem}{ext}", "2", "begins with a dot"),
    ],
)
def test_a_template_that_does_not_fit_an_image_is_refused(
    template: str, scale: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        parse_name(template).make_key("a/b.jpg", parse_scale(scale))


@given(st.text("{stem}ext/. \n", max_size=20))
def test_the_schema_takes_what_the_parser_takes(text: str) -> None:
    try:
        parse_name(text)
    except UsageError:
        return
    assert re.search(NAME_PATTERN, text)
