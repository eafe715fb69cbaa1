"""What headers decide: a task, a result without work, or a refusal that names its reason."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from srcnn.geometry import Size
from srcnn.graphs.graph_format import CLEAN
from srcnn.image_task import ImageResult, ImageTask
from srcnn.parse_scale import parse_scale
from srcnn.planning.inspect_headers import inspect_headers
from srcnn.planning.select_images import PlanOptions, RequestedImage
from srcnn.source_quality import AUTO, SourceQuality
from srcnn.storage.file_table import FileInfo
from srcnn.storage.folder import Folder
from tests.support.jobs import open_bundled


@pytest.fixture
def source(tmp_path: Path) -> Folder:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((20, 30, 3), np.uint8))
    (tmp_path / "letter.png").write_text("Dear Sir or Madam")
    return Folder(str(tmp_path))


def inspect(source: Folder, name: str = "a.png", **choices: Any) -> ImageTask | ImageResult:
    info = source.info(name) or FileInfo(0, "")
    scale = parse_scale(choices.get("scale", "2"))
    quality = choices.get("quality", AUTO)
    image = RequestedImage(name, choices.get("output", name), info, scale, quality)
    options = choices.get("options", PlanOptions())
    graph = replace(open_bundled().graph, quality="quality" if choices.get("follows") else None)
    (decided,) = inspect_headers(source, [image], options, graph)
    return decided


def inspect_task(source: Folder, name: str, **choices: Any) -> ImageTask:
    task = inspect(source, name, **choices)
    assert isinstance(task, ImageTask)
    return task


@pytest.fixture
def jpegs(tmp_path: Path) -> Folder:
    """JPEGs named after their quality, and a PNG."""
    folder = tmp_path / "jpegs"
    folder.mkdir()
    picture = Image.fromarray(np.full((20, 30, 3), 90, np.uint8))
    for quality in (1, 40, 75, 98, 99, 100):
        picture.save(folder / f"{quality}.jpg", quality=quality)
    picture.save(folder / "a.png")
    return Folder(str(folder))


def test_an_image_to_enlarge_is_a_task_with_its_sizes(source: Folder) -> None:
    task = inspect(source, scale="1.5")
    assert isinstance(task, ImageTask)
    assert (task.size_in, task.size_out, task.copy) == (Size(20, 30), Size(30, 45), False)


def test_an_image_that_meets_its_target_is_copied_or_skipped(source: Folder) -> None:
    task = inspect(source, scale="width=30")
    assert isinstance(task, ImageTask)
    assert (task.size_out, task.copy) == (Size(20, 30), True)
    skip = PlanOptions(when_larger="skip")
    size = Size(20, 30)
    expected = ImageResult("a.png", None, "skipped", (1.0, 1.0), size, size)
    assert inspect(source, scale="width=30", options=skip) == expected


def test_an_image_above_its_target_is_made_smaller_if_it_may_be(source: Folder) -> None:
    shrink = PlanOptions(when_larger="shrink")
    task = inspect_task(source, "a.png", scale="width=15", options=shrink)
    assert (task.size_out, task.copy, task.is_shrunk) == (Size(10, 15), False, True)
    assert (task.size_model, task.work_pixels) == (Size(10, 15), 20 * 30)
    at_target = inspect_task(source, "a.png", scale="box=30x40", options=shrink)
    assert (at_target.size_out, at_target.copy, at_target.is_shrunk) == (Size(20, 30), True, False)
    below = inspect_task(source, "a.png", scale="width=60", options=shrink)
    assert (below.size_out, below.copy, below.is_shrunk) == (Size(40, 60), False, False)
    assert not inspect_task(source, "a.png", scale="width=15").is_shrunk


@pytest.mark.parametrize("scale", ["1", "1.5", "2"])
@pytest.mark.parametrize("quality", [1, 40, 75, 98, 99, 100])
def test_the_quality_of_a_jpeg_is_its_own_unless_it_is_given(
    jpegs: Folder, quality: int, scale: str
) -> None:
    name = f"{quality}.jpg"
    task = inspect_task(jpegs, name, scale=scale, follows=True)
    assert (task.quality, task.file_quality) == (quality, quality)
    task = inspect_task(jpegs, name, scale=scale, follows=True, quality=SourceQuality(62.5))
    assert (task.quality, task.file_quality) == (62.5, quality)
    task = inspect_task(jpegs, name, scale=scale)
    assert (task.quality, task.file_quality) == (100, quality)


def test_an_image_without_loss_has_100_unless_another_quality_is_given(jpegs: Folder) -> None:
    assert inspect_task(jpegs, "a.png", follows=True).quality == 100
    assert inspect_task(jpegs, "a.png", follows=True, quality=SourceQuality(75)).quality == 75


def test_the_factor_1_cleans_up_what_has_loss_and_copies_the_rest(jpegs: Folder) -> None:
    names = ["1.jpg", "40.jpg", "75.jpg", "98.jpg", "99.jpg", "100.jpg", "a.png"]

    def list_copies(**choices: Any) -> list[str]:
        return [name for name in names if inspect_task(jpegs, name, scale="1", **choices).copy]

    assert list_copies(follows=True) == ["99.jpg", "100.jpg", "a.png"]
    assert list_copies(follows=True, quality=SourceQuality(CLEAN)) == names
    assert list_copies(follows=True, quality=SourceQuality(98.75)) == names
    assert list_copies(follows=True, quality=SourceQuality(98.7)) == []
    assert list_copies() == []  # the model itself decides what it does at the factor 1
    assert not inspect_task(jpegs, "a.png", scale="1x1.5", follows=True).copy
    skip = PlanOptions(when_larger="skip")
    result = inspect(jpegs, "a.png", scale="1", follows=True, options=skip)
    assert (result.output, isinstance(result, ImageResult)) == (None, True)


def test_an_image_that_meets_its_target_is_copied_whatever_its_quality(jpegs: Folder) -> None:
    for scale in ("width=30", "longest=20"):
        task = inspect_task(jpegs, "40.jpg", scale=scale, follows=True)
        assert (task.copy, task.quality, task.size_out) == (True, 100, Size(20, 30))


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"name": "letter.png"}, "DamagedImage", "not a readable image"),
        ({"name": "gone.png"}, "FileNotFoundError", "gone.png"),
        ({"scale": "width=1000"}, "UnreachableTarget", "smaller target"),
        ({"output": "a.gif"}, "UnsupportedImage", "--format"),
        (
            {"options": PlanOptions(max_input_megapixels=0.0005)},
            "ImageTooLarge",
            "SRCNN_MAX_INPUT_MEGAPIXELS",
        ),
        (
            {"options": PlanOptions(max_output_megapixels=0.002)},
            "ImageTooLarge",
            "SRCNN_MAX_OUTPUT_MEGAPIXELS",
        ),
    ],
    ids=["damaged", "gone", "target", "format", "input", "output"],
)
def test_an_image_that_cannot_be_made_fails_alone_with_its_reason(
    source: Folder,
    arguments: dict[str, Any],
    kind: str,
    message: str,
) -> None:
    result = inspect(source, **arguments)
    assert isinstance(result, ImageResult)
    assert result.error
    assert result.error.type == kind
    assert message in result.error.message


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.gif", "a.avif", "a.bmp", "a.tif", "a.ppm"])
@pytest.mark.parametrize("gigabytes", [1, 20])
def test_a_file_that_is_larger_than_its_pixels_are_worth_is_refused(
    source: Folder, name: str, gigabytes: int
) -> None:
    path = Path(source.url, name)
    Image.new("RGB", (30, 20)).save(path)
    os.truncate(path, gigabytes * 10**9)  # sparse
    result = inspect(source, name)
    assert isinstance(result, ImageResult)
    assert result.error is not None
    assert result.error.type in ("UnsupportedImage", "DamagedImage")
    if name != "a.gif" or gigabytes > 1:
        assert f"the file has {gigabytes}000000000 bytes" in result.error.message


@pytest.mark.parametrize("side", ["input", "output"])
def test_a_size_exactly_at_a_limit_is_within_it(source: Folder, side: str) -> None:
    """The picture has 600 pixels, and its result 2400."""
    megapixels = 0.0006 if side == "input" else 0.0024
    name = f"max_{side}_megapixels"
    task = inspect(source, options=PlanOptions(**{name: megapixels}))
    assert isinstance(task, ImageTask)
    assert task.size_out == Size(40, 60)
    result = inspect(source, options=PlanOptions(**{name: megapixels - 1e-7}))
    assert isinstance(result, ImageResult)
    assert result.error
    assert (result.error.type, result.size_out) == ("ImageTooLarge", None)
    assert f"{megapixels:.10g} megapixels, more than the {side} limit" in result.error.message


def test_a_limit_of_the_output_does_not_hold_what_is_copied(source: Folder) -> None:
    options = PlanOptions(max_output_megapixels=0.0001)
    task = inspect(source, scale="width=30", options=options)
    assert isinstance(task, ImageTask)
    assert task.copy
