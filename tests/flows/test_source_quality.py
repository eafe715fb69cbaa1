"""Runs with a model that follows the quality of its sources: which weights each image gets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from flows.options.upscale import UpscaleOptions
from flows.upscale import batch_upscale
from srcnn import Upscaler
from srcnn.export.pixel_convention import build_network
from srcnn.images.decoding import decode
from tests.support.graphs.quality_banks import export, make_bank, make_weights, take_clean

Upscale = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "follows.onnx"
    path.write_bytes(export(make_bank()))
    return path


@pytest.fixture(scope="module")
def upscaler(model: Path) -> Upscaler:
    return Upscaler.load(str(model))


@pytest.fixture
def source(tmp_path: Path, photograph: npt.NDArray[np.uint8]) -> Path:
    """One picture as JPEG of some qualities, and as PNG."""
    folder = tmp_path / "in"
    folder.mkdir()
    picture = Image.fromarray(photograph[40:90, 60:130, ::-1])
    for quality in (60, 75, 100):
        picture.save(folder / f"q{quality}.jpg", quality=quality)
    picture.save(folder / "plain.png")
    return folder


@pytest.fixture
def upscale(source: Path, model: Path) -> Upscale:
    """Run the flow, and give its images by source."""

    def call(**options: Any) -> dict[str, Any]:
        report = source.parent / "report.json"
        chosen = {"src": str(source), "report": str(report), "model": str(model)} | options
        batch_upscale.fn(UpscaleOptions(**chosen))
        return {image["source"]: image for image in json.loads(report.read_text())["images"]}

    return call


def list_written(images: dict[str, Any]) -> list[str]:
    return [name for name, image in images.items() if image["status"] == "written"]


def list_qualities(images: dict[str, Any]) -> dict[str, float | None]:
    return {name: image["quality"] for name, image in images.items()}


def pixels_of(path: Path) -> npt.NDArray[Any]:
    return decode(path.read_bytes()).pixels


def test_each_image_gets_the_weights_of_its_quality(
    upscale: Upscale, upscaler: Upscaler, source: Path
) -> None:
    images = upscale(scale="2", format="png")
    expected = {"plain.png": None, "q100.jpg": None, "q60.jpg": 60, "q75.jpg": 75}
    assert list_qualities(images) == expected
    for name, quality in expected.items():
        pixels = pixels_of(source / name)
        found = pixels_of(source.parent / "in-upscaled" / images[name]["output"])
        assert np.array_equal(found, upscaler(pixels, 2, quality=quality or 100))
        if quality:
            assert not np.array_equal(found, upscaler(pixels, 2))


def test_grey_with_alpha_gets_the_weights_too(
    upscale: Upscale, upscaler: Upscaler, source: Path
) -> None:
    grey = Image.open(source / "plain.png").convert("LA")
    grey.putalpha(200)
    grey.save(source / "grey.png")
    images = upscale(include=["grey.png"], source_quality="60")
    assert list_qualities(images) == {"grey.png": 60}
    found = pixels_of(source.parent / "in-upscaled" / "grey.png")
    expected = upscaler(np.ascontiguousarray(pixels_of(source / "grey.png")[:, :, 2:]), 2, 60)
    assert np.array_equal(found[:, :, 2:], expected)


def test_a_column_wins_over_the_option_and_the_option_over_the_file(
    upscale: Upscale, source: Path
) -> None:
    (source / "scales.csv").write_text(
        "path,scale,quality\nq60.jpg,2,clean\nq75.jpg,2,auto\nplain.png,2,\n"
    )
    expected = {"plain.png": 30, "q100.jpg": 30, "q60.jpg": None, "q75.jpg": 75}
    assert list_qualities(upscale(source_quality="30", dry_run=True)) == expected
    assert list_qualities(upscale(source_quality="30")) == expected


def test_only_images_whose_quality_changed_are_made_again(upscale: Upscale) -> None:
    assert len(list_written(upscale())) == 4
    again = upscale()
    assert list_written(again) == []
    assert list_qualities(again)["q75.jpg"] == 75
    assert list_written(upscale(source_quality="clean")) == ["q60.jpg", "q75.jpg"]
    assert list_written(upscale(source_quality="clean")) == []
    assert list_written(upscale(source_quality="75")) == list(again)
    assert list_written(upscale(source_quality="auto")) == ["plain.png", "q100.jpg", "q60.jpg"]


def test_a_ledger_without_qualities_is_of_sources_without_loss(
    upscale: Upscale, source: Path
) -> None:
    upscale(source_quality="clean")
    for path in (source.parent / "in-upscaled" / ".srcnn" / "ledger").iterdir():
        text, count = re.subn(r', "quality": 100.0, "file_quality": [0-9.]+', "", path.read_text())
        assert count == text.count("\n")
        path.write_text(text)
    assert list_written(upscale(source_quality="clean")) == []
    assert list_written(upscale(source_quality="60")) == sorted(
        ["plain.png", "q100.jpg", "q60.jpg", "q75.jpg"]
    )


def test_the_factor_1_cleans_up_jpegs_and_copies_what_has_no_loss(
    upscale: Upscale, upscaler: Upscaler, source: Path
) -> None:
    images = upscale(scale="1", quality=100)
    assert list_written(images) == ["plain.png", "q100.jpg", "q60.jpg", "q75.jpg"]
    outputs = source.parent / "in-upscaled"
    for name in ("plain.png", "q100.jpg"):
        assert (outputs / name).read_bytes() == (source / name).read_bytes()
    for name, quality in (("q60.jpg", 60), ("q75.jpg", 75)):
        cleaned = upscaler(pixels_of(source / name), 1, quality=quality)
        found = pixels_of(outputs / name)
        # It went through another JPEG.
        assert cv2.PSNR(found, cleaned) > cv2.PSNR(found, pixels_of(source / name)) + 3
    (page,) = (outputs / ".srcnn" / "runs").glob("*.html")
    assert "x1, q60: 70x50 -&gt; 70x50 px" in page.read_text()
    assert "Upscaled: q60.jpg" in page.read_text()
    assert "Upscaled: plain.png" not in page.read_text()
    assert list_written(upscale(scale="1", quality=100)) == []
    skipped = upscale(scale="1", quality=100, when_larger="skip", overwrite="always")
    assert list_written(skipped) == ["q60.jpg", "q75.jpg"]


def test_an_image_that_meets_its_target_is_copied_and_no_quality_makes_it_again(
    upscale: Upscale, source: Path
) -> None:
    images = upscale(scale="width=70")
    assert set(list_qualities(images).values()) == {None}
    copied = source.parent / "in-upscaled" / "q60.jpg"
    assert copied.read_bytes() == (source / "q60.jpg").read_bytes()
    assert list_written(upscale(scale="width=70", source_quality="30")) == []


def test_a_model_that_does_not_follow_the_quality_ignores_it(
    upscale: Upscale, tmp_path: Path
) -> None:
    other = tmp_path / "other.onnx"
    other.write_bytes(export(build_network(take_clean(make_weights()), "rgb-unit")))
    assert set(list_qualities(upscale(model=str(other))).values()) == {None}
    again = upscale(model=str(other), source_quality="30")
    assert list_written(again) == []
    assert set(list_qualities(again).values()) == {None}
