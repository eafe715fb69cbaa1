"""The enlargers whose quality is compared: bicubic, OpenMMLab's checkpoint, bundled weights."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from srcnn import Upscaler
from srcnn.inference.config import InferenceConfig
from srcnn.model.model_file import Model, load_model
from srcnn.quality.compare import Enlarge, bicubic

BICUBIC, OFFICIAL, OURS = "bicubic", "official", "ours"
REFERENCE = Path(__file__).parent.parent.parent / "shared" / "data"


def add_reference(parser: argparse.ArgumentParser) -> None:
    """Add the option that `find_reference` reads."""
    text = f"folder of the reference data; default: {REFERENCE}, and none with --quick"
    parser.add_argument("--reference", type=Path, help=text)


def find_reference(options: argparse.Namespace) -> Path | None:
    """Return the folder of the reference data; None for a quick run without one."""
    return options.reference or (None if options.quick else REFERENCE)


def load_models(reference: Path | None) -> dict[str, Model]:
    """Load the graphs, by name; without the official one if its checkpoint is not found."""
    official = export_official(reference / "checkpoints") if reference else None
    return ({OFFICIAL: official} if official else {}) | {OURS: load_model()}


def make_enlargers(graphs: dict[str, Model], threads: int) -> dict[str, Enlarge]:
    """Return functions that enlarge a picture, by name; bicubic first."""
    networks = {
        name: Upscaler.from_model(graph, InferenceConfig(threads=threads)).to_size
        for name, graph in graphs.items()
    }
    return {BICUBIC: bicubic, **networks}


def export_official(mirror: Path) -> Model | None:
    """Export OpenMMLab's checkpoint for x4; None if the folder does not hold it."""
    from srcnn.export.export_graph import make_graph  # noqa: PLC0415 - as above
    from srcnn.export.export_spec import ExportSpec  # noqa: PLC0415 - as above
    from srcnn.export.find_checkpoint import find_checkpoint  # noqa: PLC0415 - slow to load: torch

    source = find_checkpoint("openmmlab-x4", mirror=str(mirror))
    file = Path(source.urls[0])
    if not file.is_file():
        return None
    graph = make_graph(file.read_bytes(), source, ExportSpec.of("torchscript", None, None))
    return Model(source.name, graph, hashlib.sha256(graph).hexdigest())
