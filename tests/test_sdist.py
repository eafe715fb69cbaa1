"""The source distribution holds everything that is tracked, so that its tests run."""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.tracked_files import list_tracked_files


def test_the_sdist_holds_every_tracked_file(tmp_path: Path) -> None:
    tracked = list_tracked_files()
    checkout = tmp_path / "checkout"
    for name in tracked:
        target = checkout / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    build = "import sys; from setuptools.build_meta import build_sdist; build_sdist(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", build, tmp_path], cwd=checkout, check=True, capture_output=True
    )
    (path,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert not set(tracked) - packed
