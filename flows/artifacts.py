"""What a run leaves on its page in Prefect: progress, a summary, a contact sheet.

None of it may fail a run: the images are what it is for. Outside of a flow run there is no page,
and nothing is done.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.context import FlowRunContext

from srcnn.progress import Snapshot
from tasks.logs import AnyLogger, logger

PROGRESS_KEY = "srcnn-progress"
SUMMARY_KEY = "srcnn-summary"
SHEET_KEY = "srcnn-contact-sheet"
_UPDATE_SECONDS = 5.0
_LAST_UPDATE_SECONDS = 15.0


def publish_summary(description: str, page: str) -> None:
    """Show a summary.

    Args:
        description: what the run came to, in a line.
        page: Markdown.
    """
    _publish(SUMMARY_KEY, "markdown", page, description)


def publish_sheet(jpeg: bytes) -> None:
    """Show a contact sheet.

    Args:
        jpeg: its file. It travels in a `data:` URI, within Markdown: the page of an image
            artifact would print the whole URI below the picture.
    """
    uri = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
    about = "Crops, pixel for pixel: left bicubic, right upscaled."
    _publish(SHEET_KEY, "markdown", f"![Images before and after]({uri})", about)


@contextmanager
def progress_artifact(snapshot: Callable[[], Snapshot]) -> Iterator[None]:
    """Show progress while the body runs, from a thread of its own: a slow server stops no work.

    Args:
        snapshot: how far the run is, now.
    """
    artifact_id = _publish(PROGRESS_KEY, "progress", 0.0, snapshot().text)
    if artifact_id is None:
        yield
        return
    over = threading.Event()
    # Prefect keeps its settings in a context variable: the thread takes ours along.
    arguments = (_keep_updated, artifact_id, snapshot, over, logger())
    thread = threading.Thread(target=copy_context().run, args=arguments, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_LAST_UPDATE_SECONDS)


def _keep_updated(
    artifact_id: UUID, snapshot: Callable[[], Snapshot], over: threading.Event, log: AnyLogger
) -> None:
    """Update an artifact every few seconds, and once more at the end."""
    warned = False
    with get_client(sync_client=True) as client:
        last = False
        while not last:
            last = over.wait(_UPDATE_SECONDS)
            now = snapshot()
            update = ArtifactUpdate(data=now.percent, description=now.text)
            try:
                client.update_artifact(artifact_id, update)
            # A server has many ways to fail; none of them concerns the images.
            except Exception as error:  # noqa: BLE001 - told
                if not warned:
                    log.warning("the run's progress cannot be shown in Prefect: %s", error)
                warned = True


def _publish(key: str, kind: str, data: str | float, description: str) -> UUID | None:
    """Create an artifact of this flow run; None where there is none, or no server takes it."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return None
    request = ArtifactCreate(
        key=key, type=kind, data=data, description=description, flow_run_id=context.flow_run.id
    )
    try:
        # Prefect's create_*_artifact functions leave their connections open.
        with get_client(sync_client=True) as client:
            return client.create_artifact(request).id
    # As above.
    except Exception as error:  # noqa: BLE001 - told
        logger().warning("%s cannot be shown in Prefect: %s", key, error)
        return None
