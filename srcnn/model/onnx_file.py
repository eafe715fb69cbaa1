"""Parse ONNX files, which may be anyone's: what could read files or never end is refused."""

from __future__ import annotations

import onnx

from srcnn.errors import ModelError
from srcnn.model.external_data import find_external_tensors, list_locations
from srcnn.model.graph_limits import check_limits

_CHECKPOINT = (
    "it is a PyTorch checkpoint or another archive; make a checkpoint an ONNX file with "
    "flows/export.py --checkpoint"
)
_OTHERS = {
    b"PK\x03\x04": _CHECKPOINT,
    b"\x80\x02": _CHECKPOINT,  # a pickle, as PyTorch wrote it before 1.6
    b"<!doctype": "it is a web page; give the address of the file itself",
    b"<html": "it is a web page; give the address of the file itself",
    b"version https://git-lfs": "it is a pointer of Git LFS; fetch the file with git lfs pull",
}


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
    start = content[:64].lstrip().lower()
    # Only text ignores case.
    return next((text for mark, text in _OTHERS.items() if start.startswith(mark.lower())), "")


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
