"""Names of outputs: none twice, none that surprises."""

from __future__ import annotations

import posixpath
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.images.formats import EXTENSIONS, Format, detect_format
from srcnn.planning.default_output_names import assign_output_keys

extensions = st.sampled_from([*sum(EXTENSIONS.values(), ()), ".PNG", ".Jpg", ".TIF"])
# Few stems and stems with extensions in them, so that names collide.
stems = st.sampled_from(["a", "b", "a.jpg", "a.png", "a.png.png", "a.jpg.png", ".h", "a.", "é"])
folders = st.sampled_from(["", "d/", "d.png/", "d/e/"])
keys = st.builds("{}{}{}".format, folders, stems, extensions)
sources = st.lists(keys, unique=True, max_size=14)
forms: st.SearchStrategy[Format] = st.sampled_from(get_args(Format))


@given(sources, forms)
def test_no_two_sources_make_one_output(keys: list[str], form: Format) -> None:
    outputs = assign_output_keys(keys, form)
    assert sorted(outputs) == sorted(keys)
    assert len(set(outputs.values())) == len(keys)


@given(sources, forms)
def test_the_extension_follows_the_format_and_the_folder_is_kept(
    keys: list[str], form: Format
) -> None:
    for source, output in assign_output_keys(keys, form).items():
        assert detect_format(output) == (detect_format(source) if form == "keep" else form)
        assert posixpath.dirname(output) == posixpath.dirname(source)


@given(sources)
def test_keep_keeps_every_name(keys: list[str]) -> None:
    assert assign_output_keys(keys, "keep") == {key: key for key in keys}


@given(sources, forms)
def test_a_file_of_the_format_keeps_its_name(keys: list[str], form: Format) -> None:
    outputs = assign_output_keys(keys, form)
    assert all(outputs[key] == key for key in keys if detect_format(key) == form)


@given(sources, forms, st.randoms())
def test_the_order_of_a_listing_does_not_matter(
    keys: list[str], form: Format, random: object
) -> None:
    shuffled = list(keys)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert assign_output_keys(shuffled, form) == assign_output_keys(keys, form)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("png", {"a.jpg": "a.png", "b.webp": "b.png"}),
        ("jpg", {"a.jpeg": "a.jpeg", "a.JPG": "a.JPG", "b.png": "b.jpg"}),
        ("png", {"a.jpg": "a.jpg.png", "a.png": "a.png"}),
        ("png", {"a.jpg": "a.jpg.png", "a.webp": "a.webp.png"}),
        ("png", {"a.jpg": "a.jpg.png.png", "a.png": "a.png", "a.jpg.png": "a.jpg.png"}),
        ("png", {"a.jpg": "a.jpg.png.png", "a.png": "a.png", "a.jpg.bmp": "a.jpg.png"}),
        ("webp", {"d/a.jpg": "d/a.webp", "e/a.png": "e/a.webp"}),
        ("tiff", {"a.b.c.jpg": "a.b.c.tiff", "a b.png": "a b.tiff"}),
    ],
)
def test_collisions_are_resolved_by_the_source_s_extension(
    form: Format, expected: dict[str, str]
) -> None:
    assert assign_output_keys(expected, form) == expected


def test_two_files_that_both_change_their_names_do_not_take_each_other_s() -> None:
    outputs = assign_output_keys(["a.jpg", "a.webp", "a.jpg.webp", "a.jpg.tif"], "png")
    assert len(set(outputs.values())) == 4
    assert outputs["a.webp"] == "a.webp.png"


def test_no_sources_make_no_outputs() -> None:
    assert assign_output_keys([], "png") == {}
