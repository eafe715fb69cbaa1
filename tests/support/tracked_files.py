"""The files of the project, as git knows them."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.paths import ROOT


def list_tracked_files() -> list[str]:
    """List the files that git tracks, or would: paths from the project's root."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    return subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],  # noqa: S607 - git, wherever it is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
