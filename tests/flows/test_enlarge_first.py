"""A run with a model that takes enlarged pictures."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from flows.options.upscale import UpscaleOptions
from flows.upscale import batch_upscale
from srcnn.inference.upscaler import Upscaler
from tests.support.graphs import upscalers


def run(pictures: Path, model: Path, **options: Any) -> str:
    """Upscale cat.png, and return what became of it."""
    report = pictures.parent / "report.json"
    given = UpscaleOptions(
        src=str(pictures), model=str(model), include=["cat.png"], report=str(report), **options
    )
    batch_upscale.fn(given)
    (image,) = json.loads(report.read_text())["images"]
    return str(image["status"])


def test_pictures_are_enlarged_before_the_model(
    pictures: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = pictures.parent / "filter.onnx"
    model.write_bytes(upscalers.export(upscalers.Plain(1)))
    assert run(pictures, model, enlarge_first=True) == "written"
    found = cv2.imread(str(pictures.parent / "pictures-upscaled" / "cat.png"))
    upscaler = Upscaler.load(str(model), enlarge_first=True)
    expected = upscaler(cv2.imread(str(pictures / "cat.png")), 2)
    assert np.array_equal(found, expected)
    assert run(pictures, model, enlarge_first=True) == "skipped"
    caplog.set_level(logging.INFO)
    assert run(pictures, model, scale="2") == "written"
    assert "with --enlarge-first, it is given pictures that are enlarged already" in caplog.text
