"""Places in metadata surround the same part of the picture once it is upright and larger."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from srcnn.geometry import Size
from srcnn.images.decoding import decode
from srcnn.images.encode import encode
from srcnn.images.picture import Picture
from srcnn.images.prepare import prepare

CJXL, EXIFTOOL = (shutil.which(name) or "" for name in ("cjxl", "exiftool"))
pytestmark = pytest.mark.skipif(not EXIFTOOL, reason="needs exiftool")
WIDTH, HEIGHT = 160, 96
LEFT, TOP, RIGHT, BOTTOM = 24, 16, 56, 40  # of a red part of the stored picture
TIMES = 3
NEAR = 2  # pixels of the result
ORIENTATIONS = range(1, 9)
X, Y, W, H = LEFT / WIDTH, TOP / HEIGHT, (RIGHT - LEFT) / WIDTH, (BOTTOM - TOP) / HEIGHT
AREA = f"{{X={X + W / 2},Y={Y + H / 2},W={W},H={H},Unit=normalized}}"
RELATIVE = f"{{RbShape=rectangle,RbUnit=relative,RbX={X},RbY={Y},RbW={W},RbH={H}}}"
IN_PIXELS = (
    f"{{RbShape=rectangle,RbUnit=pixel,RbX={LEFT},RbY={TOP},RbW={RIGHT - LEFT},RbH={BOTTOM - TOP}}}"
)
CORNERS = f"[{{RbX={X},RbY={Y}}},{{RbX={X + W},RbY={Y}}},{{RbX={X + W},RbY={Y + H}}}]"
POLYGON = f"{{RbShape=polygon,RbUnit=relative,RbVertices={CORNERS}}}"
SUBJECT = f"{(LEFT + RIGHT) // 2} {(TOP + BOTTOM) // 2} {RIGHT - LEFT} {BOTTOM - TOP}"
SIZE = f"{{W={WIDTH},H={HEIGHT},Unit=pixel}}"
FACES = f"[{{Name=Ann,Type=Face,Area={AREA}}}]"
PEOPLE = f"[{{PersonDisplayName=Ann,Rectangle={X}|, {Y}|, {W}|, {H}}}]"
TAGS = [
    f"-XMP-mwg-rs:RegionInfo={{AppliedToDimensions={SIZE},RegionList={FACES}}}",
    f"-XMP-MP:RegionInfoMP={{Regions={PEOPLE}}}",
    "-XMP-iptcExt:ImageRegion="
    + ",".join(f"{{RegionBoundary={each}}}" for each in (RELATIVE, IN_PIXELS, POLYGON)),
    *(f"-XMP-exif:SubjectArea={number}" for number in SUBJECT.split()),
    "-XMP-exif:FocalPlaneXResolution=1000",
    "-XMP-exif:FocalPlaneYResolution=500",
]
EXIF_TAGS = [
    "-IFD0:XResolution=100",
    "-IFD0:YResolution=200",
    "-IFD0:ResolutionUnit=2",
    f"-ExifIFD:SubjectArea={SUBJECT}",
    f"-ExifIFD:SubjectLocation={' '.join(SUBJECT.split()[:2])}",
    "-ExifIFD:FocalPlaneXResolution=1000",
    "-ExifIFD:FocalPlaneYResolution=500",
    "-ExifIFD:Make=kept",
]


def write_tags(path: Path, *tags: str) -> None:
    subprocess.run([EXIFTOOL, "-q", "-n", *tags, path], check=True, timeout=60)


def read_tags(paths: list[Path]) -> list[dict[str, Any]]:
    command = [EXIFTOOL, "-j", "-struct", "-n", "-G1", *paths]
    found = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    tags: list[dict[str, Any]] = json.loads(found)
    return tags


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Image.Exif, bytes]:
    """EXIF and XMP as exiftool writes them."""
    folder = tmp_path_factory.mktemp("blocks")
    Image.new("RGB", (8, 8)).save(folder / "a.jpg")
    write_tags(folder / "a.jpg", *EXIF_TAGS)
    write_tags(folder / "a.xmp", *TAGS)
    with Image.open(folder / "a.jpg") as image:
        exif = image.getexif()
        exif.get_ifd(0x8769)
    return exif, (folder / "a.xmp").read_bytes()


def draw() -> Image.Image:
    picture = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    picture[TOP:BOTTOM, LEFT:RIGHT] = 255, 0, 0
    return Image.fromarray(picture)


def save(form: str, folder: Path, orientation: int, exif: Image.Exif, xmp: bytes) -> bytes:
    """Save the picture, as stored, with an orientation that readers of the format follow."""
    file = io.BytesIO()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}.get(form, {})
    if form == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    if form == "JXL":
        if not CJXL:
            pytest.skip("needs cjxl")
        draw().save(folder / "a.jpg", "JPEG", quality=95, exif=exif, xmp=xmp)
        subprocess.run([CJXL, folder / "a.jpg", folder / "a.jxl"], check=True, capture_output=True)
        return (folder / "a.jxl").read_bytes()
    if form == "TIFF":
        block = Image.Exif()
        block.load(exif.tobytes())
        block[0x02BC] = xmp
        draw().save(file, form, exif=block)
    elif form == "PNG":
        draw().save(file, form, exif=exif, pnginfo=text_of(xmp))
    else:
        draw().save(file, form, exif=exif.tobytes(), xmp=xmp, **options)
    return file.getvalue()


def text_of(xmp: bytes) -> Any:
    from PIL.PngImagePlugin import PngInfo  # noqa: PLC0415

    texts = PngInfo()
    texts.add_itxt("XML:com.adobe.xmp", xmp.decode())
    return texts


def enlarge(data: bytes, extension: str) -> tuple[bytes, Picture]:
    """Make a result, as a run does."""
    picture = decode(data)
    height, width = picture.pixels.shape[:2]
    size = Size(height * TIMES, width * TIMES)
    prepared = prepare(picture, size, extension, keep_metadata=True)
    larger = np.repeat(np.repeat(prepared.pixels, TIMES, 0), TIMES, 1)
    return encode(replace(prepared, pixels=larger), 95), picture


def find_red(data: bytes) -> tuple[tuple[float, ...], Size]:
    """Return left, top, right and bottom of what is red."""
    pixels = decode(data).pixels.astype(int)
    rows, columns = np.nonzero(pixels[:, :, 2] - pixels[:, :, 1] > 128)
    ends = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    return tuple(map(float, ends)), Size(*pixels.shape[:2])


def list_boxes(tags: dict[str, Any], size: Size) -> Iterator[tuple[str, list[float]]]:
    """Yield each place in pixels, as left, top, right and bottom."""
    across, down = size.width, size.height
    regions = tags["XMP-mwg-rs:RegionInfo"]
    area = {key: float(regions["RegionList"][0]["Area"][key]) for key in "XYWH"}
    x, y, w, h = area["X"] * across, area["Y"] * down, area["W"] * across, area["H"] * down
    yield "mwg", [x - w / 2, y - h / 2, x + w / 2, y + h / 2]
    text = tags["XMP-MP:RegionInfoMP"]["Regions"][0]["Rectangle"]
    x, y, w, h = (float(each) for each in text.split(", "))
    yield "mp", [x * across, y * down, (x + w) * across, (y + h) * down]
    for region in tags["XMP-iptcExt:ImageRegion"]:
        boundary = region["RegionBoundary"]
        along, below = (1, 1) if boundary["RbUnit"] == "pixel" else (across, down)
        if "RbVertices" in boundary:
            xs = [float(each["RbX"]) * along for each in boundary["RbVertices"]]
            ys = [float(each["RbY"]) * below for each in boundary["RbVertices"]]
            yield "polygon", [min(xs), min(ys), max(xs), max(ys)]
        else:
            x, y, w, h = (float(boundary[f"Rb{key}"]) for key in "XYWH")
            yield boundary["RbUnit"], [x * along, y * below, (x + w) * along, (y + h) * below]
    for name in ("ExifIFD:SubjectArea", "XMP-exif:SubjectArea"):
        found = tags[name]
        numbers = found if isinstance(found, list) else str(found).split()
        x, y, w, h = map(float, numbers)
        yield name, [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


FORMS = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "TIFF": ".tiff",
    "AVIF": ".avif",
    "HEIF": ".jpg",
    "JXL": ".png",
}


@pytest.mark.parametrize("form", FORMS)
def test_places_surround_the_same_part_in_all_orientations(
    form: str, tmp_path: Path, blocks: tuple[Image.Exif, bytes]
) -> None:
    extension, paths = FORMS[form], []
    for orientation in ORIENTATIONS:
        result, picture = enlarge(save(form, tmp_path, orientation, *blocks), extension)
        again, _ = enlarge(result, extension)
        assert picture.notes == ()
        for name, data in (("once", result), ("twice", again)):
            paths.append(tmp_path / f"{orientation}{name}{extension}")
            paths[-1].write_bytes(data)
    for path, tags in zip(paths, read_tags(paths), strict=True):
        red, size = find_red(path.read_bytes())
        for name, box in list_boxes(tags, size):
            assert np.abs(np.array(box) - red).max() <= NEAR * TIMES, (path.name, name, box, red)
        applied = tags["XMP-mwg-rs:RegionInfo"]["AppliedToDimensions"]
        assert (int(applied["H"]), int(applied["W"])) == size
        swapped = int(path.name[0]) > 4
        times = TIMES if "once" in path.name else TIMES**2
        expected = (500, 1000) if swapped else (1000, 500)
        for group in ("ExifIFD", "XMP-exif"):
            focal = [float(tags[f"{group}:FocalPlane{axis}Resolution"]) for axis in "XY"]
            assert focal == [each * times for each in expected], path.name
        resolution = [float(tags[f"IFD0:{axis}Resolution"]) for axis in "XY"]
        assert resolution == ([200, 100] if swapped else [100, 200]), path.name
        if "JFIF:XResolution" in tags:
            assert [tags[f"JFIF:{axis}Resolution"] for axis in "XY"] == resolution
        x, y = map(float, str(tags["ExifIFD:SubjectLocation"]).split())
        middle = np.array([red[0] + red[2], red[1] + red[3]]) / 2
        assert np.abs(middle - (x, y)).max() <= NEAR * TIMES
