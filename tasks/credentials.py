"""S3 credentials for this process, from `.env` or from a Prefect block.

AWS libraries find environment variables and profiles themselves. No credential is ever a
parameter, a log line or a result: a flow passes only the block's name to its shards.
"""

from __future__ import annotations

import os
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
from dotenv import dotenv_values
from dotenv.parser import parse_stream
from prefect.context import FlowRunContext, TaskRunContext
from prefect.settings import PREFECT_API_URL
from pydantic import ValidationError

from srcnn.errors import UsageError
from srcnn.extras import require_extra
from tasks.logs import logger

if TYPE_CHECKING:
    from prefect_aws import AwsCredentials

_loading = threading.Lock()
_loaded: set[str] = set()


def use_credentials(aws_block: str | None) -> None:
    """Set up the credentials of this process; called first in a flow and in each shard.

    Args:
        aws_block: name of an `AwsCredentials` block, or None for the environment alone. A block
            is read once per process, and takes precedence over the environment.

    Raises:
        UsageError: the block cannot be read, or has no credentials.
    """
    _read_dotenv()
    if aws_block is None:
        return
    with _loading:
        if aws_block not in _loaded:
            # In memory only: child processes would inherit os.environ.
            fsspec.config.conf["s3"] = fsspec.config.conf.get("s3", {}) | _s3_options(aws_block)
            _loaded.add(aws_block)


def _read_dotenv() -> None:
    """Read AWS_* from `.env` in the working folder, as settings are."""
    _warn_of_bad_lines(Path.cwd() / ".env")
    for name, value in dotenv_values(".env").items():
        if name.startswith("AWS_") and value:
            os.environ.setdefault(name, value)


@cache
def _warn_of_bad_lines(path: Path) -> None:
    """Warn once, without repeating a line; python-dotenv would at every reading, of each one."""
    if not path.is_file():
        return
    with path.open(errors="replace") as file:
        bad = [found.original.line for found in parse_stream(file) if found.error]
    if bad:
        others = f", and {len(bad) - 1} more" if len(bad) > 1 else ""
        logger().warning("%s:%d is not NAME=value%s: ignored", path, bad[0], others)


def _s3_options(name: str) -> dict[str, Any]:
    """Convert a block to the options of s3fs."""
    block = _load_block(name)
    found = block.get_boto3_session().get_credentials()
    if found is None:
        raise UsageError(f"the block {name} (SRCNN_AWS_BLOCK) has no credentials: fill it in")
    keys = found.get_frozen_credentials()
    client = block.aws_client_parameters.get_params_override()
    client.pop("config", None)  # a Config; s3fs takes its arguments
    options = {
        "key": keys.access_key,
        "secret": keys.secret_key,
        "token": keys.token,
        "endpoint_url": client.pop("endpoint_url", None),
        "config_kwargs": block.aws_client_parameters.config,
        "client_kwargs": client | {"region_name": block.region_name},
    }
    return {name: value for name, value in options.items() if value is not None}


def _load_block(name: str) -> AwsCredentials:
    require_extra("aws", f"the block {name} (SRCNN_AWS_BLOCK)")
    if not (PREFECT_API_URL.value() or FlowRunContext.get() or TaskRunContext.get()):
        raise UsageError(
            f"SRCNN_AWS_BLOCK names the block {name}, but no Prefect server is configured: set "
            "PREFECT_API_URL, or unset SRCNN_AWS_BLOCK"
        )
    from prefect_aws import AwsCredentials  # noqa: PLC0415 - optional, and slow to import

    try:
        # Prefect's decorator adds the keyword, which types do not show.
        block: AwsCredentials = AwsCredentials.load(name, _sync=True)  # type: ignore[call-arg, assignment]
    # A client, a server or a block store may raise anything.
    except Exception as error:  # noqa: BLE001
        raise UsageError(
            f"the block {name} (SRCNN_AWS_BLOCK) cannot be read ({describe_block_error(error)}): "
            "expected a block of the type AWS Credentials on the Prefect server at PREFECT_API_URL"
        ) from None  # a chained traceback would repeat the secret
    return block


def describe_block_error(error: BaseException) -> str:
    """Describe why a block cannot be read, without its content.

    pydantic's message repeats its input, the secret; and a library's own error may repeat
    pydantic's.
    """
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, ValidationError):
            return "its content is not valid"
        link = link.__cause__ or link.__context__
    return str(error)
