"""What every graph of this project has in common: names, axes, and how it resizes.

The exporters write such graphs, and the check reads them; both use this module.
"""

from __future__ import annotations

from typing import Any

INPUT = "input"
"""Image: (N, 3, H, W) float32, BGR, 0..255."""

FACTOR = "factor"
"""(4,) float32 [1, 1, fh, fw], the factors of height and width. Absent if the factor is fixed."""

QUALITY = "quality"
"""(1,) float32, the JPEG quality of the source, 1 to 100. Optional: an initializer of the same name
gives its default. Absent if the weights do not depend on it."""

CLEAN = 100.0
"""The quality of a source without loss, and the default of the input."""

WORST = 1.0
"""The lowest quality."""

OUTPUT = "output"
"""Image: (N, 3, floor(H x fh), floor(W x fw)) float32, BGR, about 0..255, not clipped."""

STEPS_PER_FACTOR = 16
"""Weights that depend on the factor change in steps of 1/16 of the mean of both axes' factors."""

QUALITY_STEP = 2.5
"""Weights that depend on the quality of a JPEG, 1 to 100, change in steps of this size."""

LUMA = (0.114, 0.587, 0.299)
"""Weights of blue, green and red in luma (ITU-R BT.601, full range)."""

INPUT_AXES = ("N", 3, "H", "W")
OUTPUT_AXES = ("N", 3, "H_out", "W_out")

# torch's `interpolate(mode="bicubic", align_corners=False)` as attributes of ONNX Resize. All are
# written out: some defaults of the specification differ (`half_pixel`, `nearest`), and a reader
# should not need to know them.
RESIZE: dict[str, Any] = {
    "coordinate_transformation_mode": "pytorch_half_pixel",
    "cubic_coeff_a": -0.75,
    "exclude_outside": 0,
    "mode": "cubic",
    # These two have no effect on cubic interpolation.
    "extrapolation_value": 0.0,
    "nearest_mode": "floor",
}
# Attributes that Resize has since opset 18.
RESIZE_SINCE_18: dict[str, Any] = {
    "antialias": 0,
    "keep_aspect_ratio_policy": "stretch",
}


def round_quality(quality: float) -> float:
    """Round a quality to the nearest step, halves to even, within 1 to 100.

    What our graphs compute does not change by it: they round in the same way.

    Args:
        quality: 1 to 100.
    """
    return min(max(round(quality / QUALITY_STEP) * QUALITY_STEP, WORST), CLEAN)


def list_resize_attributes(opset: int) -> dict[str, Any]:
    """Return every attribute of Resize at an opset, with the value that this project uses."""
    return RESIZE if opset < 18 else RESIZE | RESIZE_SINCE_18  # noqa: PLR2004 - see the name
