"""How a model is run."""

from __future__ import annotations

from dataclasses import dataclass

from srcnn.runtime.cores import count_usable_cores, measure_tile_memory
from srcnn.runtime.onnx_session import Provider

DEFAULT_TILE_PX = 192


@dataclass(frozen=True)
class InferenceConfig:
    """How a model is run, whatever it is.

    Attributes:
        provider: ONNX Runtime's execution provider.
        threads: that compute; 0 for the cores that the process may use.
        tile_px: side of the tiles that pictures are computed in.
        tiles_bytes: that the tiles of a graph of any form may take together; 0 for a quarter of
            the memory that the process may use, or less if that is little.
    """

    provider: Provider = "auto"
    threads: int = 0
    tile_px: int = DEFAULT_TILE_PX
    tiles_bytes: int = 0

    @property
    def thread_count(self) -> int:
        """`threads`, or the cores that the process may use."""
        return self.threads or count_usable_cores()

    @property
    def budget_bytes(self) -> int:
        """`tiles_bytes`, or what `measure_tile_memory` finds."""
        return self.tiles_bytes or measure_tile_memory()
