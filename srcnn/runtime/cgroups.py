"""Limits that Linux sets on groups of processes: containers, services, batch systems.

A process is in one group of version 2's hierarchy, or in one of each controller of version 1,
or both; the limits of a group hold for all below it.
https://docs.kernel.org/admin-guide/cgroup-v2.html
https://docs.kernel.org/admin-guide/cgroup-v1/cgroups.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

ROOT = Path("/")
_ESCAPED = re.compile(r"\\([0-7]{3})")  # how mountinfo writes a blank


class _Mount(NamedTuple):
    """Where a hierarchy is seen.

    Attributes:
        top: the group that stands at its place.
        place: a folder, as the process sees it.
        is_v2: of version 2.
        options: with the controllers of version 1.
    """

    top: PurePosixPath
    place: PurePosixPath
    is_v2: bool
    options: list[str]


def group_values(controller: str, *names: str, root: Path = ROOT) -> Iterator[list[str]]:
    """What files say in each of this process's groups: its own, and those above.

    Args:
        controller: `cpu` or `memory`.
        names: of files; a group that lacks one of them says nothing.
        root: where the system's files are.
    """
    for folder in _folders(controller, root):
        values = [_read(folder / name).strip() for name in names]
        if all(values):
            yield values


def _folders(controller: str, root: Path) -> Iterator[Path]:
    groups = _own_groups(_read(root / "proc/self/cgroup"))
    for mount in _mounts(_read(root / "proc/self/mountinfo")):
        if not mount.is_v2 and controller not in mount.options:
            continue
        group = groups.get("" if mount.is_v2 else controller)
        if group is not None:
            yield from _upwards(group, mount, root)


def _upwards(group: PurePosixPath, mount: _Mount, root: Path) -> Iterator[Path]:
    """The group's folder and those above it, as far as they are seen from here."""
    try:
        below = group.relative_to(mount.top)
    except ValueError:  # a container that sees its own group, and no names of those above
        below = PurePosixPath()
    if ".." in below.parts:  # it was moved out of what the container sees
        below = PurePosixPath()
    for part in (below, *below.parents):
        yield root / mount.place.relative_to("/") / part


def _own_groups(content: str) -> dict[str, PurePosixPath]:
    """This process's group by controller; version 2's by the empty name."""
    found: dict[str, PurePosixPath] = {}
    for line in content.splitlines():
        _, controllers, path = line.split(":", 2)
        found.update(dict.fromkeys(controllers.split(","), PurePosixPath(path)))
    return found


def _mounts(content: str) -> Iterator[_Mount]:
    for line in content.splitlines():
        seen, _, source = line.partition(" - ")
        kind, _, options = source.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            top, place = (_plain(text) for text in seen.split(" ")[3:5])
            yield _Mount(top, place, kind == "cgroup2", options.split(","))


def _plain(text: str) -> PurePosixPath:
    return PurePosixPath(_ESCAPED.sub(lambda found: chr(int(found[1], 8)), text))


def _read(path: Path) -> str:
    """A file's text; nothing where it is not, or not for us to see."""
    try:
        return path.read_text()
    except OSError:
        return ""
