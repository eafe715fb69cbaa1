"""Read the limits that Linux sets on groups of processes: containers, services, batch jobs.

A process belongs to one group of the version 2 hierarchy, to one group per controller of
version 1, or to both. The limits of a group apply to all groups below it.
https://docs.kernel.org/admin-guide/cgroup-v2.html
https://docs.kernel.org/admin-guide/cgroup-v1/cgroups.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

ROOT = Path("/")
_ESCAPED = re.compile(r"\\([0-7]{3})")  # how mountinfo writes a space


class _Mount(NamedTuple):
    """Where a hierarchy of groups is mounted.

    Attributes:
        top: the group that is mounted at `place`.
        place: the mount point, as the process sees it.
        is_v2: whether the hierarchy is of version 2.
        options: mount options; for version 1 they include the controllers.
    """

    top: PurePosixPath
    place: PurePosixPath
    is_v2: bool
    options: list[str]


def read_group_values(controller: str, *names: str, root: Path = ROOT) -> Iterator[list[str]]:
    """Read files of every group that this process belongs to: its own, and those above.

    Args:
        controller: `cpu` or `memory`.
        names: of the files. A group that lacks one of them is skipped.
        root: root of the file system.

    Yields:
        For each group, the content of the files, in the order of `names`.
    """
    for folder in _find_folders(controller, root):
        values = [_read(folder / name).strip() for name in names]
        if all(values):
            yield values


def _find_folders(controller: str, root: Path) -> Iterator[Path]:
    groups = _parse_own_groups(_read(root / "proc/self/cgroup"))
    for mount in _parse_mounts(_read(root / "proc/self/mountinfo")):
        if not mount.is_v2 and controller not in mount.options:
            continue
        group = groups.get("" if mount.is_v2 else controller)
        if group is not None:
            yield from _list_upwards(group, mount, root)


def _list_upwards(group: PurePosixPath, mount: _Mount, root: Path) -> Iterator[Path]:
    """Return the group's folder and those above it, as far as they are visible to the process."""
    try:
        below = group.relative_to(mount.top)
    except ValueError:  # a container that sees its own group, but not the names of those above
        below = PurePosixPath()
    if ".." in below.parts:  # the process was moved to a group that the container cannot see
        below = PurePosixPath()
    for part in (below, *below.parents):
        yield root / mount.place.relative_to("/") / part


def _parse_own_groups(content: str) -> dict[str, PurePosixPath]:
    """Return the groups of this process by controller; the group of version 2 has an empty name."""
    found: dict[str, PurePosixPath] = {}
    for line in content.splitlines():
        _, controllers, path = line.split(":", 2)
        found.update(dict.fromkeys(controllers.split(","), PurePosixPath(path)))
    return found


def _parse_mounts(content: str) -> Iterator[_Mount]:
    for line in content.splitlines():
        seen, _, source = line.partition(" - ")
        kind, _, options = source.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            top, place = (_unescape(text) for text in seen.split(" ")[3:5])
            yield _Mount(top, place, kind == "cgroup2", options.split(","))


def _unescape(text: str) -> PurePosixPath:
    return PurePosixPath(_ESCAPED.sub(lambda found: chr(int(found[1], 8)), text))


def _read(path: Path) -> str:
    """Return the content of a file; empty if it does not exist or cannot be read."""
    try:
        return path.read_text()
    except OSError:
        return ""
