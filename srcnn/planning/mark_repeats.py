"""Mark the images that may have the same bytes as another, by what the plan knows of them.

Only their files are compared later: a run without such images pays nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from srcnn.image_task import ImageTask


def mark_repeats(tasks: Iterable[ImageTask]) -> list[ImageTask]:
    """Mark the tasks whose files have one size, and which are to be processed alike.

    Args:
        tasks: of a run.
    """
    found: Sequence[ImageTask] = list(tasks)
    kinds = [(task.info.size, task.treatment) for task in found]
    counts = Counter(kinds)
    return [
        replace(task, may_repeat=True) if counts[kind] > 1 else task
        for task, kind in zip(found, kinds, strict=True)
    ]
