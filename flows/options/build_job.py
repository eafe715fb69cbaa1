"""Turn the options and settings of an upscale run into a `Job` and `PlanOptions`."""

from __future__ import annotations

import uuid
from datetime import datetime

from flows.options.open_source_folder import open_source
from flows.options.settings import Settings
from flows.options.upscale import UpscaleOptions
from srcnn.extras import require_extra
from srcnn.images.formats import JXL_MODULES
from srcnn.inference.config import InferenceConfig
from srcnn.job import Job, ModelRef, OutputOptions, ResourceLimits
from srcnn.planning.select_images import PlanOptions
from srcnn.storage.folder import Folder
from srcnn.storage.object_metadata import ObjectOptions

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

    Raises:
        UsageError: a package is missing that the format takes.
    """
    if options.format == "jxl":
        require_extra("formats", "--format jxl", JXL_MODULES)
    return Job(
        run_id=f"{started:%Y%m%dT%H%M%S.%fZ}-{uuid.uuid4().hex[:6]}",
        source=open_source(options.src, options.dst, settings.storage),
        destination=Folder(options.destination, settings.storage),
        model=model,
        output=OutputOptions(
            format=options.format,
            quality=options.quality,
            keep_metadata=options.metadata == "keep",
            flatten=options.flatten,
        ),
        objects=ObjectOptions(
            copy_metadata=options.object_metadata == "copy", cache_control=options.cache_control
        ),
        inference=inference,
        limits=ResourceLimits(
            transfers=settings.transfers,
            buffer_bytes=int(settings.buffer_megabytes * _MEGA),
        ),
    )


def build_plan_options(options: UpscaleOptions, settings: Settings) -> PlanOptions:
    """Return which images are requested, and how large."""
    return PlanOptions(
        scale=options.scale,
        quality=options.source_quality,
        name=options.name,
        scales=options.scales,
        only_listed=options.only_listed,
        include=tuple(options.include),
        exclude=tuple(options.exclude),
        overwrite=options.overwrite,
        when_larger=options.when_larger,
        max_input_megapixels=settings.max_input_megapixels,
        max_output_megapixels=settings.max_output_megapixels,
    )
