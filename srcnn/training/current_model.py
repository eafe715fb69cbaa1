"""The current model: the one that a training starts from, and that it replaces if it is better."""

from __future__ import annotations

from srcnn.errors import UsageError
from srcnn.inference.config import InferenceConfig
from srcnn.inference.upscaler import Upscaler
from srcnn.model.model_file import Model, load_model
from srcnn.model.publish import GRAPH_NAME
from srcnn.storage.atomic_files import file_exists
from srcnn.storage.folder import Folder
from srcnn.storage.retries import StorageLimits


def load_current_model(dst: str, limits: StorageLimits) -> Model:
    """Load the model at a destination, or the bundled one if there is none.

    Args:
        dst: the destination, a path or URL.
        limits: the attempts and the timeout of storage calls.

    Raises:
        UsageError: the model has a fixed factor, and cannot be compared at other factors.
    """
    url = Folder(dst, limits).get_url(GRAPH_NAME)
    model = load_model(url if file_exists(url, limits) else None, limits)
    fixed = Upscaler.from_model(model, InferenceConfig("cpu")).info.fixed
    if fixed is not None:
        raise UsageError(
            f"{model.url} has the fixed factor {fixed}; a model for all factors cannot replace "
            "it: give another --dst"
        )
    return model
