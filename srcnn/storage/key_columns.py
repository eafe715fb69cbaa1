"""Keys of many files as a column of bytes, a tenth of what Python's texts take.

Bytes, because names on disks need not be valid UTF-8.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

KEY_TYPE = pa.large_binary()


def encode_key(key: str) -> bytes:
    """Return the bytes of a key."""
    return key.encode("utf-8", "surrogateescape")


def decode_key(encoded: bytes) -> str:
    """Return the key of bytes from `encode_key`."""
    return encoded.decode("utf-8", "surrogateescape")


def encode_keys(keys: Sequence[str]) -> pa.Array:
    """Return a column of the keys.

    Raises:
        UnicodeEncodeError: no file can have such a key: it has half of a surrogate pair.
    """
    try:
        return pa.array(keys, pa.large_string()).cast(KEY_TYPE)
    except UnicodeEncodeError:
        return pa.array([encode_key(key) for key in keys], KEY_TYPE)


def decode_keys(column: pa.Array) -> list[str]:
    """Return the keys of a column from `encode_keys`."""
    try:
        keys: list[str] = column.cast(pa.large_string()).to_pylist()
    except pa.ArrowInvalid:
        return [decode_key(encoded) for encoded in column.to_pylist()]
    return keys
