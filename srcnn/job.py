"""What all images of a run share, in parts: each stage takes the parts that it needs.

Plain and frozen: a job is pickled to other processes. It holds no session, no open file system
and no secret.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from srcnn.graphs.graph_interface import GraphInterface
from srcnn.images.colour import Colour
from srcnn.images.formats import DEFAULT_QUALITY, WITH_ALPHA, WITH_QUALITY, Format, detect_format
from srcnn.inference.config import InferenceConfig
from srcnn.model.pixel_format import NOTHING_STATED, StatedPixels
from srcnn.storage.folder import Folder
from srcnn.storage.object_metadata import ObjectOptions


@dataclass(frozen=True)
class ModelRef:
    """A model file that was read once, for the whole run.

    Attributes:
        url: of the ONNX file, or `bundled`.
        sha256: of its content, in hex; a worker refuses another.
        graph: how to run it.
        stated: by the user, about the pixels of a model without a card.
    """

    url: str
    sha256: str
    graph: GraphInterface
    stated: StatedPixels = NOTHING_STATED


@dataclass(frozen=True)
class OutputOptions:
    """What shapes the files that are written.

    Attributes:
        format: of the outputs.
        quality: of JPEG, WebP, AVIF and JPEG XL, 1 to 100; None for the format's default.
        keep_metadata: whether EXIF, ICC and XMP are copied.
        flatten: colour behind images with alpha, in formats that have none; None to refuse them.
    """

    format: Format = "keep"
    quality: int | None = None
    keep_metadata: bool = True
    flatten: Colour | None = None


@dataclass(frozen=True)
class ResourceLimits:
    """What a process may hold at a time.

    Attributes:
        transfers: files read ahead, and as many being written.
        buffer_bytes: of files read ahead, as many of decoded images, and as many of files being
            written; 0 for an eighth of the memory that the process may use.
    """

    transfers: int = 16
    buffer_bytes: int = 0


@dataclass(frozen=True)
class Job:
    """What all images of a run share.

    Attributes:
        run_id: sorts by time.
        source: the folder that is read.
        destination: the folder that is written.
        model: read, so that its digest is known.
        output: what shapes the files.
        objects: what is stored about the files, in a bucket.
        inference: how the model is run.
        limits: what a process may hold.
    """

    run_id: str
    source: Folder
    destination: Folder
    model: ModelRef
    output: OutputOptions = field(default_factory=OutputOptions)
    objects: ObjectOptions = field(default_factory=ObjectOptions)
    inference: InferenceConfig = field(default_factory=InferenceConfig)
    limits: ResourceLimits = field(default_factory=ResourceLimits)

    def digest_options(self, output_key: str) -> str:
        """Digest of the options that shape an output; when it changes, the image is redone.

        Args:
            output_key: of the output, whose format decides whether quality and colour matter.
        """
        form, output = detect_format(output_key) or "", self.output
        quality = output.quality or DEFAULT_QUALITY.get(form) if form in WITH_QUALITY else None
        shows_background = output.flatten is not None and form not in WITH_ALPHA
        background = str(output.flatten) if shows_background else None
        shaping = [
            self.model.stated.convention,
            output.format,
            quality,
            output.keep_metadata,
            background,
            # Only where it was stated: the digests of earlier versions had neither.
            *filter(None, [self.model.stated.rounding, self.model.stated.enlarge_first]),
        ]
        return hashlib.sha256(json.dumps(shaping).encode()).hexdigest()[:16]
