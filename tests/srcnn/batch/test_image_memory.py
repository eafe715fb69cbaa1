"""What an image may take of the memory of its process."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from srcnn.batch.image_memory import check_memory, estimate_peak_bytes
from srcnn.batch.resources import create_resources
from srcnn.errors import ImageTooLargeError
from srcnn.geometry import Size
from srcnn.image_task import ImageTask
from srcnn.inference.config import InferenceConfig
from srcnn.inference.upscaler import Upscaler
from srcnn.job import ResourceLimits
from srcnn.model.model_file import Model
from srcnn.parse_scale import parse_scale
from srcnn.runtime.cores import measure_image_memory
from srcnn.storage.file_table import FileInfo


def make_task(side: int) -> ImageTask:
    size = Size(side, side)
    return ImageTask("a.png", "a.png", parse_scale("1"), FileInfo(0, ""), size, size)


def test_the_encoder_of_avif_is_counted() -> None:
    """It takes up to 40 bytes for each pixel of the result, which lies beside it."""
    task = make_task(1000)
    png, avif = (replace(task, output=f"a.{kind}") for kind in ("png", "avif"))
    assert estimate_peak_bytes(avif) == (8 + 40) * 1000**2
    assert estimate_peak_bytes(png) == 20 * 1000**2


def test_the_encoder_of_jpeg_xl_is_counted() -> None:
    """It takes up to 39 bytes for each opaque pixel of 8 bits, and 70 for one of 16 with alpha."""
    task = replace(make_task(1000), output="a.jxl")
    assert estimate_peak_bytes(replace(task, pixel_bytes=3)) == (3 + 47) * 1000**2
    assert estimate_peak_bytes(replace(task, pixel_bytes=8)) == (8 + 72) * 1000**2


def test_the_pixels_of_a_source_that_is_made_smaller_are_counted() -> None:
    task = replace(make_task(1000), size_out=Size(100, 100))
    assert task.is_shrunk
    assert estimate_peak_bytes(task) == 8 * (1000**2 + 100**2)


def test_tiles_of_another_model_leave_less_memory_for_an_image(make_graph: Any) -> None:
    tiles_bytes = measure_image_memory() * 3 // 4
    config = InferenceConfig("cpu", threads=1, tiles_bytes=tiles_bytes)
    limits = ResourceLimits(buffer_bytes=1_000_000)
    model = Model("other.onnx", make_graph(), "")
    other = create_resources(Upscaler.from_model(model, config), 1, limits)
    own = create_resources(Upscaler.load(), 1, limits)
    # Source and result take half of what an image may take without tiles.
    side = int((measure_image_memory() / 4 / 8) ** 0.5)
    check_memory(make_task(side), own)
    with pytest.raises(ImageTooLargeError, match="lower SRCNN_TILES_MEGABYTES"):
        check_memory(make_task(side), other)
    check_memory(make_task(100), other)
