"""Mark the images that may have the same bytes as another, by what the plan knows of them.

Only their files are compared later: a run without such images pays nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from srcnn.image_task import ImageTask


def mark_repeats(tasks: Iterable[ImageTask]) -> list[ImageTask]:
    """Mark the tasks whose files have one size, and which are to be processed alike.

    Args:
        tasks: of a run.
    """
    found = list(tasks)
    counts = Counter(map(_get_kind, found))
    return [
        replace(task, may_repeat=True) if counts[_get_kind(task)] > 1 else task for task in found
    ]


def _get_kind(task: ImageTask) -> tuple[int, tuple[object, ...]]:
    return task.info.size, task.treatment
