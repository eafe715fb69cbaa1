"""What quality is compared: bicubic, OpenMMLab's checkpoint, and the bundled weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

from srcnn import Upscaler
from srcnn.model.model_file import Model, load_model
from srcnn.quality.compare import Enlarge, bicubic

BICUBIC, OFFICIAL, OURS = "bicubic", "official", "ours"
REFERENCE = Path(__file__).parent.parent.parent / "shared" / "data"


def models(reference: Path) -> dict[str, Model]:
    """The graphs, by name; without the official one where its checkpoint is not at hand."""
    official = exported(reference / "checkpoints")
    return ({OFFICIAL: official} if official else {}) | {OURS: load_model()}


def enlargers(graphs: dict[str, Model], threads: int) -> dict[str, Enlarge]:
    """What makes pictures larger, by name; bicubic first."""
    made = {name: Upscaler(graph, threads=threads).to_size for name, graph in graphs.items()}
    return {BICUBIC: bicubic, **made}


def exported(mirror: Path) -> Model | None:
    """The graph of OpenMMLab's checkpoint for x4; None where a folder does not hold it."""
    from srcnn.export.catalogue import find_checkpoint  # noqa: PLC0415 - slow to load: torch
    from srcnn.export.graph_spec import GraphSpec  # noqa: PLC0415 - likewise
    from srcnn.export.pipeline import make_graph  # noqa: PLC0415 - likewise

    source = find_checkpoint("openmmlab-x4", mirror=str(mirror))
    file = Path(source.urls[0])
    if not file.is_file():
        return None
    graph = make_graph(file.read_bytes(), source, GraphSpec.of("torchscript", None, None))
    return Model(source.name, graph, hashlib.sha256(graph).hexdigest())
