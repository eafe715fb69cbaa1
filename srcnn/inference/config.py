"""How a model is run."""

from __future__ import annotations

from dataclasses import dataclass

from srcnn.runtime.cores import count_usable_cores
from srcnn.runtime.onnx_session import Precision, Provider

DEFAULT_TILE_PX = 192


@dataclass(frozen=True)
class InferenceConfig:
    """How a model is run, whatever it is.

    Attributes:
        provider: ONNX Runtime's execution provider.
        precision: `exact` computes in float32, `fast` in bfloat16 from factor 3 on.
        threads: that compute; 0 for the cores that the process may use.
        tile_px: side of the tiles that pictures are computed in.
    """

    provider: Provider = "auto"
    precision: Precision = "exact"
    threads: int = 0
    tile_px: int = DEFAULT_TILE_PX

    @property
    def thread_count(self) -> int:
        """`threads`, or the cores that the process may use."""
        return self.threads or count_usable_cores()
