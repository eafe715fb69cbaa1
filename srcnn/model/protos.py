"""Find messages of a kind anywhere inside an ONNX file.

Messages are protobuf's; its classes have no types.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import onnx

M = TypeVar("M")


def find_messages(root: Any, kind: type[M]) -> Iterator[M]:
    """Find every message of a kind, however deep: in attributes, subgraphs and functions too.

    The fields are taken from the format's own description, so that none is forgotten. The parser
    refuses a file whose messages are nested more than a hundred deep.
    """
    waiting: list[Any] = [root]
    while waiting:
        message = waiting.pop()
        if isinstance(message, kind):
            yield message
        if isinstance(message, onnx.TensorProto):  # a leaf, whose values would be copied
            continue
        for field, value in message.ListFields():
            if field.message_type is None:
                continue
            waiting.extend([value] if hasattr(value, "ListFields") else value)  # one, or a list
