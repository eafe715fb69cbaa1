"""The artifacts of a run on its page in Prefect: progress, a summary, a contact sheet.

None of them may fail a run. Outside of a flow run there is no page, and nothing is done.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.context import FlowRunContext

from srcnn.reporting.batch_progress import ProgressSnapshot
from tasks.logs import AnyLogger, logger

PROGRESS_KEY = "srcnn-progress"
HISTORY_KEY = "srcnn-history"
SUMMARY_KEY = "srcnn-summary"
SHEET_KEY = "srcnn-contact-sheet"
_UPDATE_SECONDS = 5.0
_LAST_UPDATE_SECONDS = 15.0


def publish_summary(description: str, page: str) -> None:
    """Show a summary.

    Args:
        description: the numbers of the run, in a line.
        page: Markdown.
    """
    publish(SUMMARY_KEY, "markdown", Content(page, description))


def publish_sheet(jpeg: bytes) -> None:
    """Show a contact sheet.

    Args:
        jpeg: its file. It travels in a `data:` URI, within Markdown: the page of an image
            artifact would print the whole URI below the picture.
    """
    uri = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
    description = "Crops at full resolution: bicubic on the left, upscaled on the right."
    publish(SHEET_KEY, "markdown", Content(f"![Images before and after]({uri})", description))


@dataclass(frozen=True)
class Content:
    """The content of an artifact.

    Attributes:
        data: percent, or Markdown.
        description: in a line.
    """

    data: str | float
    description: str


def progress_artifact(snapshot: Callable[[], ProgressSnapshot]) -> AbstractContextManager[None]:
    """Show progress while the body runs.

    Args:
        snapshot: returns the progress, now.
    """

    def now() -> Content:
        progress = snapshot()
        return Content(progress.percent, progress.text)

    return live_artifact(PROGRESS_KEY, "progress", now)


def embed_svg(svg: str, words: str) -> str:
    """Embed a picture in Markdown, for an artifact.

    Args:
        svg: its file.
        words: alternative text.
    """
    return f"![{words}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"


@contextmanager
def live_artifact(key: str, kind: str, now: Callable[[], Content]) -> Iterator[None]:
    """Show changing content while the body runs, from a thread: a slow server stops no work.

    Args:
        key: of the artifact, which is updated in place.
        kind: of the artifact.
        now: returns the content; called every few seconds, and once more at the end.
    """
    first = now()
    artifact_id = publish(key, kind, first)
    if artifact_id is None:
        yield
        return
    over = threading.Event()
    # Prefect keeps its settings in a context variable: the thread takes ours along.
    arguments = (_keep_updated, artifact_id, key, now, first, over, logger())
    thread = threading.Thread(target=copy_context().run, args=arguments, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_LAST_UPDATE_SECONDS)


def _keep_updated(  # noqa: PLR0913, PLR0917 - what the thread takes along
    artifact_id: UUID,
    key: str,
    now: Callable[[], Content],
    shown: Content,
    over: threading.Event,
    log: AnyLogger,
) -> None:
    """Update an artifact where it has changed."""
    warned = False
    with get_client(sync_client=True) as client:
        last = False
        while not last:
            last = over.wait(_UPDATE_SECONDS)
            content = now()
            if content == shown:
                continue
            try:
                client.update_artifact(
                    artifact_id, ArtifactUpdate(data=content.data, description=content.description)
                )
                shown = content
            # A server has many ways to fail; none of them concerns the work.
            except Exception as error:  # noqa: BLE001 - logged
                if not warned:
                    log.warning("%s cannot be shown in Prefect: %s", key, error)
                warned = True


def publish(key: str, kind: str, content: Content) -> UUID | None:
    """Create an artifact of this flow run; None outside of one, or if the server refuses it."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return None
    request = ArtifactCreate(
        key=key,
        type=kind,
        data=content.data,
        description=content.description,
        flow_run_id=context.flow_run.id,
    )
    try:
        # Prefect's create_*_artifact functions leave their connections open.
        with get_client(sync_client=True) as client:
            return client.create_artifact(request).id
    # As above.
    except Exception as error:  # noqa: BLE001 - logged
        logger().warning("%s cannot be shown in Prefect: %s", key, error)
        return None
