"""Pictures to train on: which are used, how they are decoded, and why others are left out."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from srcnn.errors import SourceMissingError, UsageError
from srcnn.planning.globs import parse_glob
from srcnn.storage.folder import Folder
from srcnn.training.pictures import (
    LARGEST_PX,
    SMALLEST_PX,
    Pictures,
    Wanted,
    find_pictures,
    read_pictures,
    to_bgr,
    to_luma,
)


def crops(folder: Path, photograph: npt.NDArray[np.uint8], count: int = 12) -> Path:
    """Write different crops of a photograph, each large enough to train on."""
    (folder / "more").mkdir(parents=True)
    for number in range(count):
        place = folder / "more" if number % 3 == 0 else folder
        crop = photograph[number : number + 120, 4 * number : 4 * number + 130]
        cv2.imwrite(str(place / f"{number:02}.png"), crop)
    return folder


def read(url: Path | str, **wanted: object) -> Pictures:
    selection = Wanted(**wanted)  # type: ignore[arg-type]
    return read_pictures(Folder(str(url)), find_pictures(Folder(str(url)), selection), selection)


def test_every_picture_is_taken_once(tmp_path: Path, photograph: npt.NDArray[np.uint8]) -> None:
    found = read(crops(tmp_path / "own", photograph), share=0.25)
    assert (len(found.training), len(found.held_out)) == (9, 3)
    assert len(found.taken) == 12
    assert {plane.shape for plane in found.training} == {(120, 130)}
    assert {picture.shape for picture in found.held_out} == {(120, 130, 3)}
    assert not found.left_out


def test_unusable_pictures_are_listed_with_the_reason(
    tmp_path: Path, photograph: npt.NDArray[np.uint8]
) -> None:
    folder = crops(tmp_path / "own", photograph)
    (folder / "cut.png").write_bytes((folder / "01.png").read_bytes()[:-40])
    (folder / "letter.jpg").write_text("Dear Sir or Madam")
    cv2.imwrite(str(folder / "icon.png"), photograph[: SMALLEST_PX - 1, :200])
    cv2.imwrite(str(folder / "blank.png"), np.full((120, 130, 3), 128, np.uint8))
    (folder / "notes.txt").write_text("not a picture, and not counted as one")
    found = read(folder)
    assert set(found.left_out) == {"cut.png", "letter.jpg", "icon.png", "blank.png"}
    assert "truncated" in found.left_out["cut.png"]
    assert "only one colour" in found.left_out["blank.png"]
    assert "200x95 px is too small" in found.left_out["icon.png"]
    assert set(found.taken) == set(find_pictures(Folder(str(folder)), Wanted())) - set(
        found.left_out
    )


def test_the_error_for_too_few_pictures_says_how_many_were_found(
    tmp_path: Path, photograph: npt.NDArray[np.uint8]
) -> None:
    folder = crops(tmp_path / "own", photograph, 9)
    (folder / "cut.png").write_bytes(b"nothing")
    with pytest.raises(UsageError, match=r"found 10 images, 9 .* at least 10; cut\.png:"):
        read(folder)
    with pytest.raises(UsageError, match="found 0 images"):
        read(folder, include=[parse_glob("*.jpg")])
    with pytest.raises(SourceMissingError, match="no such folder"):
        read(tmp_path / "nowhere")


def test_globs_select_and_outputs_are_skipped(
    tmp_path: Path, photograph: npt.NDArray[np.uint8]
) -> None:
    folder = crops(tmp_path / "own", photograph)
    (folder / "big" / ".srcnn" / "ledger").mkdir(parents=True)
    (folder / "big" / ".srcnn" / "ledger" / "1.jsonl").write_text("")
    cv2.imwrite(str(folder / "big" / "upscaled.png"), photograph)
    src = Folder(str(folder))
    assert len(find_pictures(src, Wanted())) == 12
    assert set(
        find_pictures(src, Wanted(include=[parse_glob("more")], exclude=[parse_glob("*9.png")]))
    ) == {
        "more/00.png",
        "more/03.png",
        "more/06.png",
    }


def test_the_total_is_limited_and_the_rest_is_counted(
    tmp_path: Path, photograph: npt.NDArray[np.uint8]
) -> None:
    folder = crops(tmp_path / "own", photograph, 30)
    found = read(folder, megapixels=13.5 * 120 * 130 / 1e6)
    assert (len(found.taken), found.surplus) == (14, 16)


def test_the_pictures_of_an_earlier_call_can_be_read_again(
    tmp_path: Path, photograph: npt.NDArray[np.uint8]
) -> None:
    folder = crops(tmp_path / "own", photograph, 20)
    (folder / "cut.png").write_bytes(b"nothing")
    first = read(folder, megapixels=0.2)
    cv2.imwrite(str(folder / "added.png"), photograph)
    again = read_pictures(Folder(str(folder)), first.taken, Wanted(megapixels=0.2))
    assert list(again.taken) == list(first.taken)
    for before, after in zip(first.training, again.training, strict=True):
        np.testing.assert_array_equal(before, after)
    for before, after in zip(first.held_out, again.held_out, strict=True):
        np.testing.assert_array_equal(before, after)


def test_of_a_large_picture_the_centre_is_used(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    folder = crops(tmp_path / "own", rng.integers(0, 100, (200, 300, 3), np.uint8))
    large = np.zeros((LARGEST_PX + 200, 100, 3), np.uint8)
    large[100 : 100 + LARGEST_PX] = rng.integers(200, 256, (LARGEST_PX, 100, 3), np.uint8)
    cv2.imwrite(str(folder / "large.png"), large)
    found = read(folder)
    bright = [picture for picture in [*found.training, *found.held_out] if picture.max() >= 200]
    assert [(picture.shape[:2], picture.min() >= 200) for picture in bright] == [
        ((LARGEST_PX, 100), True)
    ]


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_bucket_and_a_folder_give_the_same(
    tmp_path: Path, photograph: npt.NDArray[np.uint8], bucket: str, share: float
) -> None:
    folder = crops(tmp_path / "own", photograph)
    for path in folder.rglob("*.png"):
        Folder(bucket).write(f"own/{path.relative_to(folder)}", path.read_bytes())
    here, there = read(folder, share=share), read(f"{bucket}/own", share=share)
    assert list(here.taken) == list(there.taken)
    for one, other in zip(here.training, there.training, strict=True):
        np.testing.assert_array_equal(one, other)


def test_all_kinds_of_pixels_are_converted_to_8_bit_bgr(
    photograph: npt.NDArray[np.uint8],
) -> None:
    np.testing.assert_array_equal(to_bgr(photograph), photograph)
    deep = photograph.astype(np.uint16) * 257
    np.testing.assert_array_equal(to_bgr(deep), photograph)
    grey = photograph[:, :, 1]
    assert {plane.tobytes() for plane in np.moveaxis(to_bgr(grey), 2, 0)} == {grey.tobytes()}
    opaque = np.dstack([photograph, np.full(grey.shape, 255, np.uint8)])
    np.testing.assert_array_equal(to_bgr(opaque), photograph)
    with_grey_alpha = np.dstack([grey, opaque[:, :, 3]])
    np.testing.assert_array_equal(to_bgr(with_grey_alpha), to_bgr(grey))


def test_luma_is_that_of_the_training(photograph: npt.NDArray[np.uint8]) -> None:
    exact = photograph.astype(float) @ (0.114, 0.587, 0.299)
    assert np.abs(to_luma(photograph) - exact).max() <= 0.51


def test_the_smallest_picture_has_room_for_the_smallest_patch() -> None:
    pytest.importorskip("torch", reason="training needs torch")
    from srcnn.training import patches  # noqa: PLC0415 - behind the skip

    assert SMALLEST_PX == patches.SMALLEST_PX
