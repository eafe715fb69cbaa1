"""Mark the images that have a source in common, or may have the same bytes as another.

By what the plan knows of them. A run without such images pays nothing later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from srcnn.image_task import ImageTask


def mark_repeats(tasks: Iterable[ImageTask]) -> list[ImageTask]:
    """Mark tasks of one source, and those whose files have one size and are processed alike.

    Args:
        tasks: of a run.
    """
    found = list(tasks)
    kinds = Counter(map(_get_kind, found))
    sources = Counter(task.source for task in found)
    return [
        _mark(task, may_repeat=kinds[_get_kind(task)] > 1, is_shared=sources[task.source] > 1)
        for task in found
    ]


def _mark(task: ImageTask, *, may_repeat: bool, is_shared: bool) -> ImageTask:
    if not may_repeat and not is_shared:
        return task
    return replace(task, may_repeat=may_repeat, is_shared=is_shared)


def _get_kind(task: ImageTask) -> tuple[int, tuple[object, ...]]:
    return task.info.size, task.treatment
