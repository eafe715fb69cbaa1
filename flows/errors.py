"""What ends a flow early, beside the errors of `srcnn`: each has its exit status in `flows.cli`."""

from __future__ import annotations

from srcnn.errors import SrcnnError


class BatchFailedError(SrcnnError, RuntimeError):
    """Images of a batch failed; the text says how many, and where the report is."""


class ServerLostError(SrcnnError, ConnectionError):
    """Prefect's server went away under a run, and knows nothing of its end."""


class Interrupted(KeyboardInterrupt):
    """A signal ended the run, after the images in hand; `args[0]` is its number."""
