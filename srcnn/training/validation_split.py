"""Choose the pictures held out for validation, by the hash of each picture's path.

So adding or removing other pictures does not move a picture to the other side, and no list needs
to be saved. Imports no torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

MIN_HELD_OUT = 2
_HASHED = 2**64


def compute_position(key: str) -> float:
    """Hash a key to a number from 0 to 1, uniformly distributed.

    Args:
        key: its path relative to the source's root.
    """
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / _HASHED


def shuffle(keys: Iterable[str]) -> list[str]:
    """Sort keys in a reproducible random order that is independent of the split."""
    return sorted(keys, key=lambda key: (compute_position(f"order of {key}"), key))


def choose_held_out(keys: Sequence[str], share: float) -> set[str]:
    """Choose the keys to hold out, at least two.

    Args:
        keys: of all pictures.
        share: to hold out, 0 to 1.
    """
    ordered = sorted(keys, key=lambda key: (compute_position(key), key))
    below = sum(compute_position(key) < share for key in ordered)
    return set(ordered[: max(below, MIN_HELD_OUT)])
