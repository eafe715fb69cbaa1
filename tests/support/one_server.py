"""Distribute files of tests over processes, those that need one slow server to one process."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

# They share the fixture `deployment`: its server and worker take most of a minute of a core to
# start, in each process that has one of these files.
_DEPLOYMENT = frozenset(
    f"tests/end_to_end/test_{name}.py" for name in ("alerts", "deployment", "schedules", "secrets")
)


class OneServer(LoadFileScheduling):
    """Each file goes to one process, and files of the same server to the same."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "deployment" if file in _DEPLOYMENT else file
