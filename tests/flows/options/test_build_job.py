"""What a run needs beyond its options is missed before any work."""

import subprocess
import sys
from pathlib import Path

from tests.support.image_files import save
from tests.support.paths import ROOT

WITHOUT = """
import sys
sys.modules["OpenImageIO"] = None
sys.argv = ["srcnn", "upscale", *sys.argv[1:]]
from flows.main import main
sys.exit(main())
"""


def test_jpeg_xl_without_its_packages_ends_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(save("PNG"))
    options = ["--src", tmp_path / "in", "--dst", tmp_path / "out", "--format", "jxl", "--no-track"]
    command = [sys.executable, "-c", WITHOUT, *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 2, done.stderr
    assert "error: --format jxl needs OpenImageIO, which is not installed: pip" in done.stderr
    assert not (tmp_path / "out").exists()
