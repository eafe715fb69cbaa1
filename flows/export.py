"""The flow `export-srcnn`, and its command: export a checkpoint, check the graph, publish it.

python flows/export.py --checkpoint openmmlab-x4 --dst models
python flows/export.py --check models/srcnn.onnx
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter
from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.context import FlowRunContext

from flows.cli import make_app, run
from flows.execution.task_calls import choose_task_calls
from flows.execution.tracking import hide_tracebacks, run_flow
from flows.options.export import ExportOptions
from flows.options.option_types import Track
from flows.options.settings import load_settings
from srcnn.export.export_spec import ExportSpec
from srcnn.export.find_checkpoint import find_checkpoint
from srcnn.extras import require_extra
from srcnn.graphs.check import check_graph
from srcnn.graphs.findings import raise_findings
from srcnn.model.card import ParityRow
from srcnn.storage.files import read_file
from tasks import export as tasks
from tasks.credentials import use_credentials
from tasks.logs import logger


@flow(name="export-srcnn", validate_parameters=True)
def export_srcnn(options: ExportOptions) -> str:
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
    hide_tracebacks()
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
    return call(tasks.publish, graph, parity, training, options.dst, settings.storage)


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


app = make_app("export.py", "Export a checkpoint to ONNX, check the graph, publish it.")


@app.default
def main(
    *,
    options: Annotated[ExportOptions, Parameter(name="*")] = ExportOptions(),  # noqa: B008 - frozen
    check: Annotated[
        str | None,
        Parameter(
            help="Check this graph (a path or URL) without exporting; exit status 1 if it fails."
        ),
    ] = None,
    track: Track = None,
) -> int:
    """Export a checkpoint to ONNX, check the graph, publish it."""
    if check is not None:
        settings = load_settings()
        use_credentials(settings.aws_block)
        raise_findings(check, check_graph(read_file(check, settings.storage)))
        logger().info("%s: the graph passed every check", check)
    else:
        run_flow(export_srcnn, export_srcnn.fn, track=track)(options)
    return 0


if __name__ == "__main__":
    sys.exit(run(app))
