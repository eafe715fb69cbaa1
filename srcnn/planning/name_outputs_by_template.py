"""Names outputs by templates; refuses names that two outputs would share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa

from srcnn.errors import UsageError
from srcnn.geometry import Scale
from srcnn.planning.name_template import NameTemplate
from srcnn.printable_text import one_line
from srcnn.storage.key_columns import encode_keys

_MOST_SHOWN = 5  # collisions


def name_outputs(
    sources: Iterable[str],
    outputs: Sequence[str],
    asked: Iterable[tuple[NameTemplate | None, Scale]],
) -> pa.Array:
    """Name the outputs of images.

    Args:
        sources: keys of N images; one of several outputs comes as many times.
        outputs: (N,) the outputs' keys without a template.
        asked: (N,) the template and the scale of each; no template to leave the key as it is.

    Returns:
        The keys of the outputs, (N,), as a column.

    Raises:
        UsageError: a template does not fit an image, or two outputs would have one name.
    """
    wanted = list(asked)
    named = [
        template.make_key(key, scale) if template else key
        for key, (template, scale) in zip(outputs, wanted, strict=True)
    ]
    if len(set(named)) < len(named):
        templates = [template for template, _ in wanted]
        raise UsageError("\n".join(_describe_collisions(list(sources), named, templates)))
    return encode_keys(named)


def _describe_collisions(
    sources: Sequence[str], named: Sequence[str], templates: Sequence[NameTemplate | None]
) -> list[str]:
    first: dict[str, int] = {}
    lines = []
    for index, name in enumerate(named):
        other = first.setdefault(name, index)
        if other != index:
            both = [(one_line(sources[each]), templates[each]) for each in (other, index)]
            lines.append(f"{_describe_two(*both)} would both be {one_line(name)}")
    more = [f"and {len(lines) - _MOST_SHOWN} more"] if len(lines) > _MOST_SHOWN else []
    head = "outputs would replace each other: put {stem} into their names, and {folder} if they "
    return [f"{head}name folders", *lines[:_MOST_SHOWN], *more]


def _describe_two(
    first: tuple[str, NameTemplate | None], second: tuple[str, NameTemplate | None]
) -> str:
    (source, template), (other, another) = first, second
    names = [f"the name {each.text!r}" if each else "no name" for each in (template, another)]
    if template == another:
        return f"{source} and {other} with {names[0]}"
    return f"{source} with {names[0]} and {other} with {names[1]}"
