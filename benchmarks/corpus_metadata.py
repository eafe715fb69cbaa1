"""Which metadata files hold: by the command `exiftool`, or by Pillow if it is not installed."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from PIL import ExifTags, Image

Blocks = frozenset[str]
# Tags that say something about the picture; of a TIFF, all others describe its layout.
_TAGS = ("Make", "Model", "Artist", "Copyright", "ImageDescription", "DateTimeOriginal", "FNumber")
_EXIF_GROUPS = ("IFD0", "ExifIFD", "GPS")


def read_blocks(folder: Path) -> dict[Path, Blocks]:
    """Return which of EXIF, ICC and XMP each file below a folder holds, by its path."""
    exiftool = shutil.which("exiftool")
    if exiftool is None:
        return {path: _read_by_pillow(path) for path in folder.rglob("*") if path.is_file()}
    command = [exiftool, "-json", "-G1", "-q", "-q", "-r", folder]
    done = subprocess.run(command, capture_output=True, check=False)
    found = json.loads(done.stdout or b"[]")
    return {Path(each["SourceFile"]): _name_blocks(each) for each in found}


def _name_blocks(tags: Iterable[str]) -> Blocks:
    """Names of the blocks that tags are in; tags are "group:name"."""
    pairs = [tag.partition(":")[::2] for tag in tags]
    exif = any(group in _EXIF_GROUPS and name in _TAGS for group, name in pairs)
    icc = any(group.startswith("ICC") for group, _ in pairs)
    xmp = any(group.startswith("XMP") for group, _ in pairs)
    return frozenset(
        name for name, is_there in zip(NAMES, (exif, icc, xmp), strict=True) if is_there
    )


def _read_by_pillow(path: Path) -> Blocks:
    try:
        with Image.open(path) as image:
            exif, info = image.getexif(), image.info
            names = [*exif, *exif.get_ifd(ExifTags.IFD.Exif)]
    except Exception:  # noqa: BLE001 - a file that cannot be read holds nothing
        return frozenset()
    tags = [f"IFD0:{ExifTags.TAGS.get(name)}" for name in names]
    return _name_blocks([*tags, *(["ICC:"] if "icc_profile" in info else []),
                         *(["XMP:"] if "xmp" in info else [])])  # fmt: skip


NAMES = ("EXIF", "ICC", "XMP")


def count_kept(pairs: Iterable[tuple[Blocks, Blocks, bool]]) -> dict[str, Counter[str]]:
    """Count what became of each kind of block.

    Args:
        pairs: what a source holds, what its result holds, and whether the report has notes on it.
    """
    counts: dict[str, Counter[str]] = {name: Counter() for name in NAMES}
    for source, result, has_notes in pairs:
        for name in source:
            fate = "kept" if name in result else "noted" if has_notes else "lost"
            counts[name][fate] += 1
    return counts
