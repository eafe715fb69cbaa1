"""Contact sheets: true crops of real runs, of every kind of picture, and never a failed run."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from flows.options.upscale import UpscaleOptions
from flows.upscale import batch_upscale
from srcnn import Upscaler
from srcnn.geometry import Size
from srcnn.image_task import Failure, ImageResult
from srcnn.reporting.before_after_samples import (
    MOST_MEGAPIXELS,
    TILE_PX,
    VIEW_PX,
    Sample,
    choose_images,
    read_samples,
)
from srcnn.reporting.contact_sheet import MOST_BYTES, draw_contact_sheet
from srcnn.reporting.crops import Pair, crop_pair, find_most_detailed, to_screen
from srcnn.reporting.previews import MOST_BYTES as MOST_PREVIEW_BYTES
from srcnn.reporting.previews import encode_previews
from srcnn.storage.folder import Folder
from tasks.contact_sheet import make_contact_sheet
from tests.support.jobs import make_job

Photograph = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def upscaler() -> Upscaler:
    return Upscaler.load()


def place_of(part: Photograph, whole: Photograph) -> tuple[int, int]:
    """Top and left of a part, which is there to the level."""
    distance = cv2.matchTemplate(whole, part, cv2.TM_SQDIFF)
    least, _, (left, top), _ = cv2.minMaxLoc(distance)
    found = whole[top : top + part.shape[0], left : left + part.shape[1]]
    assert np.array_equal(found, part), least
    return top, left


@pytest.mark.parametrize("scale", [(1.3, 1.3), (2, 2), (2, 3), (4, 4), (16, 16)])
def test_a_pair_is_the_outputs_crop_and_the_sources_bicubic(
    photograph: Photograph, upscaler: Upscaler, scale: tuple[float, float]
) -> None:
    rows, columns = (30, 40) if scale == (16, 16) else (100, 140)
    source = np.ascontiguousarray(photograph[50 : 50 + rows, 30 : 30 + columns])
    output = upscaler(source, scale=scale)
    pair = crop_pair(source, output, TILE_PX)
    assert pair.before.shape == pair.after.shape
    height, width = pair.after.shape[:2]
    assert max(height, width) <= TILE_PX
    top, left = place_of(pair.after, output)
    # The same region of the source, to the nearest whole pixel of the output.
    rows, columns = round(height / scale[0]), round(width / scale[1])
    at = (round(top / scale[0]), round(left / scale[1]))
    crop = source[at[0] : at[0] + rows, at[1] : at[1] + columns]
    expected = cv2.resize(crop, (width, height), interpolation=cv2.INTER_CUBIC)
    assert np.array_equal(pair.before, expected)


def test_the_crop_fills_its_tile_and_lies_where_the_detail_is() -> None:
    source = np.full((400, 600, 3), 90, np.uint8)
    source[:, :300] = 200  # contrast, no detail
    rng = np.random.default_rng(0)
    source[250:350, 450:550] = rng.integers(0, 255, (100, 100, 3), dtype=np.uint8)
    top, left = find_most_detailed(source, Size(120, 120))
    assert 230 <= top + 20 <= 270
    assert 430 <= left + 20 <= 470
    output = cv2.resize(source, None, fx=2, fy=2)
    assert crop_pair(source, np.asarray(output, np.uint8), TILE_PX).after.shape == (
        TILE_PX,
        TILE_PX,
        3,
    )


def test_every_kind_of_picture_is_shown_flat() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(to_screen(grey), np.dstack([grey] * 3))
    deep = grey.astype(np.uint16) * 257
    assert np.array_equal(to_screen(deep), np.dstack([grey] * 3))
    clear = np.zeros((2, 2, 4), np.uint8)
    clear[0, :, 3] = 255
    assert to_screen(clear)[:, 0, 0].tolist() == [0, 128]
    clear_deep = clear.astype(np.uint16) * 257
    assert to_screen(clear_deep)[:, 0, 0].tolist() == [0, 128]


def written(name: str, size: Size, factor: int = 2) -> ImageResult:
    out = Size(size.height * factor, size.width * factor)
    return ImageResult(name, name, "written", (factor, factor), size, out)


def test_images_are_chosen_evenly() -> None:
    images = [written(f"{number:03}", Size(10, 10)) for number in range(100)]
    assert [image.source for image in choose_images(images, 4)] == ["012", "037", "062", "087"]
    assert choose_images(images[:3], 8) == images[:3]
    assert choose_images(images, 0) == []
    assert choose_images([], 8) == []


def test_of_large_images_fewer_are_read() -> None:
    images = [written(f"{number:03}", Size(3000, 4000)) for number in range(100)]
    assert [image.source for image in choose_images(images, 8)] == ["025", "075"]


def test_only_images_of_a_bounded_size_that_are_no_copies_are_chosen() -> None:
    large = Size(1000 * MOST_MEGAPIXELS, 1000)
    images = [
        written("fits", Size(10, 10)),
        written("large", large),
        written("copied", Size(10, 10), factor=1),
        replace(written("cleaned", Size(10, 10), factor=1), quality=75),
        replace(written("skipped", Size(10, 10)), status="skipped"),
        ImageResult("failed", "failed", "failed", error=Failure("E", "e")),
    ]
    assert [image.source for image in choose_images(images, 8)] == ["fits", "cleaned"]


def test_the_words_below_a_sample_name_factor_quality_and_sizes(
    tmp_path: Path, photograph: Photograph
) -> None:
    small = np.ascontiguousarray(photograph[:30, :40])
    cv2.imwrite(str(tmp_path / "a.png"), small)
    folder = Folder(str(tmp_path))
    image = ImageResult("a.png", "a.png", "written", (1, 1), Size(30, 40), Size(30, 40))
    (sample,) = read_samples(folder, folder, [replace(image, quality=62.3)])
    assert sample.about == "x1, q62.3: 40x30 -> 40x30 px"
    (sample,) = read_samples(folder, folder, [image])
    assert sample.about == "x1: 40x30 -> 40x30 px"


def noise(side_px: int) -> Pair:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (side_px, side_px, 3), dtype=np.uint8)
    return Pair(picture, picture)


def test_a_sheet_stays_small_whatever_it_shows() -> None:
    tile = noise(TILE_PX)
    many = draw_contact_sheet([Sample("n" * 300, "about", tile, tile)] * 24)
    assert len(many) < 4 * MOST_BYTES  # noise does not compress; photographs stay below
    assert len(draw_contact_sheet([Sample("n", "about", tile, tile)] * 4)) <= MOST_BYTES


def test_previews_are_bounded_and_left_out_if_they_do_not_fit(
    photograph: Photograph, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = noise(VIEW_PX)
    for count in (1, 8, 24):
        previews = encode_previews([Sample("n", "about", view, view)] * count)
        assert sum(len(each.before) + len(each.after) for each in previews) <= MOST_PREVIEW_BYTES
    crop = crop_pair(photograph, np.repeat(np.repeat(photograph, 2, 0), 2, 1), VIEW_PX)
    (preview,) = encode_previews([Sample("n", "about", crop, crop)])
    assert (preview.height, preview.width) == crop.after.shape[:2] == (300, 452)
    monkeypatch.setattr("srcnn.reporting.previews.MOST_BYTES", 2000)
    assert encode_previews([Sample("n", "about", crop, crop)]) == []


def test_a_sheet_shows_its_crops_where_they_belong() -> None:
    red, blue = np.full((2, TILE_PX, TILE_PX, 3), 0, np.uint8)
    red[:, :, 2], blue[:, :, 0] = 255, 255
    tile = Pair(red, blue)
    drawn = draw_contact_sheet([Sample("猫.png", "x2", tile, tile)] * 3)
    sheet = cv2.imdecode(np.frombuffer(drawn, np.uint8), cv2.IMREAD_COLOR)
    assert sheet is not None
    reddish = (sheet[:, :, 2] > 200) & (sheet[:, :, 0] < 60)
    bluish = (sheet[:, :, 0] > 200) & (sheet[:, :, 2] < 60)
    for mask in (reddish, bluish):
        assert mask.sum() == pytest.approx(3 * TILE_PX**2, rel=0.02)
    assert np.nonzero(reddish.any(axis=0))[0].min() < np.nonzero(bluish.any(axis=0))[0].min()


@pytest.fixture
def kinds(tmp_path: Path, photograph: Photograph) -> Path:
    """One picture of each kind that a run takes."""
    folder = tmp_path / "kinds"
    folder.mkdir()
    small = photograph[40:100, 60:140]
    alpha = np.dstack([small, np.full(small.shape[:2], 200, np.uint8)])
    pictures: dict[str, Any] = {
        "colour.jpg": small,
        "grey.png": small[:, :, 1],
        "alpha.png": alpha,
        "deep.png": small.astype(np.uint16) * 257,
        "deep grey.tiff": small[:, :, 1].astype(np.uint16) * 257,
        "猫.webp": small,
        "plain.bmp": small,
        "net.ppm": small,
    }
    for name, picture in pictures.items():
        (folder / name).write_bytes(cv2.imencode(Path(name).suffix, picture)[1].tobytes())
    return folder


def sheets(source: Path) -> list[Path]:
    return list(Path(f"{source}-upscaled").glob(".srcnn/runs/*.jpg"))


def test_a_run_keeps_a_sheet_beside_its_report(kinds: Path) -> None:
    batch_upscale.fn(UpscaleOptions(src=str(kinds), scale="2"))
    (sheet,) = sheets(kinds)
    assert sheet.with_suffix(".json").exists()
    drawn = cv2.imread(str(sheet))
    assert drawn is not None
    assert drawn.shape[0] > 4 * 120  # eight pairs, two in a row, 120 px high
    # Run again, there is nothing new to show.
    batch_upscale.fn(UpscaleOptions(src=str(kinds), scale="2"))
    assert sheets(kinds) == [sheet]


def test_no_sheet_where_none_is_wanted(kinds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRCNN_CONTACT_SHEET_IMAGES", "0")
    batch_upscale.fn(UpscaleOptions(src=str(kinds), scale="2"))
    assert not sheets(kinds)


def test_what_cannot_be_read_any_more_is_left_out(kinds: Path) -> None:
    batch_upscale.fn(UpscaleOptions(src=str(kinds), scale="2"))
    output = Path(f"{kinds}-upscaled")
    images = [written(path.name, Size(60, 80)) for path in sorted(kinds.iterdir())]
    whole = read_samples(Folder(str(kinds)), Folder(str(output)), images)
    (output / "colour.jpg").unlink()
    (output / "grey.png").write_bytes(b"overwritten")
    cv2.imwrite(str(kinds / "alpha.png"), np.zeros((9, 9, 3), np.uint8))
    rest = read_samples(Folder(str(kinds)), Folder(str(output)), images)
    gone = {"colour.jpg", "grey.png", "alpha.png"}
    assert {each.name for each in whole} - {each.name for each in rest} == gone
    assert make_contact_sheet.fn(make_job(kinds, output), images[:0]) is None


def test_a_sheet_that_cannot_be_kept_fails_nothing(
    kinds: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    output = tmp_path / "out"
    (output / ".srcnn").mkdir(parents=True)
    (output / ".srcnn" / "runs").write_text("a file where a folder should be")
    upscaler = Upscaler.load()
    picture = cv2.imread(str(kinds / "colour.jpg"))
    cv2.imwrite(str(output / "colour.jpg"), upscaler(picture, scale=2))
    job = make_job(kinds, output, "run-1")
    with caplog.at_level(logging.WARNING, logger="srcnn"):
        assert make_contact_sheet.fn(job, [written("colour.jpg", Size(60, 80))]) is None
    assert "no contact sheet: " in caplog.text
