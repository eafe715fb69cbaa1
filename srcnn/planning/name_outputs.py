"""Names outputs by a template; refuses names that two outputs would share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa

from srcnn.errors import UsageError
from srcnn.geometry import Scale
from srcnn.planning.name_template import NameTemplate
from srcnn.storage.key_columns import encode_keys
from srcnn.text import one_line

_MOST_SHOWN = 5  # collisions


def name_outputs(
    template: NameTemplate, sources: Iterable[str], outputs: Sequence[str], scales: Iterable[Scale]
) -> pa.Array:
    """Name the outputs of images.

    Args:
        template: of the names.
        sources: keys of N images.
        outputs: (N,) their outputs' keys without a template.
        scales: (N,) theirs.

    Returns:
        The keys of the outputs, (N,), as a column.

    Raises:
        UsageError: the template does not fit an image, or two outputs would have one name.
    """
    named = [template.make_key(*each) for each in zip(outputs, scales, strict=True)]
    if len(set(named)) < len(named):
        raise UsageError("\n".join(_describe_collisions(template, list(sources), named)))
    return encode_keys(named)


def _describe_collisions(
    template: NameTemplate, sources: Sequence[str], named: Sequence[str]
) -> list[str]:
    first: dict[str, str] = {}
    lines = []
    for source, name in zip(sources, named, strict=True):
        other = first.setdefault(name, source)
        if other != source:
            lines.append(f"{one_line(other)} and {one_line(source)} would both be {one_line(name)}")
    more = [f"and {len(lines) - _MOST_SHOWN} more"] if len(lines) > _MOST_SHOWN else []
    head = f"name {template.text!r}: outputs would replace each other: put {{stem}} into the name"
    return [f"{head}, and {{folder}} if it names folders", *lines[:_MOST_SHOWN], *more]
