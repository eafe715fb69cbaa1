"""The results of images as JSON, a line each, as reports have them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from functools import lru_cache
from heapq import merge
from typing import Any

from srcnn.image_results import ImageResults, build_result, list_columns
from srcnn.image_task import ImageResult
from srcnn.source_quality import is_clean

_KINDS_KEPT = 10_000  # sizes of images up to date, whose part of a line is kept


def result_fields(result: ImageResult) -> dict[str, Any]:
    """Return the fields of an image's result, as the report has them."""
    error, info = result.error, result.source_info
    fields = {
        "source": result.source,
        "output": result.output,
        "status": result.status,
        "scale": result.scale,
        "size_in": result.size_in,
        "size_out": result.size_out,
        "quality": None if is_clean(result.quality) else result.quality,
        "seconds": round(result.seconds, 3),
        "error": {"type": error.type, "message": error.message} if error else None,
        "notes": list(result.notes),
    }
    if error:
        fields |= {"known": result.known, "source_info": asdict(info) if info else None}
    return fields


def format_lines(images: ImageResults) -> Iterator[str]:
    """Yield a line of JSON for each image, by source.

    Args:
        images: of a run.
    """
    others = ((each.source, json.dumps(result_fields(each))) for each in images.others)
    for _, line in merge(others, _format_up_to_date(images), key=lambda item: item[0]):
        yield line


def _format_up_to_date(images: ImageResults) -> Iterator[tuple[str, str]]:
    """Yield source and line: all but the names is the same for images of one size."""

    @lru_cache(_KINDS_KEPT)
    def format_rest(*values: Any) -> str:
        fields = result_fields(build_result("", "", *values))
        rest = {name: fields[name] for name in fields if name not in {"source", "output"}}
        return json.dumps(rest).removeprefix("{")

    quote = json.encoder.encode_basestring_ascii
    for chunk in images.list_chunks():
        for source, output, *values in zip(*list_columns(chunk), strict=True):
            line = f'{{"source": {quote(source)}, "output": {quote(output)}, '
            yield source, line + format_rest(*values)
