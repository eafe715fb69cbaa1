"""Parse ONNX files, which may be anyone's: what could read files or never end is refused."""

from __future__ import annotations

import onnx

from srcnn.errors import ModelError
from srcnn.model.external_data import find_external_tensors, list_locations
from srcnn.model.graph_limits import check_limits
from srcnn.model.stray_files import identify_stray

_CHECKPOINT = (
    "it is a PyTorch checkpoint or another archive; make a checkpoint an ONNX file with "
    "flows/export.py --checkpoint"
)
# A ZIP archive; a pickle, as PyTorch wrote it before 1.6.
_CHECKPOINT_STARTS = (b"PK\x03\x04", b"\x80\x02")


def parse_onnx(content: bytes) -> onnx.ModelProto:
    """Parse an ONNX file; its weights may be in other files.

    Raises:
        ModelError: it is not an ONNX file.
    """
    try:
        model = onnx.load_from_string(content)
    except Exception as error:  # protobuf's DecodeError, of a package without types
        reason = _identify(content) or error
        raise ModelError(f"not an ONNX file ({len(content)} bytes): {reason}") from error
    if not model.graph.node and not model.graph.output:  # any few bytes may parse
        reason = _identify(content) or "it has no graph"
        raise ModelError(f"not an ONNX file ({len(content)} bytes): {reason}")
    return model


def _identify(content: bytes) -> str:
    """Say what a file is that is often given in place of a model; empty if unknown."""
    return _CHECKPOINT if content.startswith(_CHECKPOINT_STARTS) else identify_stray(content)


def parse_complete(content: bytes) -> onnx.ModelProto:
    """Parse an ONNX file that holds all of its weights, and that is safe to run.

    Raises:
        ModelError: it is not an ONNX file, is incomplete, or may run without end.
    """
    model = parse_onnx(content)
    outside = list_locations(find_external_tensors(model))
    if outside:
        raise ModelError(
            f"expected a single file, but some weights are in {', '.join(outside)}: "
            "export without external data"
        )
    check_limits(model)
    return model
