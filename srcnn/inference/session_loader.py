"""Choose how the engine's graphs are loaded, by provider and precision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from srcnn.errors import UsageError
from srcnn.inference.engine.bfloat16 import check_fast, load_fast
from srcnn.runtime.onnx_session import (
    Precision,
    Provider,
    Run,
    choose_providers,
    make_run,
    make_session,
)


@dataclass(frozen=True)
class SessionLoader:
    """Loads the engine's graphs.

    Attributes:
        load: loads an ONNX file.
        keeps_tile_memory: whether each loaded graph keeps the memory of a tile between runs.
    """

    load: Callable[[bytes], Run]
    keeps_tile_memory: bool


def check_available(provider: Provider, precision: Precision) -> None:
    """Check that a provider and a precision are available, and can be combined.

    Args:
        provider: execution provider of ONNX Runtime.
        precision: `exact` is float32 in ONNX Runtime, `fast` is bfloat16 in OpenVINO.

    Raises:
        UsageError: one is not available, or `fast` cannot be combined with the provider.
    """
    if precision == "fast" and provider not in ("auto", "cpu"):
        raise UsageError(
            f"--precision fast computes on the processor, through OpenVINO: leave out "
            f"--provider {provider}, or use --precision exact"
        )
    choose_providers(provider)
    if precision == "fast":
        check_fast()


def choose_loaders(
    provider: Provider, precision: Precision
) -> tuple[SessionLoader, SessionLoader | None]:
    """Choose the loaders for a provider and a precision.

    Returns:
        The loader of float32, and that of bfloat16; None unless `fast` is asked for.

    Raises:
        UsageError: see `check_available`.
    """
    check_available(provider, precision)
    exact = SessionLoader(
        lambda content: make_run(make_session(content, provider, is_small=True)),
        keeps_tile_memory=False,  # all sessions of ONNX Runtime share their memory
    )
    fast = SessionLoader(load_fast, keeps_tile_memory=True) if precision == "fast" else None
    return exact, fast
