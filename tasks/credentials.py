"""Credentials of S3, for the process that reads and writes: from `.env`, or from a Prefect block.

What the environment and AWS profiles hold, every AWS library finds by itself. Nothing here is
ever a parameter, a log line or a result: a flow and its shards pass on the block's name alone.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import fsspec
from dotenv import dotenv_values
from prefect.context import FlowRunContext, TaskRunContext
from prefect.settings import PREFECT_API_URL
from pydantic import ValidationError

from srcnn.errors import UsageError
from srcnn.extras import require_extra

if TYPE_CHECKING:
    from prefect_aws import AwsCredentials

_loading = threading.Lock()
_loaded: set[str] = set()


def use_credentials(aws_block: str | None) -> None:
    """Make this process find its credentials; first in a flow and in each shard.

    Args:
        aws_block: name of an `AwsCredentials` block, or None for the environment alone. A block
            is read once in a process, and counts for more than the environment.

    Raises:
        UsageError: the block cannot be read, or holds no credentials.
    """
    _read_dotenv()
    if aws_block is None:
        return
    with _loading:
        if aws_block not in _loaded:
            # In memory only: what is in os.environ, child processes would inherit.
            fsspec.config.conf["s3"] = fsspec.config.conf.get("s3", {}) | _s3_options(aws_block)
            _loaded.add(aws_block)


def _read_dotenv() -> None:
    """The AWS_* of `.env` in the working folder, where settings are read from too."""
    for name, value in dotenv_values(".env").items():
        if name.startswith("AWS_") and value:
            os.environ.setdefault(name, value)


def _s3_options(name: str) -> dict[str, Any]:
    """A block as the options of s3fs."""
    block = _load(name)
    found = block.get_boto3_session().get_credentials()
    if found is None:
        raise UsageError(f"the block {name} (SRCNN_AWS_BLOCK) holds no credentials: fill it in")
    keys = found.get_frozen_credentials()
    client = block.aws_client_parameters.get_params_override()
    client.pop("config", None)  # a Config; s3fs takes what it was made from
    options = {
        "key": keys.access_key,
        "secret": keys.secret_key,
        "token": keys.token,
        "endpoint_url": client.pop("endpoint_url", None),
        "config_kwargs": block.aws_client_parameters.config,
        "client_kwargs": client | {"region_name": block.region_name},
    }
    return {name: value for name, value in options.items() if value is not None}


def _load(name: str) -> AwsCredentials:
    require_extra("aws", f"the block {name} (SRCNN_AWS_BLOCK)")
    if not (PREFECT_API_URL.value() or FlowRunContext.get() or TaskRunContext.get()):
        raise UsageError(
            f"the block {name} (SRCNN_AWS_BLOCK) is kept on a Prefect server, and none is "
            "configured: set PREFECT_API_URL, or unset SRCNN_AWS_BLOCK"
        )
    from prefect_aws import AwsCredentials  # noqa: PLC0415 - optional, and slow to import

    try:
        # Prefect's decorator adds the keyword, which types do not show.
        block: AwsCredentials = AwsCredentials.load(name, _sync=True)  # type: ignore[call-arg, assignment]
    # Whatever a client, a server or a store of blocks may raise.
    except Exception as error:  # noqa: BLE001
        # pydantic's text repeats what it was given: the secret. So would a chained traceback.
        is_told = not isinstance(error, ValidationError)
        raise UsageError(
            f"the block {name} (SRCNN_AWS_BLOCK) cannot be read"
            f"{f' ({error})' if is_told else ''}: it must be a block of the type AWS Credentials, "
            "on the Prefect server that PREFECT_API_URL names"
        ) from None
    return block
