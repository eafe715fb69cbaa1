"""What Google's and Azure's libraries raise and log before any server has answered."""

from __future__ import annotations

import logging

import pytest

from srcnn.errors import AccessDeniedError, UsageError
from srcnn.storage.folder import Folder
from srcnn.storage.gcs_azure_errors import explain_cloud_error


def test_missing_credentials_of_azure_are_no_failed_connection() -> None:
    azure = pytest.importorskip("azure.core.exceptions")
    text = "DefaultAzureCredential failed to retrieve a token\nAttempted credentials: ..."
    failure = explain_cloud_error(azure.ClientAuthenticationError(text))
    assert failure is not None
    assert failure.kind is AccessDeniedError
    assert "AZURE_STORAGE_CONNECTION_STRING" in failure.text
    assert not failure.is_transient


def test_azure_without_an_account_is_refused_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("adlfs")
    for name in ("CONNECTION_STRING", "ACCOUNT_NAME", "ACCOUNT_KEY"):
        monkeypatch.delenv(f"AZURE_STORAGE_{name}", raising=False)
    with pytest.raises(UsageError, match=r"^az://no-account/a: .*AZURE_STORAGE_CONNECTION_STRING"):
        Folder("az://no-account/a")


def test_libraries_log_no_tracebacks_of_what_they_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gcsfs")
    monkeypatch.setenv("FSSPEC_GS_TOKEN", "anon")
    Folder("gs://pictures/a")
    for name in ("gcsfs", "azure"):
        assert not logging.getLogger(name).isEnabledFor(logging.ERROR)
