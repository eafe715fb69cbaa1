"""What a checkpoint or a graph says of its training, as JSON holds it."""

from typing import Any

TRAINING: dict[str, Any] = {
    "data": "91 photographs",
    "images": 80,
    "validation_images": 11,
    "steps": 5000,
    "seed": 1,
    "hours": 1.5,
    "factors": [2.0, 3.0],
    "started_from": "identity",
    "validation": [
        {
            "factor": "2",
            "psnr_db": 36.0,
            "ssim": 0.95,
            "bicubic_psnr_db": 33.5,
            "bicubic_ssim": 0.93,
        }
    ],
}
