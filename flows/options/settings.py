"""Settings of the machine and its user, from `SRCNN_*` variables and `.env`.

What belongs to one run is an option (see `UpscaleOptions`, `ExportOptions`); what
belongs to the place it runs in is a setting. Credentials are neither: they stay
where their own tools look for them (`AWS_*`, profiles), or in a Prefect block, whose
name is a setting: see `tasks.credentials`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from platformdirs import user_cache_path
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from srcnn.errors import UsageError
from srcnn.storage.retries import StorageLimits
from srcnn.validation_errors import describe_validation


class Settings(BaseSettings):
    """Every setting, with its bounds; instantiated where it is used."""

    model_config = SettingsConfigDict(
        env_prefix="SRCNN_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    checkpoint_mirror: str | None = Field(
        None,
        description="Folder or URL prefix asked first for a known checkpoint's file, by its name.",
    )
    cache_dir: Path = Field(
        default_factory=lambda: user_cache_path("srcnn", ensure_exists=False),
        description="Folder where downloaded checkpoints and the state of trainings are kept.",
    )
    download_attempts: int = Field(
        4, ge=1, le=20, description="Attempts at each download, with growing pauses between."
    )
    download_timeout_seconds: float = Field(
        60,
        gt=0,
        le=3600,
        description="Seconds of a server's silence that end one attempt at a download.",
    )
    aws_block: str | None = Field(
        None,
        description="Name of a Prefect block (AWS Credentials) that S3 is used with, instead of "
        "AWS_* variables and profiles.",
    )
    storage_attempts: int = Field(
        5,
        ge=1,
        le=20,
        description="Attempts at each call to a bucket or server, with growing pauses between.",
    )
    storage_timeout_seconds: float = Field(
        60,
        gt=0,
        le=3600,
        description="Seconds of a bucket's or server's silence that end one attempt.",
    )
    threads: int = Field(
        0,
        ge=0,
        le=1024,
        description="Threads that compute in each process; 0 for the cores it may use.",
    )
    tile_px: int = Field(
        192, ge=64, le=8192, description="Side of the tiles that inference works in, in pixels."
    )
    max_input_megapixels: float = Field(
        250,
        gt=0,
        le=1000,  # OpenCV decodes no more than 2**30 pixels
        description="Images that have more megapixels are refused unread.",
    )
    max_output_megapixels: float = Field(
        250,
        gt=0,
        le=4000,
        description="Images whose result would have more megapixels are refused unread.",
    )
    shard_megapixels: float = Field(
        64, gt=0, le=100_000, description="Output megapixels that make one shard (one task run)."
    )
    shard_images: int = Field(
        200, ge=1, le=100_000, description="Images that make one shard at the most."
    )
    transfers: int = Field(
        16,
        ge=1,
        le=256,
        description="Files that each process reads ahead, and writes behind, at a time.",
    )
    buffer_megabytes: float = Field(
        0,
        ge=0,
        le=1_000_000,
        description="Megabytes of files that each process holds read ahead, as many of decoded "
        "pictures in hand, and as many of files being written; what is larger goes alone. 0 for an "
        "eighth of the memory the process may use.",
    )
    lock_seconds: float = Field(
        120,
        ge=10,
        le=86_400,
        description="Seconds without a sign of life after which a run no longer holds its "
        "destination.",
    )
    dask_address: str | None = Field(
        None, description="Address of the Dask scheduler, such as tcp://127.0.0.1:8786."
    )
    training_megapixels: float = Field(
        300,
        gt=0,
        le=100_000,
        description="Megapixels of pictures that a training takes, at most 640 x 640 px of each; "
        "3 bytes of memory for each pixel while they are read.",
    )
    validation_seconds: float = Field(
        120,
        ge=1,
        le=86_400,
        description="Seconds of training between two validations; each also saves its state.",
    )
    contact_sheet_images: int = Field(
        8,
        ge=0,
        le=24,
        description="Images whose crops, before and after, make the run's contact sheet; 0 for "
        "none.",
    )

    @property
    def storage(self) -> StorageLimits:
        """How patient calls to storage are."""
        return StorageLimits(self.storage_attempts, self.storage_timeout_seconds)


def load_settings() -> Settings:
    """The settings, read now.

    Raises:
        UsageError: a variable is out of its bounds; the text names it.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = describe_validation(error, _name_variable, show_input=True)
        raise UsageError(problems) from error


def _name_variable(path: Sequence[str]) -> str:
    return f"SRCNN_{path[0].upper()}"
