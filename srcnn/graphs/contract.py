"""What every graph of this project promises: names, axes, and how it resizes.

Shared by the exporters, which make such graphs, and by the check, which reads
them. Knows neither.
"""

from __future__ import annotations

from typing import Any

INPUT = "input"
"""Image: (N, 3, H, W) float32, BGR, 0..255."""

FACTOR = "factor"
"""(4,) float32 [1, 1, fh, fw], the factors of height and width. Absent at a fixed factor."""

OUTPUT = "output"
"""Image: (N, 3, floor(H x fh), floor(W x fw)) float32, BGR, about 0..255, not clipped."""

STEPS_PER_FACTOR = 16
"""Weights that follow the factor do so in steps of a sixteenth of the mean of height and width."""

INPUT_AXES = ("N", 3, "H", "W")
OUTPUT_AXES = ("N", 3, "H_out", "W_out")

# torch's `interpolate(mode="bicubic", align_corners=False)`, in the words of the ONNX
# specification of Resize. All are written out: the specification's defaults have other values
# (`half_pixel`, `nearest`), and a reader should not need to know them.
RESIZE: dict[str, Any] = {
    "coordinate_transformation_mode": "pytorch_half_pixel",
    "cubic_coeff_a": -0.75,
    "exclude_outside": 0,
    "mode": "cubic",
    # Without effect on cubic interpolation inside the image.
    "extrapolation_value": 0.0,
    "nearest_mode": "floor",
}
# Attributes that Resize has had since opset 18.
RESIZE_SINCE_18: dict[str, Any] = {
    "antialias": 0,
    "keep_aspect_ratio_policy": "stretch",
}


def resize_attributes(opset: int) -> dict[str, Any]:
    """Every attribute of Resize at an opset, with the value that this project gives it."""
    return RESIZE if opset < 18 else RESIZE | RESIZE_SINCE_18  # noqa: PLR2004 - said above
