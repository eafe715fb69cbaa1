"""Where training computes: the device, moving values to it, and PyTorch's own threads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from srcnn.errors import UsageError
from srcnn.training.training_spec import Device


def check_device(device: Device) -> None:
    """Check that a device exists.

    Raises:
        UsageError: it is CUDA, and there is none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: PyTorch finds no CUDA device; give --device cpu or auto")


def choose_device(device: Device) -> torch.device:
    """Return PyTorch's device; `auto` is CUDA if available, otherwise the CPU."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)


def move_to(value: Any, device: torch.device) -> Any:
    """Move all tensors in nested lists and dictionaries to a device."""
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, list):
        return [move_to(item, device) for item in value]
    if isinstance(value, dict):
        return {key: move_to(item, device) for key, item in value.items()}
    return value


@contextlib.contextmanager
def limit_torch_to_one_thread() -> Iterator[None]:
    """Run the body with one PyTorch thread per operation: our own threads compute in parallel."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
