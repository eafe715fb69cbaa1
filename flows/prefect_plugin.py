"""Let `prefect deployment run export-srcnn` name a deployment by its flow alone.

Prefect's client expects `export-srcnn/export-srcnn`. It calls this plugin when it is imported,
before it parses its arguments, if `[tool.prefect]` of pyproject.toml allows it: in the project's
folder. Elsewhere, and for every other command, the client is unchanged.
See https://docs.prefect.io/v3/advanced/plugins.
"""

from __future__ import annotations

import os
import sys
from pathlib import PurePath

from prefect.plugins import HookContext, SetupResult, register_hook

# Each deployment in deploy/prefect.yaml has the name of its flow.
NAMES = frozenset({"export-srcnn", "batch-upscale", "train-srcnn"})
_RUN = (["deployment", "run"], ["deployments", "run"])


_ENABLED = "PREFECT_PLUGINS_ENABLED"


@register_hook
def setup_environment(*, ctx: HookContext) -> SetupResult | None:  # noqa: ARG001 - passed by name
    """Complete the name in the arguments of this process, if it is Prefect's client.

    Returns:
        For a worker, the variable that disables plugins in its child processes: some import
        Prefect in a running event loop, where running a plugin fails and logs a traceback.
    """
    # "-m" stands for `python -m prefect` while the package is being imported.
    if PurePath(sys.argv[0]).stem not in ("prefect", "-m"):
        return None
    sys.argv[1:] = complete_name(sys.argv[1:])
    is_worker = "worker" in sys.argv[1:]
    return (
        SetupResult(env={_ENABLED: "false"}) if is_worker and _ENABLED not in os.environ else None
    )


def complete_name(arguments: list[str]) -> list[str]:
    """Return the arguments of Prefect's client, with the full name of our deployment.

    Args:
        arguments: without the program. The name is completed if it directly follows
            `deployment run`.
    """
    for at in range(len(arguments) - 2):
        name = arguments[at + 2]
        if arguments[at : at + 2] in _RUN:
            full = f"{name}/{name}" if name in NAMES else name
            return [*arguments[: at + 2], full, *arguments[at + 3 :]]
    return arguments
