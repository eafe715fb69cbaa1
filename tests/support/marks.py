"""Marks for tests that share a need."""

import pytest

TRACKED = [
    pytest.mark.usefixtures("prefect_server"),
    # The harness starts a server in a process that outlives the test; not ours to close.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
