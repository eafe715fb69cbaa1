"""Check that the processes of a Dask cluster can run our code, before anything is sent there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from srcnn.errors import UsageError
from srcnn.printable_text import one_line, shorten

if TYPE_CHECKING:
    from distributed import Client

# The first import on a slow machine, while another run computes.
_PROBE_SECONDS = 60.0
_LONGEST_REASON = 200


def check_cluster(client: Client) -> None:
    """Let the scheduler and all workers import our tasks, as they will have to for the first shard.

    Args:
        client: connected to the cluster.

    Raises:
        UsageError: one of them lacks the package, or has another version; the message names it.
    """
    from distributed.utils import sync  # noqa: PLC0415 - an extra, and slow to import

    probe = _make_probe()
    inner: Any = client  # only its own coroutines take a time limit

    async def ask() -> dict[str, object]:
        found: dict[str, object] = await inner._run(probe, on_error="return")  # noqa: SLF001 - as above
        scheduler = inner.scheduler.address
        try:
            found[scheduler] = await inner._run_on_scheduler(probe)  # noqa: SLF001 - as above
        except Exception as error:  # noqa: BLE001 - whatever it raised is shown
            found[scheduler] = error
        return found

    try:
        answers = sync(inner.loop, ask, callback_timeout=_PROBE_SECONDS)
        expected = sync(inner.loop, probe)
    except TimeoutError as error:
        raise UsageError(
            f"the Dask cluster did not answer within {_PROBE_SECONDS:g} s: restart its workers"
        ) from error
    for address, answer in answers.items():
        if answer != expected:
            raise UsageError(
                f"the Dask process at {address} cannot run this package: {_explain(answer)}, "
                f"expected {_explain(expected)}: install the same version of it and of its "
                "dependencies on the scheduler and on every worker"
            )


def prepare_joining_workers(client: Client) -> None:
    """Let workers that join later import our tasks before they get one, and outside of their loop.

    Args:
        client: connected to the cluster, which keeps the plugin after the run.
    """
    client.register_plugin(_make_plugin(_make_probe()))


def _explain(answer: object) -> str:
    text = f"{type(answer).__name__}: {answer}" if isinstance(answer, Exception) else str(answer)
    return shorten(one_line(text), _LONGEST_REASON)


def _make_plugin(probe: Callable[[], Awaitable[str]]) -> Any:
    """Make a plugin that runs the probe on each worker; it travels with its code, too."""
    from distributed import WorkerPlugin  # noqa: PLC0415 - an extra, and slow to import

    class Import(WorkerPlugin):
        name = "srcnn-import"

        async def setup(self, worker: object) -> None:  # noqa: ARG002 - as the base has it
            await probe()

    return Import()


def _make_probe() -> Callable[[], Awaitable[str]]:
    """Make a function that travels with its code: other processes may not have this module."""

    async def probe() -> str:
        import asyncio  # noqa: PLC0415 - it runs elsewhere
        import importlib  # noqa: PLC0415
        import importlib.metadata  # noqa: PLC0415
        import platform  # noqa: PLC0415

        # In a thread: importing Prefect inside an event loop runs its plugins there, which fails.
        try:
            await asyncio.to_thread(importlib.import_module, "tasks.upscale")
        except Exception as error:  # noqa: BLE001 - raised, it would be logged with its traceback
            return f"{type(error).__name__}: {error}"
        try:
            version = importlib.metadata.version("srcnn-batch")
        except importlib.metadata.PackageNotFoundError:  # a checkout that was not installed
            version = "without a version"
        return f"srcnn-batch {version}, Python {platform.python_version()}"

    return probe
