"""Settings of the machine and its user, from `SRCNN_*` variables and `.env`.

What belongs to one run is an option (see `UpscaleOptions`, `ExportOptions` and `TrainOptions`).
What belongs to the machine it runs on is a setting. Credentials are neither: they stay where
their own tools look for them (`AWS_*`, profiles), or in a Prefect block, whose name is a setting:
see `tasks.credentials`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from platformdirs import user_cache_path
from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from srcnn.errors import UsageError
from srcnn.storage.retries import StorageLimits
from srcnn.storage.s3_metadata_headers import check_header
from srcnn.storage.s3_options import Acl, S3Options
from srcnn.validation_errors import describe_validation

_HeaderText = Annotated[str, AfterValidator(check_header)]


class Settings(BaseSettings):
    """Every setting, with its bounds. Instances are made where they are used."""

    model_config = SettingsConfigDict(
        env_prefix="SRCNN_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    checkpoint_mirror: str | None = Field(
        None,
        description="Folder or URL prefix to search first for a known checkpoint's file name.",
    )
    cache_dir: Path = Field(
        default_factory=lambda: user_cache_path("srcnn", ensure_exists=False),
        description="Folder for downloaded checkpoints and the state of trainings.",
    )
    download_attempts: int = Field(
        4,
        ge=1,
        le=20,
        description="Attempts at each download, with growing delays between them.",
    )
    download_timeout_seconds: float = Field(
        60,
        gt=0,
        le=3600,
        description="Seconds without data after which an attempt at a download fails.",
    )
    aws_block: str | None = Field(
        None,
        description="Name of a Prefect block (AWS Credentials) to use for S3, instead of AWS_* "
        "variables and profiles.",
    )
    storage_attempts: int = Field(
        5,
        ge=1,
        le=20,
        description="Attempts at each storage call, with growing delays between them.",
    )
    storage_timeout_seconds: float = Field(
        60,
        gt=0,
        le=3600,
        description="Seconds without data after which an attempt at a storage call fails.",
    )
    s3_storage_class: _HeaderText | None = Field(
        None,
        description="Storage class of the images that are written to S3, such as STANDARD_IA. "
        "Other files, small and often replaced, have the bucket's. Unset: the bucket's.",
    )
    s3_kms_key: _HeaderText | None = Field(
        None,
        description="ID, ARN or alias of the KMS key that encrypts everything that is written to "
        "S3 (SSE-KMS). Unset: as the bucket says.",
    )
    s3_acl: Acl | None = Field(
        None,
        description="Canned ACL of everything that is written to S3; public-read and "
        "authenticated-read are given to images only. Unset: the bucket's.",
    )
    s3_requester_pays: bool = Field(
        default=False,
        description="Accept to pay for the requests to S3 buckets whose requester pays.",
    )
    threads: int = Field(
        0,
        ge=0,
        le=1024,
        description="Compute threads in each process; 0 for one per core that it may use.",
    )
    tile_px: int = Field(
        192, ge=64, le=8192, description="Side of the tiles of inference, in pixels."
    )
    tiles_megabytes: float = Field(
        0,
        ge=0,
        le=1_000_000,
        description="Megabytes per process for the tiles of a model that is not of the form of our "
        "own, whatever the size of the images. 0 for a quarter of the memory that the process may "
        "use, or less if that is little.",
    )
    max_input_megapixels: float = Field(
        250,
        gt=0,
        le=1000,  # OpenCV decodes no more than 2**30 pixels
        description="Images with more megapixels are refused without being decoded.",
    )
    max_output_megapixels: float = Field(
        250,
        gt=0,
        le=4000,
        description="Images whose result would have more megapixels are refused without being "
        "decoded.",
    )
    shard_megapixels: float = Field(
        64, gt=0, le=100_000, description="Megapixels to compute in one shard (one task run)."
    )
    shard_images: int = Field(
        200, ge=1, le=100_000, description="Maximum number of images in one shard."
    )
    transfers: int = Field(
        16,
        ge=1,
        le=256,
        description="Files that each process reads ahead at a time, and as many that it writes.",
    )
    buffer_megabytes: float = Field(
        0,
        ge=0,
        le=1_000_000,
        description="Megabytes per process for each of three stages: files read ahead, images in "
        "progress, and files being written. A larger image is processed alone, or refused if the "
        "process has too little memory for it. 0 for an eighth of the memory that the process may "
        "use.",
    )
    lock_seconds: float = Field(
        120,
        ge=10,
        le=86_400,
        description="Seconds without a heartbeat after which a run loses its lock on the "
        "destination.",
    )
    dask_address: str | None = Field(
        None, description="Address of the Dask scheduler, such as tcp://127.0.0.1:8786."
    )
    training_megapixels: float = Field(
        300,
        gt=0,
        le=100_000,
        description="Megapixels of pictures to train on, at most 640 x 640 px of each; needs 3 "
        "bytes of memory per pixel while they are read.",
    )
    validation_seconds: float = Field(
        120,
        ge=1,
        le=86_400,
        description="Seconds of training between validations; each also saves the training state.",
    )
    contact_sheet_images: int = Field(
        8,
        ge=0,
        le=24,
        description="Images in the run's contact sheet, as crops before and after; 0 for none.",
    )

    @property
    def storage(self) -> StorageLimits:
        """The attempts and the timeout of storage calls, and how objects are stored."""
        s3 = S3Options(self.s3_storage_class, self.s3_kms_key, self.s3_acl, self.s3_requester_pays)
        return StorageLimits(self.storage_attempts, self.storage_timeout_seconds, s3)


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        UsageError: a variable is out of its bounds; the message names it.
    """
    try:
        return Settings()
    except ValidationError as error:
        problems = describe_validation(error, _name_variable, show_input=True)
        raise UsageError(problems) from error


def _name_variable(path: Sequence[str]) -> str:
    return f"SRCNN_{path[0].upper()}"
