"""The upscale flow in this process, untracked: what it writes, skips, refuses and reports."""

import json
import os
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from flows.errors import BatchFailedError
from flows.options.upscale import UpscaleOptions
from flows.upscale import batch_upscale
from srcnn.errors import SourceMissingError, StorageError, UsageError
from srcnn.geometry import Size
from srcnn.inference.shrink import shrink
from tests.support.run_python import Run

Upscale = Callable[..., dict[str, Any]]


@pytest.fixture
def upscale(pictures: Path) -> Upscale:
    """Run the flow on the pictures, and give its report."""

    def call(src: Path = pictures, **options: Any) -> dict[str, Any]:
        report = pictures.parent / "report.json"
        chosen = UpscaleOptions(src=str(src), report=str(report), **options)
        try:
            counts = batch_upscale.fn(chosen)
        except BatchFailedError:
            counts = None
        content: dict[str, Any] = json.loads(report.read_text())
        assert counts in (None, content["counts"])
        total = content["counts"]
        assert total["requested"] == len(content["images"])
        assert total["requested"] == total["written"] + total["skipped"] + total["failed"]
        assert (counts is None) == (total["failed"] > 0)
        return content

    return call


def shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    return {
        str(path.relative_to(folder)): cv2.imread(str(path), cv2.IMREAD_UNCHANGED).shape
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".srcnn" not in path.parts
    }


def statuses(report: dict[str, Any]) -> dict[str, str]:
    return {image["source"]: image["status"] for image in report["images"]}


def failures(report: dict[str, Any]) -> dict[str, str]:
    return {
        image["source"]: f"{image['error']['type']}: {image['error']['message']}"
        for image in report["images"]
        if image["error"]
    }


def test_tree_names_and_formats_are_kept(upscale: Upscale, pictures: Path) -> None:
    report = upscale(scale="2")
    assert shapes(pictures.parent / "pictures-upscaled") == {
        "cat.png": (80, 104, 3),
        "cats/eye.jpg": (80, 102, 3),
        "cats/more cats/nose [1].webp": (82, 66, 3),
        "grey.tiff": (60, 62),
    }
    (grey,) = [image for image in report["images"] if image["source"] == "grey.tiff"]
    assert grey["scale"] == [2.0, 2.0]
    assert (grey["size_in"], grey["size_out"]) == ([30, 31], [60, 62])
    assert grey["error"] is None


def test_the_report_is_kept_beside_the_outputs(upscale: Upscale, pictures: Path) -> None:
    report = upscale(scale="2")
    kept = pictures.parent / "pictures-upscaled" / ".srcnn" / "runs" / f"{report['run']['id']}.json"
    assert json.loads(kept.read_text()) == report
    assert set(report["run"]) == {"id", "started", "seconds", "src", "dst", "model", "options"}
    assert report["run"]["options"]["scale"] == "2"
    assert len(report["run"]["model"]["sha256"]) == 64


def test_every_image_gets_its_own_factor(upscale: Upscale, pictures: Path) -> None:
    (pictures / "scales.csv").write_text(
        "path,scale\n*.webp,3\ncats/more cats/nose [1].webp,1.5x2\n*.jpg,longest=100\n"
    )
    upscale(scale="1.3")
    assert shapes(pictures.parent / "pictures-upscaled") == {
        "cat.png": (52, 67, 3),
        "cats/eye.jpg": (78, 100, 3),
        "cats/more cats/nose [1].webp": (61, 66, 3),
        "grey.tiff": (39, 40),
    }


def test_a_scales_file_elsewhere_replaces_the_one_in_the_source(
    upscale: Upscale, pictures: Path, tmp_path: Path
) -> None:
    (pictures / "scales.csv").write_text("path,scale\n*,4\n")
    (tmp_path / "mine.jsonl").write_text('{"path": "*.png", "scale": 3}\n')
    upscale(scales=str(tmp_path / "mine.jsonl"), include=["cat.png", "grey.tiff"])
    assert shapes(pictures.parent / "pictures-upscaled") == {
        "cat.png": (120, 156, 3),
        "grey.tiff": (60, 62),
    }


def test_nothing_is_written_when_the_scales_file_is_wrong(upscale: Upscale, pictures: Path) -> None:
    (pictures / "scales.csv").write_text("path,scale\n*,4\ncat.png,99\n*.jpg,big\n")
    with pytest.raises(UsageError) as caught:
        upscale()
    assert "scales.csv:3:" in str(caught.value)
    assert "scales.csv:4:" in str(caught.value)
    assert not (pictures.parent / "pictures-upscaled").exists()


def test_a_second_run_skips_everything(upscale: Upscale, pictures: Path) -> None:
    first = upscale(scale="2")
    outputs = [pictures.parent / "pictures-upscaled" / name for name in statuses(first)]
    before = {path: path.stat().st_mtime_ns for path in outputs}
    second = upscale(scale="2")
    assert second["counts"] == {"requested": 4, "written": 0, "skipped": 4, "failed": 0}
    assert {path: path.stat().st_mtime_ns for path in before} == before
    known = ("source", "output", "scale", "size_in", "size_out")
    for one, two in zip(first["images"], second["images"], strict=True):
        assert [one[name] for name in known] == [two[name] for name in known]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-20]),
        lambda path: path.unlink(),
        lambda path: path.write_bytes(path.read_bytes()),  # touched by somebody else
    ],
    ids=["truncated", "removed", "rewritten"],
)
def test_an_output_that_changed_is_made_again(
    upscale: Upscale, pictures: Path, spoil: Callable[[Path], Any]
) -> None:
    upscale(scale="2")
    output = pictures.parent / "pictures-upscaled" / "cat.png"
    whole = output.read_bytes()
    spoil(output)
    report = upscale(scale="2")
    assert [name for name, status in statuses(report).items() if status == "written"] == ["cat.png"]
    assert output.read_bytes() == whole


def test_a_source_that_changed_is_made_again(upscale: Upscale, pictures: Path) -> None:
    upscale(scale="2")
    cv2.imwrite(str(pictures / "cat.png"), np.zeros((9, 9, 3), np.uint8))
    assert statuses(upscale(scale="2"))["cat.png"] == "written"


@pytest.mark.parametrize(
    "options",
    [{"scale": "3"}, {"scale": "2", "metadata": "strip"}, {"scale": "2", "format": "png"}],
)
def test_options_that_shape_pixels_redo(upscale: Upscale, options: dict[str, Any]) -> None:
    upscale(scale="2")
    assert upscale(**options)["counts"]["written"] == 4


def test_options_that_shape_no_pixels_redo_nothing(upscale: Upscale) -> None:
    upscale(scale="2")
    assert upscale(scale="2.0", workers=5, provider="cpu")["counts"]["skipped"] == 4


@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_records_of_the_time_when_precision_was_a_choice_redo_nothing(
    upscale: Upscale, pictures: Path, precision: str
) -> None:
    upscale(scale="2")
    for path in pictures.parent.glob("pictures-upscaled/.srcnn/ledger/*.jsonl"):
        lines = path.read_text().splitlines()
        old = [json.dumps(json.loads(line) | {"precision": precision}) for line in lines]
        path.write_text("\n".join(old) + "\n")
    assert upscale(scale="2")["counts"]["skipped"] == 4


def test_another_model_redoes(
    upscale: Upscale, make_graph: Callable[..., bytes], tmp_path: Path
) -> None:
    upscale(scale="2")
    (tmp_path / "other.onnx").write_bytes(make_graph(factor=2))
    assert upscale(model=str(tmp_path / "other.onnx"))["counts"]["written"] == 4
    assert upscale(model=str(tmp_path / "other.onnx"))["counts"]["skipped"] == 4


def test_other_factors_than_that_of_a_fixed_model_are_made_by_resizing(
    upscale: Upscale,
    make_graph: Callable[..., bytes],
    tmp_path: Path,
    pictures: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "other.onnx").write_bytes(make_graph(factor=2))
    (pictures / "scales.csv").write_text("path,scale\ncats/**,3\ncat.png,1.5\n")
    caplog.set_level("INFO", "srcnn")
    images = {
        each["source"]: each for each in upscale(model=str(tmp_path / "other.onnx"))["images"]
    }
    assert images["cats/eye.jpg"]["notes"] == [
        "enlarged by the model's factor 2, then enlarged by the cubic to the size asked for"
    ]
    assert images["cat.png"]["notes"] == [
        "enlarged by the model's factor 2, then reduced to the size asked for"
    ]
    assert images["grey.tiff"]["notes"] == []
    for each in images.values():
        with Image.open(pictures.parent / "pictures-upscaled" / each["output"]) as written:
            assert [written.height, written.width] == each["size_out"]
    assert caplog.text.count("the fixed factor 2: its results for 3 images are resized") == 1


def test_overwrite_always_and_never(upscale: Upscale, pictures: Path) -> None:
    upscale(scale="2")
    assert upscale(scale="2", overwrite="always")["counts"]["written"] == 4
    (pictures.parent / "pictures-upscaled" / "cat.png").write_bytes(b"mine")
    report = upscale(scale="3", overwrite="never")
    assert report["counts"]["skipped"] == 4
    assert (pictures.parent / "pictures-upscaled" / "cat.png").read_bytes() == b"mine"


def test_a_file_that_nobody_recorded_is_no_evidence(upscale: Upscale, pictures: Path) -> None:
    upscale(scale="2")
    shutil.rmtree(pictures.parent / "pictures-upscaled" / ".srcnn" / "ledger")
    assert upscale(scale="2")["counts"]["written"] == 4


def test_a_damaged_record_redoes_its_images(upscale: Upscale, pictures: Path) -> None:
    upscale(scale="2")
    for ledger in (pictures.parent / "pictures-upscaled" / ".srcnn" / "ledger").iterdir():
        ledger.write_bytes(b'{"output": \xff')
    assert upscale(scale="2")["counts"]["written"] == 4


def test_one_bad_image_never_stops_the_others(upscale: Upscale, pictures: Path) -> None:
    whole = (pictures / "cats" / "eye.jpg").read_bytes()
    (pictures / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (pictures / "empty.png").write_bytes(b"")
    (pictures / "letter.png").write_text("Dear Sir or Madam")
    (pictures / "wrong.bmp").write_bytes(whole)
    frames = [np.full((8, 8, 3), level, np.uint8) for level in (0, 99)]
    cv2.imwritemulti(str(pictures / "pages.tiff"), frames)
    report = upscale(scale="2")
    assert report["counts"] == {"requested": 9, "written": 5, "skipped": 0, "failed": 4}
    reasons = failures(report)
    assert "truncated" in reasons["cut.jpg"]
    assert reasons["empty.png"].startswith("DamagedImage: ")
    assert reasons["letter.png"].startswith("DamagedImage: ")
    assert "2 frames or pages" in reasons["pages.tiff"]
    written = shapes(pictures.parent / "pictures-upscaled")
    assert not {"cut.jpg", "empty.png", "letter.png", "pages.tiff"} & set(written)
    assert not list(pictures.parent.rglob("*.part"))


def test_a_failed_image_is_tried_again(upscale: Upscale, pictures: Path) -> None:
    whole = (pictures / "cat.png").read_bytes()
    (pictures / "cat.png").write_bytes(whole[:-30])
    assert upscale(scale="2")["counts"]["failed"] == 1
    (pictures / "cat.png").write_bytes(whole)
    assert upscale(scale="2")["counts"] == {"requested": 4, "written": 1, "skipped": 3, "failed": 0}


def test_include_and_exclude(upscale: Upscale) -> None:
    report = upscale(include=["cats/**", "*.png"], exclude=["*.webp"])
    assert set(statuses(report)) == {"cat.png", "cats/eye.jpg"}


def test_hidden_and_system_files_are_left_alone(upscale: Upscale, pictures: Path) -> None:
    for name in (
        ".hidden.png",
        "._cat.png",
        ".git/x.png",
        "__MACOSX/cat.png",
        "Thumbs.db",
        "a.txt",
    ):
        path = pictures / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((pictures / "cat.png").read_bytes())
    assert upscale()["counts"]["requested"] == 4


def test_a_destination_inside_the_source_is_never_read(upscale: Upscale, pictures: Path) -> None:
    for _ in range(2):
        report = upscale(scale="2", dst=str(pictures / "big"))
        assert report["counts"]["requested"] == 4
    assert "big" not in {path.name for path in (pictures / "big").iterdir()}


@pytest.mark.parametrize("dst", ["{src}", "{src}/", "{src}/../pictures", "{parent}"])
def test_a_destination_that_would_overwrite_the_source_is_refused(
    upscale: Upscale, pictures: Path, dst: str
) -> None:
    before = shapes(pictures)
    with pytest.raises(UsageError, match="give another --dst"):
        upscale(dst=dst.format(src=pictures, parent=pictures.parent))
    assert shapes(pictures) == before


def test_two_sources_of_one_name_make_two_outputs(upscale: Upscale, pictures: Path) -> None:
    shutil.copy(pictures / "cats" / "eye.jpg", pictures / "cat.jpg")
    upscale(scale="2", format="png", include=["cat.*"])
    assert shapes(pictures.parent / "pictures-upscaled") == {
        "cat.jpg.png": (80, 102, 3),
        "cat.png": (80, 104, 3),
    }


def test_images_at_their_target_are_copied_or_skipped(upscale: Upscale, pictures: Path) -> None:
    copied = upscale(scale="width=51", dst=str(pictures.parent / "copied"))
    same = ["cat.png", "cats/eye.jpg"]
    assert set(statuses(copied).values()) == {"written"}
    for name in same:
        assert (pictures.parent / "copied" / name).read_bytes() == (pictures / name).read_bytes()
    skipped = upscale(scale="width=51", dst=str(pictures.parent / "skipped"), when_larger="skip")
    assert [name for name, status in statuses(skipped).items() if status == "skipped"] == same
    assert not (pictures.parent / "skipped" / "cat.png").exists()


def test_images_above_their_target_are_made_smaller(upscale: Upscale, pictures: Path) -> None:
    source = cv2.imread(str(pictures / "cat.png"))
    report = upscale(scale="box=26x400", when_larger="shrink", include=["cat.png"])
    (image,) = report["images"]
    assert (image["size_in"], image["size_out"]) == ([40, 52], [20, 26])
    assert image["scale"] == [0.5, 0.5]
    assert image["notes"] == ["made smaller, to its target, without the network"]
    made = cv2.imread(str(pictures.parent / "pictures-upscaled" / "cat.png"))
    np.testing.assert_array_equal(made, shrink(source, Size(20, 26)))
    again = upscale(scale="box=26x400", when_larger="shrink", include=["cat.png"])
    assert statuses(again) == {"cat.png": "skipped"}
    copied = upscale(scale="box=26x400", include=["cat.png"])
    assert statuses(copied) == {"cat.png": "written"}
    assert copied["images"][0]["size_out"] == [40, 52]


def test_outputs_are_named_by_a_template(upscale: Upscale, pictures: Path) -> None:
    chosen: dict[str, Any] = {"scale": 2, "name": "large/{folder}/{stem}@{factor}x{ext}"}
    report = upscale(**chosen, include=["cat.png", "cats/eye.jpg"])
    outputs = {image["source"]: image["output"] for image in report["images"]}
    assert outputs == {"cat.png": "large/cat@2x.png", "cats/eye.jpg": "large/cats/eye@2x.jpg"}
    assert set(shapes(pictures.parent / "pictures-upscaled")) == set(outputs.values())
    again = upscale(**chosen, include=["cat.png", "cats/eye.jpg"])
    assert set(statuses(again).values()) == {"skipped"}
    with pytest.raises(UsageError, match=r"needs a scale that says it"):
        upscale(scale=2, name="{stem}-{width}{ext}")
    with pytest.raises(UsageError, match=r"would both be"):
        upscale(scale=2, name="same{ext}", format="png")


def test_a_copy_takes_the_format_asked_for(upscale: Upscale, pictures: Path) -> None:
    upscale(scale="width=33", format="png", include=["*.jpg"])
    assert shapes(pictures.parent / "pictures-upscaled") == {"cats/eye.png": (40, 51, 3)}


def test_a_dry_run_writes_nothing_and_reports_the_pixels(upscale: Upscale, pictures: Path) -> None:
    report = upscale(scale="2.5", dry_run=True)
    assert not (pictures.parent / "pictures-upscaled").exists()
    assert report["counts"] == {"requested": 4, "written": 4, "skipped": 0, "failed": 0}
    assert report["images"][0]["size_out"] == [100, 130]


def test_a_dry_run_shows_each_failure_once(run: Run, pictures: Path) -> None:
    for number in range(22):  # more than are listed as errors
        (pictures / f"bad {number:02}.png").write_bytes(b"no image")
    done = run("flows/upscale.py", "--src", pictures, "--dry-run", "--list")
    assert done.returncode == 1
    lines = (done.stdout + done.stderr).splitlines()
    for number in range(22):
        assert len([line for line in lines if f"bad {number:02}.png" in line]) == 1
    assert len([line for line in lines if "cat.png: " in line]) == 1


def test_results_above_the_limit_are_refused_unread(
    upscale: Upscale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRCNN_MAX_OUTPUT_MEGAPIXELS", "0.008")
    report = upscale(scale="2")
    assert set(failures(report)) == {"cat.png", "cats/eye.jpg"}
    assert "SRCNN_MAX_OUTPUT_MEGAPIXELS" in failures(report)["cat.png"]


def test_an_empty_folder_is_no_failure(upscale: Upscale, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    assert upscale(tmp_path / "none")["counts"]["requested"] == 0


def test_a_missing_source_ends_the_run(upscale: Upscale, tmp_path: Path, pictures: Path) -> None:
    with pytest.raises(SourceMissingError, match="no such folder"):
        upscale(tmp_path / "missing")
    with pytest.raises(SourceMissingError, match=r"no such file; did you mean .*/cat\.png"):
        upscale(pictures / "cats.png")
    with pytest.raises(SourceMissingError, match="no such file"):
        upscale(scales=str(tmp_path / "missing.csv"))


def test_a_whole_run_in_memory() -> None:
    import fsspec  # noqa: PLC0415

    memory = fsspec.filesystem("memory")
    encoded = cv2.imencode(".png", np.full((6, 5, 3), 77, np.uint8))[1].tobytes()
    memory.pipe_file("/shelf/a b/[1] ü.png", encoded)
    options = UpscaleOptions(src="memory://shelf", dst="memory://big", scale="2x3")
    assert batch_upscale.fn(options)["written"] == 1
    content = np.frombuffer(memory.cat_file("/big/a b/[1] ü.png"), np.uint8)
    assert cv2.imdecode(content, cv2.IMREAD_UNCHANGED).shape == (12, 15, 3)
    assert batch_upscale.fn(options)["skipped"] == 1


def test_orientation_and_metadata_go_along(upscale: Upscale, pictures: Path) -> None:
    from PIL import Image  # noqa: PLC0415

    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a nose"
    with Image.open(pictures / "cats" / "eye.jpg") as image:
        image.save(pictures / "turned.jpg", exif=exif)
    for metadata, kept in (("keep", {0x0112: 1, 0x010E: "a nose"}), ("strip", {})):
        upscale(scale="2", include=["turned.jpg"], metadata=metadata)
        with Image.open(pictures.parent / "pictures-upscaled" / "turned.jpg") as image:
            assert image.size == (80, 102)
            assert dict(image.getexif()) == kept


def test_the_default_destination_lies_beside_the_source(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, src, expected in (
        (pictures, ".", str(pictures) + "-upscaled"),
        (pictures / "cats", "..", str(pictures) + "-upscaled"),
        (pictures.parent, "pictures/.", "pictures-upscaled"),
        (pictures.parent, "./pictures/", "pictures-upscaled"),
        (pictures.parent, "s3://bucket/a/b/", "s3://bucket/a/b-upscaled"),
    ):
        monkeypatch.chdir(folder)
        assert UpscaleOptions(src=src).destination == expected
    for root in ("/", "s3://bucket"):
        with pytest.raises(UsageError, match="give --dst"):
            _ = UpscaleOptions(src=root).destination


def test_links_are_never_passed_over_in_silence(
    upscale: Upscale, pictures: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    album = tmp_path / "album"
    album.mkdir()
    (pictures / "album").symlink_to(album)
    (pictures / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (pictures / "same.png").symlink_to(pictures / "cat.png")
    report = upscale(scale="2")
    assert statuses(report)["same.png"] == "written"
    assert failures(report)["gone.png"].startswith("FileNotFound")
    assert "album is a link to a folder and is not followed" in caplog.text


def test_earlier_outputs_inside_the_source_are_no_sources(
    upscale: Upscale, pictures: Path, caplog: pytest.LogCaptureFixture
) -> None:
    upscale(scale="2", dst=str(pictures / "big"))
    assert upscale(scale="2", dst=str(pictures / "other"))["counts"]["requested"] == 4
    assert "big contains outputs of an earlier run: skipped" in caplog.text


def test_sources_above_the_limit_are_refused_unread(
    upscale: Upscale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRCNN_MAX_INPUT_MEGAPIXELS", "0.0015")
    report = upscale(scale="longest=1")  # they are there already: no result is larger
    assert set(failures(report)) == {"cat.png", "cats/eye.jpg"}
    assert "raise SRCNN_MAX_INPUT_MEGAPIXELS" in failures(report)["cat.png"]
    # No figure may read as within the limit.
    assert "the image has 0.002" in failures(report)["cat.png"]


def test_images_left_out_as_large_enough_have_no_output(upscale: Upscale) -> None:
    report = upscale(scale="longest=5", when_larger="skip")
    assert report["counts"]["skipped"] == 4
    assert {image["output"] for image in report["images"]} == {None}
    assert all(image["scale"] == [1, 1] for image in report["images"])
    sizes = {image["source"]: (image["size_in"], image["size_out"]) for image in report["images"]}
    assert sizes["cat.png"] == ([40, 52], [40, 52])


@pytest.mark.parametrize(
    ("place", "error", "words"),
    [
        ("/proc/none/report.json", StorageError, "cannot be written: No such file or directory"),
        ("{folder}", UsageError, "is a folder; expected a file"),
    ],
)
def test_a_report_that_cannot_be_written_ends_the_run_before_the_work(
    pictures: Path, place: str, error: type[Exception], words: str
) -> None:
    report = place.format(folder=pictures.parent)
    with pytest.raises(error, match=words):
        batch_upscale.fn(UpscaleOptions(src=str(pictures), report=report))
    assert not (pictures.parent / "pictures-upscaled").exists()


def test_images_that_could_not_be_recorded_are_written_all_the_same(
    upscale: Upscale, pictures: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = pictures.parent / "pictures-upscaled" / ".srcnn"
    state.mkdir(parents=True)
    (state / "ledger").write_text("a file where a folder belongs")
    assert upscale(scale="2")["counts"]["written"] == 4
    assert "could not be recorded, so the next run will redo them" in caplog.text


def test_what_is_there_counts_more_than_a_clock(upscale: Upscale, pictures: Path) -> None:
    upscale(scale="2")
    ledger = pictures.parent / "pictures-upscaled" / ".srcnn" / "ledger"
    for file in ledger.iterdir():  # written by a machine whose clock is far ahead
        file.rename(ledger / f"2099{file.name}")
    assert upscale(scale="3")["counts"]["written"] == 4
    assert upscale(scale="3")["counts"]["skipped"] == 4


@pytest.mark.parametrize("line", ['{"output": ["x"]}', "[]", '"x"', '{"output": 1', "\udcff"])
def test_a_ledger_of_the_wrong_kind_is_a_warning(
    upscale: Upscale, pictures: Path, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    upscale(scale="2")
    for file in (pictures.parent / "pictures-upscaled" / ".srcnn" / "ledger").iterdir():
        file.write_bytes(line.encode(errors="surrogateescape"))
    assert upscale(scale="2")["counts"]["written"] == 4
    assert "the images it recorded will be upscaled again" in caplog.text


def test_names_that_are_no_text_are_kept_and_recorded(upscale: Upscale, pictures: Path) -> None:
    name = os.fsdecode(b"caf\xe9\n.png")
    (pictures / "cat.png").rename(pictures / name)
    assert statuses(upscale(scale="2"))[name] == "written"
    assert statuses(upscale(scale="2"))[name] == "skipped"


def test_leftovers_of_killed_writers_are_removed_after_a_day(
    upscale: Upscale, pictures: Path
) -> None:
    output = pictures.parent / "pictures-upscaled" / "cats"
    output.mkdir(parents=True)
    old, new = output / ".srcnn-0123456789ab.part", output / ".srcnn-ba9876543210.part"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    upscale(scale="2")
    assert (old.exists(), new.exists()) == (False, True)


def test_unused_rows_are_listed_up_to_a_number(
    upscale: Upscale, pictures: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = "".join(f"missing{number}.png,2\n" for number in range(500))
    (pictures / "scales.csv").write_text("path,scale\n" + rows)
    upscale()
    assert caplog.text.count("matches no image") == 10
    assert "and 490 more rows" in caplog.text


def test_the_default_quality_is_no_other_when_it_is_named(upscale: Upscale) -> None:
    upscale(scale="2")
    report = upscale(scale="2", quality=95)
    written = {name for name, status in statuses(report).items() if status == "written"}
    assert written == {"cats/more cats/nose [1].webp"}


def test_the_quality_redoes_only_what_it_shapes(upscale: Upscale) -> None:
    upscale(scale="2")
    report = upscale(scale="2", quality=50)
    written = {name for name, status in statuses(report).items() if status == "written"}
    assert written == {"cats/eye.jpg", "cats/more cats/nose [1].webp"}


@pytest.mark.parametrize(
    ("kind", "white"), [("P5", 100), ("P6", 1023), ("P2", 15), ("P3", 1023), ("P2", 65535)]
)
def test_netpbm_of_any_white_comes_out_as_bright(
    upscale: Upscale, pictures: Path, kind: str, white: int
) -> None:
    count = 8 * 9 * (3 if kind in ("P3", "P6") else 1)
    value = white * 3 // 5
    depth = 1 if white < 256 else 2
    binary = value.to_bytes(depth) * count
    text = (f"{value} " * count).encode()
    samples = text if kind in ("P2", "P3") else binary
    header = f"{kind} # made by hand\n9 8\n# white\n{white}\n".encode()
    (pictures / "n.pnm").write_bytes(header + samples)
    upscale(scale="2", include=["n.pnm"], format="png")
    path = pictures.parent / "pictures-upscaled" / "n.png"
    found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    full = 255 if white < 256 else 65535
    assert found.mean() / full == pytest.approx(value / white, abs=0.03)


def test_a_ledger_of_many_runs_is_gathered_by_the_next(pictures: Path) -> None:
    options = UpscaleOptions(src=str(pictures), overwrite="always")
    for _ in range(3):
        batch_upscale.fn(options)
    ledger_folder = Path(f"{pictures}-upscaled") / ".srcnn" / "ledger"
    before = len(list(ledger_folder.iterdir()))
    counts = batch_upscale.fn(options.model_copy(update={"overwrite": "changed"}))
    assert counts["skipped"] == 4
    assert len(list(ledger_folder.iterdir())) == 1 < before
    assert batch_upscale.fn(UpscaleOptions(src=str(pictures)))["skipped"] == 4


def test_a_still_gif_needs_another_format(upscale: Upscale, pictures: Path) -> None:
    still = Image.fromarray(np.full((9, 11, 3), (200, 30, 60), np.uint8)).quantize(2)
    still.save(pictures / "still.gif")
    frames = [Image.new("L", (9, 9), level) for level in (10, 200)]
    frames[0].save(pictures / "moving.gif", save_all=True, append_images=frames[1:])
    report = upscale(scale="2", include=["*.gif"])
    assert "use --format png" in failures(report)["still.gif"]
    assert "several frames" in failures(report)["moving.gif"]
    report = upscale(scale="2", include=["still.gif"], format="png")
    assert shapes(pictures.parent / "pictures-upscaled") == {"still.png": (18, 22, 3)}
    # A copy needs no more colours than there are.
    assert upscale(scale="longest=5", include=["still.gif"])["counts"]["written"] == 1


def test_what_was_done_to_colours_is_reported(
    upscale: Upscale, pictures: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Image.new("CMYK", (9, 7), (10, 60, 90, 20)).save(pictures / "print.jpg")
    with caplog.at_level("INFO"):
        report = upscale(scale="2", include=["print.jpg", "cat.png"])
    notes = {image["source"]: image["notes"] for image in report["images"]}
    note = "CMYK converted to RGB by formula: it has no profile"
    assert notes == {"cat.png": [], "print.jpg": [note]}
    assert f"1 image: {note}" in caplog.text


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_grey_with_alpha_stays_grey(upscale: Upscale, pictures: Path, depth: type) -> None:
    grey = np.random.default_rng(2).integers(0, np.iinfo(depth).max, (9, 11), dtype=depth)
    alpha = np.full_like(grey, np.iinfo(depth).max)
    parts = np.dstack([grey, alpha])
    if depth is np.uint8:
        Image.fromarray(parts, "LA").save(pictures / "la.png")
    else:
        header = struct.pack(">IIBBBBB", 11, 9, 16, 4, 0, 0, 0)
        rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in parts)
        content = b"\x89PNG\r\n\x1a\n"
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
            check = struct.pack(">I", zlib.crc32(kind + body))
            content += struct.pack(">I", len(body)) + kind + body + check
        (pictures / "la.png").write_bytes(content)
    upscale(scale="2", include=["la.png"])
    output = str(pictures.parent / "pictures-upscaled" / "la.png")
    pixels = cv2.imread(output, cv2.IMREAD_UNCHANGED)
    assert pixels.dtype == depth
    assert np.array_equal(pixels[:, :, 0], pixels[:, :, 1])
    assert np.array_equal(pixels[:, :, 0], pixels[:, :, 2])


def test_the_report_repeats_folders_as_they_were_given(pictures: Path, tmp_path: Path) -> None:
    src, dst, report = f"{pictures}/", f"{tmp_path}/big/", tmp_path / "report.json"
    batch_upscale.fn(UpscaleOptions(src=src, dst=dst, report=str(report)))
    run = json.loads(report.read_text())["run"]
    assert (run["src"], run["dst"]) == (src, dst)
