"""Jobs as the flow builds them, with the bundled model."""

from __future__ import annotations

from pathlib import Path

from srcnn.batch.worker import open_model
from srcnn.inference.config import InferenceConfig
from srcnn.job import Job, ModelRef
from srcnn.model.pixel_format import NOTHING_STATED
from srcnn.storage.folder import Folder
from srcnn.storage.retries import DEFAULT_LIMITS


def open_bundled() -> ModelRef:
    """Open the bundled model, as the flow does once for a run."""
    return open_model("bundled", NOTHING_STATED, InferenceConfig(), DEFAULT_LIMITS)


def make_job(
    source: Path | str,
    destination: Path | str | None = None,
    run_id: str = "20261123T000000.000000Z-000000",
) -> Job:
    """A job that writes to a folder, or to `out` beside the source."""
    return Job(
        run_id=run_id,
        source=Folder(str(source)),
        destination=Folder(str(destination or Path(source).parent / "out")),
        model=open_bundled(),
    )
