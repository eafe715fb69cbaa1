"""In a group of processes with little memory, every image is written or refused; none is fatal."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.run_python import Run

GROUPS = Path("/sys/fs/cgroup/memory")  # of version 1, whose groups need no controller enabled
LIMIT_BYTES = 700 * 2**20

LIMITED = """
import os, runpy, sys
from pathlib import Path
Path(sys.argv[1], "cgroup.procs").write_text(str(os.getpid()))
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture
def limited_group() -> Iterator[Path]:
    """A group of processes that are killed if they take more than `LIMIT_BYTES`."""
    group = GROUPS / f"test-{uuid.uuid4().hex}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(LIMIT_BYTES))
    except OSError as error:
        pytest.skip(f"no memory cgroup of version 1 can be made here: {error}")
    yield group
    group.rmdir()


@pytest.mark.timeout(240)
def test_a_batch_of_deep_pictures_is_written_or_refused(
    run: Run, tmp_path: Path, limited_group: Path
) -> None:
    folder = tmp_path / "deep"
    folder.mkdir()
    for name, height in (("small", 600), ("other", 600), ("large", 3000)):
        y, x = np.mgrid[:height, : 4 * height // 3]
        grey = ((x // 8 + y // 8) % 256).astype(np.uint16)
        deep = np.dstack([grey, grey[::-1], grey[:, ::-1], grey | 1]) << 4
        flags = [cv2.IMWRITE_AVIF_DEPTH, 12, cv2.IMWRITE_AVIF_SPEED, 10]
        (folder / f"{name}.avif").write_bytes(cv2.imencode(".avif", deep, flags)[1].tobytes())
        cv2.imwrite(str(folder / f"{name}.png"), deep << 4)
        head = f"P6 {deep.shape[1]} {height} 1000\n".encode()
        samples = np.minimum(deep[:, :, :3], 1000).astype(">u2")
        (folder / f"{name}.ppm").write_bytes(head + samples.tobytes())
    done = run("-c", LIMITED, limited_group, "flows/upscale.py", "--src", folder, "--scale", "1.01")
    assert done.returncode == 1, done.stderr[-2000:]
    assert "9 images: 6 written" in done.stderr
    assert done.stderr.count("ImageTooLarge: it takes up to") == 3
    written = {path.name for path in (tmp_path / "deep-upscaled").iterdir() if path.is_file()}
    assert written == {
        f"{name}.{kind}" for name in ("small", "other") for kind in ("avif", "png", "ppm")
    }
