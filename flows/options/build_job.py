"""Turn the options and settings of an upscale run into a `Job` and `PlanOptions`."""

from __future__ import annotations

import uuid
from datetime import datetime

from flows.options.settings import Settings
from flows.options.upscale import UpscaleOptions
from srcnn.errors import SourceMissingError, UsageError
from srcnn.images.formats import EXTENSIONS, detect_format
from srcnn.inference.config import InferenceConfig
from srcnn.job import Job, ModelRef, OutputOptions, ResourceLimits
from srcnn.planning.select_images import PlanOptions
from srcnn.storage.folder import Folder
from srcnn.storage.missing import describe_missing
from srcnn.storage.one_file import OneFile
from srcnn.storage.retries import StorageLimits

_IMAGES = " ".join(extensions[0] for extensions in EXTENSIONS.values())
_MEGA = 1_000_000


def build_inference(options: UpscaleOptions, settings: Settings) -> InferenceConfig:
    """Return how to run the model."""
    return InferenceConfig(
        provider=options.provider,
        threads=settings.threads,
        tile_px=settings.tile_px,
        tiles_bytes=int(settings.tiles_megabytes * _MEGA),
    )


def build_job(
    options: UpscaleOptions,
    settings: Settings,
    model: ModelRef,
    inference: InferenceConfig,
    started: datetime,
) -> Job:
    """Build what all images of the run share.

    Args:
        options: of the run.
        settings: of the machine.
        model: that was read.
        inference: how it is run.
        started: when the run began, UTC.
    """
    return Job(
        run_id=f"{started:%Y%m%dT%H%M%S.%fZ}-{uuid.uuid4().hex[:6]}",
        source=_open_source(options, settings.storage),
        destination=Folder(options.destination, settings.storage),
        model=model,
        output=OutputOptions(
            format=options.format,
            quality=options.quality,
            keep_metadata=options.metadata == "keep",
            flatten=options.flatten,
        ),
        inference=inference,
        limits=ResourceLimits(
            transfers=settings.transfers,
            buffer_bytes=int(settings.buffer_megabytes * _MEGA),
        ),
    )


def _open_source(options: UpscaleOptions, limits: StorageLimits) -> Folder:
    """Return the folder to read; that of a single image if `src` is one.

    Raises:
        UsageError: it is a file, but no image, or the destination has an image's name.
        SourceMissingError: it has the name of an image, and does not exist.
        StorageError: the storage cannot be read.
    """
    folder = Folder(options.src, limits)
    path = folder.local_path
    if not detect_format(options.src):
        if path is not None and path.is_file():
            raise UsageError(
                f"{options.src} is a file; expected a folder, or an image ({_IMAGES}, ...)"
            )
        return folder
    file = OneFile(options.src, limits)
    if file.info(file.key) is None:
        if path is not None and not path.exists():
            raise SourceMissingError(describe_missing(options.src, "no such file"))
        return folder
    if options.dst and detect_format(options.dst):
        raise UsageError(
            f"{options.dst} has the name of an image; expected a folder as the destination, in "
            f"which {file.key} keeps its name"
        )
    return file


def build_plan_options(options: UpscaleOptions, settings: Settings) -> PlanOptions:
    """Return which images are requested, and how large."""
    return PlanOptions(
        scale=options.scale,
        quality=options.source_quality,
        scales=options.scales,
        include=tuple(options.include),
        exclude=tuple(options.exclude),
        overwrite=options.overwrite,
        when_larger=options.when_larger,
        max_input_megapixels=settings.max_input_megapixels,
        max_output_megapixels=settings.max_output_megapixels,
    )
