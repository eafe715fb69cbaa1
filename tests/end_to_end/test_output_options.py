"""Options that shape outputs, from the flow to the files."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from flows.errors import BatchFailedError
from flows.options.upscale import UpscaleOptions
from flows.upscale import batch_upscale
from srcnn.images.colour import Colour
from srcnn.job import OutputOptions
from tests.support.jobs import make_job


def upscaled(src: Path, **options: Any) -> dict[str, dict[str, Any]]:
    """Run the flow; the report's images by source."""
    report = src.parent / "report.json"
    with contextlib.suppress(BatchFailedError):
        batch_upscale.fn(UpscaleOptions(src=str(src), report=str(report), **options))
    return {image["source"]: image for image in json.loads(report.read_text())["images"]}


@pytest.fixture
def icons(tmp_path: Path) -> Path:
    """A disc on nothing, and a picture whose alpha channel says nothing."""
    folder = tmp_path / "icons"
    folder.mkdir()
    rows, columns = np.mgrid[:20, :20] - 9.5
    seen = np.hypot(rows, columns) < 7
    disc = np.where(seen[:, :, None], (255, 0, 0, 255), (0, 0, 0, 0)).astype(np.uint8)
    Image.fromarray(disc).save(folder / "disc.png")
    Image.new("RGBA", (10, 8), (10, 200, 30, 255)).save(folder / "plain.png")
    return folder


def test_alpha_needs_a_colour_where_the_format_holds_none(icons: Path) -> None:
    images = upscaled(icons, format="jpg")
    assert images["plain.png"]["status"] == "written"
    error = images["disc.png"]["error"]
    assert error["type"] == "UnsupportedImage"
    assert "--format png" in error["message"]
    assert "--flatten white" in error["message"]
    assert not (icons.parent / "icons-upscaled" / "disc.jpg").exists()


def test_a_flattened_icon_stands_on_its_colour(icons: Path) -> None:
    assert upscaled(icons, format="jpg", flatten="white")["disc.png"]["status"] == "written"
    with Image.open(icons.parent / "icons-upscaled" / "disc.jpg") as image:
        assert (image.mode, image.size) == ("RGB", (40, 40))
        pixels = np.asarray(image).astype(int)
    assert np.abs(pixels[:5, :5] - 255).max() <= 12
    assert np.abs(pixels[18:22, 18:22] - (255, 0, 0)).max() <= 25
    # Another colour, and the image is made again; another word for it, and it is not.
    assert upscaled(icons, format="jpg", flatten="#ffffff")["disc.png"]["status"] == "skipped"
    assert upscaled(icons, format="jpg", flatten="black")["disc.png"]["status"] == "written"


def test_a_colour_changes_nothing_where_alpha_is_kept(icons: Path) -> None:
    upscaled(icons)
    assert upscaled(icons, flatten="white")["disc.png"]["status"] == "skipped"
    with Image.open(icons.parent / "icons-upscaled" / "disc.png") as image:
        assert image.mode == "RGBA"


@pytest.mark.parametrize("form", ["png", "webp", "tiff", "avif"])
def test_each_format_that_holds_alpha_keeps_it(icons: Path, form: str) -> None:
    upscaled(icons, format=form, include=["disc.png"])
    with Image.open(icons.parent / "icons-upscaled" / f"disc.{form}") as image:
        assert (image.mode, image.size) == ("RGBA", (40, 40))
        alpha = np.asarray(image)[:, :, 3]
    assert alpha[20, 20] == 255
    assert alpha[0, 0] == 0


@pytest.mark.parametrize(("form", "longest"), [("webp", 16_383), ("jpg", 65_500), ("avif", 32_768)])
def test_a_side_that_the_format_lacks_is_refused_in_planning(
    tmp_path: Path, form: str, longest: int
) -> None:
    folder = tmp_path / "strips"
    folder.mkdir()
    Image.new("RGB", (longest // 16 + 1, 1)).save(folder / "strip.png")
    images = upscaled(folder, format=form, scale="16", dry_run=True)
    error = images["strip.png"]["error"]
    assert error["type"] == "ImageTooLarge"
    assert f"{longest} px per side" in error["message"]
    assert upscaled(folder, scale="16", dry_run=True)["strip.png"]["error"] is None


@pytest.mark.parametrize("colour", ["nocolour", "#ffffff80", ""])
def test_what_is_no_colour_is_refused_before_anything(colour: str) -> None:
    with pytest.raises(ValidationError, match="#rrggbb"):
        UpscaleOptions(src="a", flatten=colour)


def test_options_count_only_where_they_shape_the_file() -> None:
    def digest(output: str, **options: Any) -> str:
        job = make_job(Path("a"))
        return replace(job, output=OutputOptions(**options)).digest_options(output)

    for output in ("a.jpg", "a.bmp", "a.ppm"):
        assert digest(output) != digest(output, flatten=Colour(255, 255, 255))
    for output in ("a.png", "a.webp", "a.tif", "a.avif"):
        assert digest(output) == digest(output, flatten=Colour(255, 255, 255))
    for output in ("a.jpg", "a.webp", "a.avif"):
        assert digest(output) != digest(output, quality=50)
    for output in ("a.png", "a.tif", "a.bmp"):
        assert digest(output) == digest(output, quality=50)
