"""Jobs over a folder of pictures, as the flow builds them."""

from __future__ import annotations

from pathlib import Path

from srcnn.job import Job, ModelRef
from srcnn.model.model_file import load_model
from srcnn.storage.folder import Folder


def make_job(source: Path) -> Job:
    """A job with the bundled model, which writes to the folder `out` beside the source."""
    return Job(
        run_id="20261123T000000.000000Z-000000",
        source=Folder(str(source)),
        destination=Folder(str(source.parent / "out")),
        model=ModelRef("bundled", load_model("bundled").sha256),
    )
