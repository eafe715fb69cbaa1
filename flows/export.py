"""The flow `export-srcnn`, and its command: export a checkpoint, check the graph, publish it.

python flows/export.py --checkpoint openmmlab-x4 --dst models
python flows/export.py --check models/srcnn.onnx
"""

from __future__ import annotations

if __name__ == "__main__":  # before the imports, which take seconds
    from flows.startup import start

    start()

import srcnn  # noqa: F401 # isort: skip - before Prefect, whose reports it switches off

import sys
from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter
from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.context import FlowRunContext

from flows.cli import run
from flows.command_pages import PAGES
from flows.execution.end_state import complete
from flows.execution.run_names import name_after
from flows.execution.task_calls import choose_task_calls
from flows.execution.tracking import prepare_logs, run_flow
from flows.make_command import MODEL, PREFECT, WHAT, arrange, make_app
from flows.options.base import REQUIRED, refuse_missing
from flows.options.export import ExportOptions
from flows.options.option_types import Track
from flows.options.settings import load_settings
from srcnn.errors import UsageError
from srcnn.export.export_spec import ExportSpec
from srcnn.export.find_checkpoint import find_checkpoint
from srcnn.extras import require_extra
from srcnn.graphs.check import check_file
from srcnn.graphs.findings import raise_findings
from srcnn.model.card import ParityRow
from srcnn.storage.folder import Folder
from tasks import export as tasks
from tasks.credentials import use_credentials
from tasks.logs import logger


@flow(name="export-srcnn", flow_run_name=name_after("checkpoint"), validate_parameters=True)
def export_srcnn(options: ExportOptions = REQUIRED) -> str:
    """Export a checkpoint to ONNX, check the graph, and publish it if the check passes.

    Args:
        options: the checkpoint, how to export it, and where to.

    Returns:
        The URL of the published graph.

    Raises:
        UsageError: an option is wrong, or torch is not installed.
        SourceMissingError: the checkpoint was not found.
        CheckpointError: the checkpoint does not fit the network, its sha256 is not the expected
            one, or its training record is not valid.
        DownloadError: the download failed.
        GraphCheckError: the graph is wrong; the message lists every finding.
    """
    prepare_logs()
    refuse_missing(options)
    settings = load_settings()
    use_credentials(settings.aws_block)
    spec = ExportSpec.of(options.exporter, options.opset, options.scale)
    source = find_checkpoint(
        options.checkpoint,
        sha256=options.sha256,
        convention=options.convention,
        mirror=settings.checkpoint_mirror,
    )
    require_extra("export", "an export")
    Folder(options.dst, settings.storage).refuse_file()
    call = choose_task_calls().call
    checkpoint = call(
        tasks.download,
        source,
        settings.cache_dir,
        settings.download_attempts,
        settings.download_timeout_seconds,
    )
    training = call(tasks.read_training, checkpoint, source)
    graph = call(tasks.export, checkpoint, source, spec)
    parity = call(tasks.check, graph, checkpoint, source, spec)
    _show_parity(parity)
    url = call(tasks.publish, graph, parity, training, options.dst, settings.storage)
    return complete(url, _describe(options.checkpoint, url, parity))


def _describe(checkpoint: str, url: str, parity: Sequence[ParityRow]) -> str:
    worst = max(row.max_abs_error for row in parity)
    return (
        f"{checkpoint} exported to {url}: as PyTorch in {len(parity)} cases, to {worst:.2g} grey "
        "levels"
    )


def _show_parity(parity: Sequence[ParityRow]) -> None:
    """Publish the parity table on the run's page in Prefect."""
    if FlowRunContext.get() is None:
        return
    create_table_artifact(
        key="srcnn-parity",
        description="ONNX Runtime compared with PyTorch, in grey levels (0 to 255).",
        table=[
            {
                "height x width (px)": f"{row.size[0]} x {row.size[1]}",
                "factor": row.factor,
                "largest difference": row.max_abs_error,
                "mean difference": row.mean_abs_error,
            }
            for row in parity
        ],
    )


arrange(
    ExportOptions,
    {
        WHAT: ("checkpoint", "sha256", "convention", "dst"),
        MODEL: ("opset", "exporter", "scale"),
    },
)
app = make_app("python flows/export.py", PAGES["export"])


@app.default
def main(
    *,
    options: Annotated[ExportOptions, Parameter(name="*")] = ExportOptions(),  # noqa: B008 - frozen
    check: Annotated[
        str | None,
        Parameter(
            group=WHAT,
            help="Check this graph (a path or URL) without exporting; exit status 1 if it fails.",
        ),
    ] = None,
    track: Annotated[Track, Parameter(group=PREFECT)] = None,
) -> int:
    """Export a checkpoint to ONNX, check the graph, publish it."""
    if check is not None:
        _refuse_others(options, track=bool(track))
        settings = load_settings()
        use_credentials(settings.aws_block)
        raise_findings(check, check_file(check, settings.storage))
        logger().info("%s: the graph passed every check", check)
    else:
        run_flow(export_srcnn, export_srcnn.fn, track=track)(options)
    return 0


def _refuse_others(options: ExportOptions, *, track: bool) -> None:
    """Refuse options that a check would not heed."""
    names = [*sorted(options.model_fields_set), *(["track"] if track else [])]
    if names:
        given = ", ".join(f"--{name}" for name in names)
        raise UsageError(f"--check exports nothing, and tracks nothing: leave out {given}")


if __name__ == "__main__":
    sys.exit(run(app))
