"""Which images are skipped: by the ledger and by the files, never by one of them alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from srcnn.destination.records import Record, RecordTable, to_table
from srcnn.geometry import Size
from srcnn.image_results import ImageResults
from srcnn.image_task import ImageResult
from srcnn.images.colour import Colour
from srcnn.inference.config import InferenceConfig
from srcnn.job import Job, OutputOptions
from srcnn.parse_scale import parse_scale
from srcnn.planning.scales_file import Resolved
from srcnn.planning.select_images import Overwrite, RequestedImage, RequestedImages
from srcnn.planning.up_to_date import Comparison, find_up_to_date
from srcnn.source_quality import parse_source_quality
from srcnn.storage.file_table import FileInfo, FileTable
from srcnn.storage.key_columns import encode_keys
from tests.support.jobs import make_job, open_bundled

SOURCE, OUTPUT = FileInfo(10, "source"), FileInfo(20, "output")
IMAGE = RequestedImage("a.png", "a.jpg", SOURCE, parse_scale("2"))
SKIPPED = ImageResult("a.png", "a.jpg", "skipped", (2.0, 2.0), Size(4, 6), Size(8, 12))


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return make_job(tmp_path)


def record(job: Job, **changes: Any) -> Record:
    made = Record(
        output=IMAGE.output,
        source=IMAGE.source,
        source_info=SOURCE,
        output_info=OUTPUT,
        scale="2",
        options=job.digest_options(IMAGE.output),
        model=job.model.sha256,
        size_in=Size(4, 6),
        size_out=Size(8, 12),
    )
    return replace(made, **changes)


def skip(  # noqa: PLR0913 - each has a default
    job: Job,
    known: Record | None,
    found: FileInfo | None = OUTPUT,
    overwrite: Overwrite = "changed",
    image: RequestedImage = IMAGE,
    *,
    may_shrink: bool = False,
) -> ImageResult | None:
    comparison = compare(job, known, found, image, may_shrink=may_shrink)
    is_skipped, table = find_up_to_date(comparison, overwrite)
    results = list(ImageResults(up_to_date=table))
    assert len(results) == is_skipped.sum()
    return next(iter(results), None)


def compare(
    job: Job,
    known: Record | None,
    found: FileInfo | None = OUTPUT,
    image: RequestedImage = IMAGE,
    *,
    may_shrink: bool = False,
) -> Comparison:
    """Compare one image, between others that have neither outputs nor records, or only one."""
    others = {"A.png": SOURCE, "z.png": SOURCE}
    files = FileTable.of({**others, image.source: image.info})
    outputs = encode_keys(["A.jpg", image.output, "z.jpg"])
    resolved = [Resolved(parse_scale("7"), image.quality), Resolved(image.scale, image.quality)]
    images = RequestedImages(files, outputs, np.array([0, 1, 0], np.int32), resolved)
    existing = FileTable.of({"b.jpg": OUTPUT} | ({image.output: found} if found else {}))
    before = replace(known, output="A.jpg") if known else None
    records = RecordTable(to_table(filter(None, [before, known])))
    return Comparison(job, images, existing, records, may_shrink=may_shrink)


def follow_quality(job: Job, name: str | None = "quality") -> Job:
    """The job with a model whose weights follow the quality of the source, or do not."""
    graph = replace(job.model.graph, quality=name)
    return replace(job, model=replace(job.model, graph=graph))


def test_what_the_job_would_make_again_is_skipped_with_its_sizes(job: Job) -> None:
    assert skip(job, record(job)) == SKIPPED


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "b.png"},
        {"source_info": FileInfo(11, "source")},
        {"source_info": FileInfo(10, "newer")},
        {"output_info": FileInfo(20, "another")},
        {"scale": "2.5"},
        {"options": "0" * 16},
        {"model": "0" * 64},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_anything_that_differs_from_the_record_is_processed_again(
    job: Job, changes: dict[str, Any]
) -> None:
    assert skip(job, record(job, **changes)) is None


@pytest.mark.parametrize(
    ("quality", "file_quality", "wanted", "current"),
    [
        (100, 100, "auto", True),
        (100, 100, "clean", True),
        (100, 100, "75", False),
        (75, 75, "auto", True),
        (75, 75, "75", True),
        (75, 75, "clean", False),
        (75, 75, "76", False),
        (60, 75, "60", True),
        (60, 75, "auto", False),
        (62.3, 62.3, "auto", True),
    ],
)
def test_another_quality_makes_an_image_again_if_the_model_follows_it(
    job: Job,
    quality: float,
    file_quality: float,
    wanted: str,
    current: bool,  # noqa: FBT001 - parametrized
) -> None:
    image = replace(IMAGE, quality=parse_source_quality(wanted))
    made = record(job, quality=quality, file_quality=file_quality)
    found = replace(SKIPPED, quality=quality)
    assert skip(follow_quality(job), made, image=image) == (found if current else None)
    assert skip(follow_quality(job, None), made, image=image) == found


def test_a_copy_is_the_same_at_every_quality(job: Job) -> None:
    image = replace(IMAGE, scale=parse_scale("width=6"), quality=parse_source_quality("30"))
    made = record(job, scale="width=6", size_out=Size(4, 6), file_quality=75)
    assert skip(follow_quality(job), made, image=image) is not None
    larger = record(job, scale="width=12")
    image = replace(image, scale=parse_scale("width=12"))
    assert skip(follow_quality(job), larger, image=image) is None


def test_an_image_above_its_target_is_made_again_if_it_is_to_be_smaller_or_no_longer(
    job: Job,
) -> None:
    image = replace(IMAGE, scale=parse_scale("width=3"))
    copied = record(job, scale="width=3", size_out=Size(4, 6))
    smaller = record(job, scale="width=3", size_out=Size(2, 3))
    for made, may_shrink in ((copied, True), (smaller, False)):
        assert skip(job, made, image=image, may_shrink=may_shrink) is None
        assert skip(job, made, image=image, may_shrink=not may_shrink) is not None


def test_an_image_at_or_below_its_target_is_not_made_again_where_others_are_made_smaller(
    job: Job,
) -> None:
    image = replace(IMAGE, scale=parse_scale("width=6"))
    copied = record(job, scale="width=6", size_out=Size(4, 6))
    assert skip(job, copied, image=image, may_shrink=True) is not None
    assert skip(job, record(job), may_shrink=True) is not None
    same = replace(IMAGE, scale=parse_scale("1"))
    cleaned = record(job, scale="1", size_out=Size(4, 6))
    assert skip(job, cleaned, image=same, may_shrink=True) is not None


def test_nothing_is_proved_by_files_without_a_version(job: Job) -> None:
    unknown = FileInfo(OUTPUT.size, "")
    assert skip(job, record(job, output_info=unknown), unknown) is None
    image = replace(IMAGE, info=FileInfo(SOURCE.size, ""))
    made = record(job, source_info=image.info)
    assert skip(job, made, image=image) is None
    assert skip(job, made, image=image, overwrite="never") == SKIPPED


def test_a_file_without_a_record_and_a_record_without_a_file_prove_nothing(job: Job) -> None:
    assert skip(job, None) is None
    assert skip(job, record(job), found=None) is None


def test_always_and_never(job: Job) -> None:
    assert skip(job, record(job), overwrite="always") is None
    assert skip(job, record(job, scale="3"), overwrite="never") == SKIPPED
    unknown = ImageResult("a.png", "a.jpg", "skipped")
    assert skip(job, None, overwrite="never") == unknown
    assert skip(job, record(job, source="b.png"), overwrite="never") == unknown
    assert skip(job, record(job), found=None, overwrite="never") is None


@pytest.mark.parametrize(
    "changed",
    [
        {"model": replace(open_bundled(), sha256="1" * 64)},
        {"output": OutputOptions(quality=50)},
        {"output": OutputOptions(flatten=Colour(0, 0, 0))},
        {"output": OutputOptions(keep_metadata=False)},
    ],
    ids=str,
)
def test_the_fingerprint_follows_what_shapes_the_output(job: Job, changed: dict[str, Any]) -> None:
    assert compare(job, record(job)).compare_making().tolist() == [True]
    assert compare(replace(job, **changed), record(job)).compare_making().tolist() == [False]


def test_tiles_threads_and_the_default_quality_by_name_do_not_matter(job: Job) -> None:
    same = replace(
        job,
        inference=InferenceConfig(threads=3, tile_px=64, provider="cpu"),
        output=OutputOptions(quality=95),
    )
    assert compare(same, record(job)).compare_making().tolist() == [True]
