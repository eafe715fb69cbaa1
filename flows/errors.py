"""Errors that end a flow early, beside those of `srcnn`; `flows.cli` sets their statuses."""

from __future__ import annotations

from srcnn.errors import SrcnnError


class BatchFailedError(SrcnnError, RuntimeError):
    """Images of a batch failed; the message says how many, and where the report is."""


class ServerLostError(SrcnnError, ConnectionError):
    """The connection to the Prefect server was lost; it does not know how the run ended."""


class Interrupted(KeyboardInterrupt):
    """A signal ended the run, after the images in progress; `args[0]` is the signal's number."""
