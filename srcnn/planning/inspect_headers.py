"""Read the headers of images: compute sizes, check limits, refuse what cannot be processed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import groupby
from operator import attrgetter

from srcnn.errors import AccessDeniedError, ImageError, StorageError
from srcnn.geometry import compute_output_size
from srcnn.graphs.graph_interface import GraphInterface
from srcnn.image_task import Failure, ImageResult, ImageTask
from srcnn.images.decoding import Header, read_header
from srcnn.images.decoding.file_size_limits import check_file_size
from srcnn.images.formats import check_size, check_writable
from srcnn.planning.check_megapixels import check_input_size, check_output_size
from srcnn.planning.choose_treatment import choose_treatment
from srcnn.planning.select_images import PlanOptions, RequestedImage
from srcnn.storage.file_table import FileInfo
from srcnn.storage.folder import Folder
from srcnn.storage.map_reads import map_reads

_MEGA = 1_000_000


def inspect_headers(
    source: Folder, images: Iterable[RequestedImage], options: PlanOptions, graph: GraphInterface
) -> list[ImageTask | ImageResult]:
    """Read the headers of images that must be processed; of several outputs of a source, once.

    Args:
        source: where they are.
        images: those that are not up to date, by source.
        options: limits, and what becomes of images that already meet their target.
        graph: of the model, which may have a fixed factor.

    Returns:
        For each image a task, or its result if there is nothing to do or it is refused.

    Raises:
        OSError: the source as a whole went out of reach.
    """
    files = (list(group) for _, group in groupby(images, attrgetter("source")))
    inspect = partial(_inspect, source, options=options, graph=graph)
    found = map_reads(inspect, files, is_remote=source.local_path is None)
    return [decided for outputs in found for decided in outputs]


def _inspect(
    source: Folder, images: Sequence[RequestedImage], options: PlanOptions, graph: GraphInterface
) -> list[ImageTask | ImageResult]:
    """Inspect the source of some images."""
    file = images[0]
    try:
        header = _read(source, file, options)
    except (ImageError, OSError) as error:
        if options.only_listed and (current := _find_replaced(source, file)):
            replaced = [replace(image, info=current) for image in images]
            return _inspect(source, replaced, replace(options, only_listed=False), graph)
        # Who may not list the bucket is denied a missing object, and would be denied the probe.
        is_denied = options.only_listed and isinstance(error, AccessDeniedError)
        if isinstance(error, StorageError) and not is_denied:
            source.probe()  # raises if the whole source is out of reach, not just this image
        return [_build_failure(image, error) for image in images]
    return [_decide(image, header, options, graph) for image in images]


def _build_failure(image: RequestedImage, error: Exception) -> ImageResult:
    failure = Failure.from_error(error)
    return ImageResult(image.source, image.output, "failed", error=failure, source_info=image.info)


def _find_replaced(source: Folder, image: RequestedImage) -> FileInfo | None:
    """Look up a file that may be another than the one that was listed long ago; None if not."""
    with suppress(OSError):
        info = source.info(image.source)
        return info if info != image.info else None
    return None


def _read(source: Folder, image: RequestedImage, options: PlanOptions) -> Header:
    check_file_size(image.info.size, options.max_input_megapixels * _MEGA)
    with source.open(image.source, image.info) as file:
        header = read_header(file)
    check_input_size(header.size, options.max_input_megapixels)
    return header


def _decide(
    image: RequestedImage, header: Header, options: PlanOptions, graph: GraphInterface
) -> ImageTask | ImageResult:
    try:
        return _build_task(image, header, options, graph)
    except ImageError as error:
        return _build_failure(image, error)


def _build_task(
    image: RequestedImage, header: Header, options: PlanOptions, graph: GraphInterface
) -> ImageTask | ImageResult:
    size_in = header.size
    treatment = choose_treatment(image, header, graph)
    may_shrink = options.when_larger == "shrink"
    size_out = compute_output_size(size_in, image.scale, may_shrink=may_shrink)
    copy = treatment.copy and size_out == size_in
    if copy and options.when_larger == "skip":  # there is no output, or not of this scale
        return ImageResult(image.source, None, "skipped", (1.0, 1.0), size_in, size_in)
    if not copy:
        check_writable(image.output)
        check_output_size(size_out, options.max_output_megapixels)
    check_size(image.output, size_out)
    return ImageTask(
        image.source,
        image.output,
        image.scale,
        image.info,
        size_in,
        size_out,
        copy=copy,
        decoding_bytes=header.decoding_bytes,
        pixel_bytes=header.pixel_bytes,
        size_model=size_out if treatment.copy else graph.find_graph_size(size_in, size_out),
        quality=treatment.quality,
        file_quality=header.quality,
    )
