"""Which pictures are held out for validation: by the hash of each one's path.

So a picture stays on its side whatever comes and goes beside it, and no list has to be kept.
Imports no torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

FEWEST_HELD_OUT = 2
_HASHED = 2**64


def position(key: str) -> float:
    """Where a picture lies among all, 0 to 1, evenly spread.

    Args:
        key: its path relative to the source's root.
    """
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / _HASHED


def shuffled(keys: Iterable[str]) -> list[str]:
    """The keys in an order that is always the same, and has nothing to do with the split."""
    return sorted(keys, key=lambda key: (position(f"order of {key}"), key))


def held_out(keys: Sequence[str], share: float) -> set[str]:
    """The keys that are held out; of a handful of pictures, two at least.

    Args:
        keys: of all pictures.
        share: of all that is to be held out, 0 to 1.
    """
    ordered = sorted(keys, key=lambda key: (position(key), key))
    below = sum(position(key) < share for key in ordered)
    return set(ordered[: max(below, FEWEST_HELD_OUT)])
