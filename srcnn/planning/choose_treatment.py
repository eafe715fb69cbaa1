"""Which images are copied, and the quality that the others are upscaled for."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from srcnn.geometry import Factor, is_large_enough
from srcnn.graphs.graph_format import CLEAN
from srcnn.graphs.graph_interface import GraphInterface
from srcnn.images.decoding import Header
from srcnn.planning.select_images import RequestedImage
from srcnn.source_quality import is_clean

_SAME_SIZE = Factor(Fraction(1), Fraction(1))


class Treatment(NamedTuple):
    """What becomes of an image.

    Attributes:
        copy: it is not upscaled: its pixels stay as they are, or are made fewer.
        quality: of the source, that the weights are chosen for; 100 if they do not depend on it.
    """

    copy: bool
    quality: float


def choose_treatment(image: RequestedImage, header: Header, graph: GraphInterface) -> Treatment:
    """Decide whether an image is copied, and the quality of its source.

    An image that already meets its target is copied, or made smaller. One that keeps its size by
    the factor 1 is copied if the model follows the quality, and the image is without loss: there
    is nothing to clean up.

    Args:
        image: with its scale.
        header: of its file.
        graph: of the model.
    """
    if is_large_enough(header.size, image.scale):
        return Treatment(copy=True, quality=CLEAN)
    if graph.quality is None:
        return Treatment(copy=False, quality=CLEAN)
    quality = image.quality.choose(header.quality)
    return Treatment(copy=image.scale == _SAME_SIZE and is_clean(quality), quality=quality)
