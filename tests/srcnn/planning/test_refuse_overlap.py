"""No output replaces a source, whatever other names its folder has."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows.options.upscale import UpscaleOptions
from flows.upscale import batch_upscale
from srcnn.destination.lock.acquire import hold
from srcnn.errors import UsageError
from srcnn.planning.refuse_overlap import check_folders, refuse_shared, refuse_shared_folders
from srcnn.storage.file_table import FileInfo, FileTable
from srcnn.storage.folder import Folder
from tests.support.run_python import Run

FILES = FileTable.of(
    dict.fromkeys(
        ("cat.png", "cats/eye.jpg", "cats/more cats/nose [1].webp", "grey.tiff"), FileInfo(1, "1")
    )
)
UNDER_ANOTHER_NAME = "under another name: give another --dst"


@contextmanager
def bind(folder: Path, name: Path) -> Iterator[Path]:
    """Give a folder another name, as administrators do; skip where that is not permitted."""
    name.mkdir(parents=True)
    done = subprocess.run(["/bin/mount", "--bind", folder, name], check=False)
    if done.returncode:
        pytest.skip("bind mounts are not permitted here")
    try:
        yield name
    finally:
        subprocess.run(["/bin/umount", name], check=True)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_a_bind_mount_of_the_source_is_refused(
    run: Run, pictures: Path, tmp_path: Path, dry_run: list[str]
) -> None:
    before = snapshot(pictures)
    with bind(pictures, tmp_path / "mounted") as other:
        done = run("flows/upscale.py", "--src", pictures, "--dst", other, "--no-track", *dry_run)
        assert (done.returncode, UNDER_ANOTHER_NAME in done.stderr) == (2, True), done.stderr
        assert snapshot(pictures) == before
        assert not (pictures / ".srcnn").exists()


def test_a_source_mounted_inside_the_destination_is_refused(pictures: Path, tmp_path: Path) -> None:
    before = snapshot(pictures)
    with bind(pictures, tmp_path / "out" / "deep" / "mounted"):
        with pytest.raises(UsageError, match="is inside the destination"):
            batch_upscale.fn(UpscaleOptions(src=str(pictures), dst=str(tmp_path / "out")))
        assert snapshot(pictures) == before


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_folder_of_the_source_mounted_inside_the_destination_is_refused(
    pictures: Path, tmp_path: Path, *, dry_run: bool
) -> None:
    before = snapshot(pictures)
    options = UpscaleOptions(src=str(pictures), dst=str(tmp_path / "out"), dry_run=dry_run)
    for name in ("cats", "elsewhere/deep"):
        with (
            bind(pictures / "cats", tmp_path / "out" / name),
            pytest.raises(UsageError, match=f"cats of the source is .*out/{name} under another"),
        ):
            batch_upscale.fn(options)
        assert snapshot(pictures) == before


def test_a_source_below_a_mount_of_the_destination_is_refused(
    pictures: Path, tmp_path: Path
) -> None:
    with bind(tmp_path / "pictures", tmp_path / "mounted") as other:
        source = Folder(str(other / "cats"))
        with pytest.raises(UsageError, match="is inside the destination"):
            refuse_shared_folders(source, Folder(str(pictures)), FILES, FILES)
        with pytest.raises(UsageError, match="is inside the destination"):
            batch_upscale.fn(UpscaleOptions(src=source.url, dst=str(pictures)))


def test_a_destination_inside_the_source_by_another_name_is_never_read(
    pictures: Path, tmp_path: Path
) -> None:
    (pictures / "big").mkdir()
    with bind(pictures / "big", tmp_path / "mounted") as other:
        options = UpscaleOptions(src=str(pictures), dst=str(other), scale="2")
        assert batch_upscale.fn(options)["written"] == len(FILES)
        assert batch_upscale.fn(options) == {
            "requested": len(FILES),
            "written": 0,
            "skipped": len(FILES),
            "failed": 0,
        }


def test_outputs_of_a_run_that_was_killed_early_are_no_sources(pictures: Path) -> None:
    """It has a lock and outputs, and no ledger yet."""
    lock = pictures / "big" / ".srcnn" / "lock" / "1.json"
    lock.parent.mkdir(parents=True)
    lock.write_bytes(b"{}")
    (pictures / "big" / "cat.png").write_bytes((pictures / "cat.png").read_bytes())
    counts = batch_upscale.fn(UpscaleOptions(src=str(pictures), scale="2"))
    assert counts["requested"] == len(FILES)


def test_links_and_hard_links(pictures: Path, tmp_path: Path) -> None:
    """A link to the source is the source; a file that is linked is replaced, not written to."""
    (tmp_path / "link").symlink_to(pictures)
    with pytest.raises(UsageError, match=r"the destination .* is the source"):
        check_folders(Folder(str(pictures)), Folder(str(tmp_path / "link")))
    before = snapshot(pictures)
    for name in FILES:
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        os.link(pictures / name, tmp_path / "out" / name)
    options = UpscaleOptions(src=str(pictures), dst=str(tmp_path / "out"), scale="2")
    assert batch_upscale.fn(options)["written"] == len(FILES)
    assert snapshot(pictures) == before


@pytest.mark.parametrize(
    "name", ["{bucket}//in", "{bucket}/in//", "{bucket}/./in", "{bucket}/x/../in"]
)
def test_a_server_that_has_two_names_for_a_folder(bucket: str, pictures: Path, name: str) -> None:
    source = Folder(f"{bucket}/in")
    for key in FILES:
        source.write(key, (pictures / key).read_bytes())
    before = source.files()
    with pytest.raises(UsageError, match=r"give (another )?--dst"):
        batch_upscale.fn(UpscaleOptions(src=source.url, dst=name.format(bucket=bucket)))
    assert source.files() == before


def test_a_source_inside_a_destination_by_another_name_of_a_bucket(bucket: str) -> None:
    with pytest.raises(UsageError, match="is inside the destination"):
        check_folders(Folder(f"{bucket}//in/cats"), Folder(f"{bucket}/in"))


@pytest.fixture(params=["local", "memory", "s3"])
def make_folder(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Folder]:
    base = str(request.getfixturevalue("bucket") if request.param == "s3" else tmp_path)
    base = "memory://overlap" if request.param == "memory" else base
    return lambda name: Folder(f"{base}/{name}")


def test_the_lock_of_a_run_shows_only_in_its_destination(
    make_folder: Callable[[str], Folder],
) -> None:
    source, destination = make_folder("in"), make_folder("out")
    source.write("a.png", b"a")
    with hold(destination, "this run") as lease:
        refuse_shared(source, destination, lease.key, "this run")
        refuse_shared(destination, destination, lease.key, "another run")
        with pytest.raises(UsageError, match="give another --dst"):
            refuse_shared(Folder(destination.url), destination, lease.key, "this run")
