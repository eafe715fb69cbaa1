"""The form of a checkpoint: the shapes that it must have, and what does not fit them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from srcnn.export.srcnn_network import ANCHORS, CHANNELS, QUALITIES, Srcnn
from srcnn.geometry import MIN_FACTOR
from srcnn.graphs.graph_format import CLEAN

_MAX_ANCHORS = 256  # sixteenths from 1 to 16
_MAX_NETWORKS = 1024  # of all factors and qualities: 28 MB for luma


def list_wanted_shapes(found: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of one network, or of a bank if the checkpoint looks like one.

    Args:
        found: values by parameter name.
    """
    first = found.get("conv1.weight")
    is_luma = isinstance(first, torch.Tensor) and first.shape[-3:-2] == (1,)
    network = Srcnn(1 if is_luma else CHANNELS)
    single = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    counts = _count_anchors(found, len(single["conv1.weight"]))
    shapes: dict[str, tuple[int, ...]] = {key: (count,) for key, count in counts.items()}
    return shapes | {key: (*counts.values(), *shape) for key, shape in single.items()}


def _count_anchors(found: Mapping[str, Any], rank: int) -> dict[str, int]:
    """Count the anchors of each axis that the checkpoint has, by their key.

    Args:
        found: the checkpoint.
        rank: of the weights of a single convolution.
    """
    first = found.get("conv1.weight")
    shape = tuple(first.shape) if isinstance(first, torch.Tensor) else ()
    counts: dict[str, int] = {}
    for axis, key in enumerate((ANCHORS, QUALITIES)):
        value = found.get(key)
        if isinstance(value, torch.Tensor) and value.ndim == 1:
            counts[key] = len(value)
        elif len(shape) > rank + axis:
            counts[key] = shape[axis]
        else:
            break  # no second axis without the first
    return counts


def list_problems(
    found: Mapping[str, Any], wanted: Mapping[str, tuple[int, ...]], names: Mapping[str, str]
) -> list[str]:
    """Name every missing and unexpected key, every wrong shape, and wrong anchors.

    Args:
        found: values by parameter name.
        wanted: from `list_wanted_shapes`.
        names: the file's own name of each value that was found.
    """
    problems = [
        *(f"missing {key} {shape}" for key, shape in wanted.items() if key not in found),
        *(
            f"unexpected {names[key]} {_format_shape(found[key])}"
            for key in found
            if key not in wanted
        ),
        *(
            f"{names[key]}: {problem}"
            for key in wanted
            if key in found and (problem := _find_problem(key, found[key], wanted[key]))
        ),
        _find_number_problem(wanted),
    ]
    return [problem for problem in problems if problem]


def _find_problem(key: str, found: Any, wanted: tuple[int, ...]) -> str:
    if not isinstance(found, torch.Tensor) or tuple(found.shape) != wanted:
        return f"expected {wanted}, got {_format_shape(found)}"
    if not _is_stored(found):
        return "expected stored numbers, got a sparse or expanded tensor"
    if not found.is_floating_point():
        return f"expected floating point numbers, got {found.dtype}"
    if not torch.isfinite(found).all():
        return "expected finite numbers, got NaN or infinity"
    find = {ANCHORS: _find_anchor_problem, QUALITIES: _find_quality_problem}.get(key)
    return find(found.to(torch.float32)) if find else ""


def _is_stored(tensor: torch.Tensor) -> bool:
    """Whether the file has all numbers: a few bytes can say that one number is there often."""
    if tensor.layout is not torch.strided or tensor.device.type != "cpu":
        return False
    return tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()


def _find_anchor_problem(anchors: torch.Tensor) -> str:
    if len(anchors) > _MAX_ANCHORS:
        return f"expected up to {_MAX_ANCHORS} factors, got {len(anchors)}"
    if len(anchors) > 1 and anchors[0] >= MIN_FACTOR and bool((anchors.diff() > 0).all()):
        return ""
    return (
        f"expected two factors or more, ascending, from {MIN_FACTOR} up, "
        f"got {[round(anchor, 4) for anchor in anchors.tolist()]}"
    )


def _find_number_problem(wanted: Mapping[str, tuple[int, ...]]) -> str:
    """Refuse a bank of very many networks."""
    axes = {key: wanted[key][0] for key in (ANCHORS, QUALITIES) if key in wanted}
    if math.prod(axes.values()) <= _MAX_NETWORKS:
        return ""
    found = " and ".join(f"{count} {key}" for key, count in axes.items())
    return f"expected up to {_MAX_NETWORKS} networks, got {found}"


def _find_quality_problem(qualities: torch.Tensor) -> str:
    is_ascending = len(qualities) > 1 and bool((qualities.diff() > 0).all())
    if is_ascending and qualities[0] >= 1 and qualities[-1] == CLEAN:
        return ""
    return (
        f"expected two qualities or more, ascending, from 1 to exactly {CLEAN:g}, "
        f"which is without loss, got {[round(quality, 4) for quality in qualities.tolist()]}"
    )


def _format_shape(value: Any) -> str:
    return str(tuple(value.shape)) if isinstance(value, torch.Tensor) else type(value).__name__
