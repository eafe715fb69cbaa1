"""The report's fields of an image."""

from __future__ import annotations

import json

import pytest

from srcnn.geometry import Size
from srcnn.image_task import ImageResult
from srcnn.reporting.result_lines import result_fields


@pytest.mark.parametrize(
    ("quality", "shown"), [(1, 1), (62.3, 62.3), (98.7, 98.7), (98.75, None), (100, None)]
)
def test_the_quality_of_a_source_without_loss_is_null(quality: float, shown: float | None) -> None:
    size = Size(4, 6)
    result = ImageResult("a.jpg", "a.jpg", "written", (1, 1), size, size, quality=quality)
    assert json.loads(json.dumps(result_fields(result)))["quality"] == shown
