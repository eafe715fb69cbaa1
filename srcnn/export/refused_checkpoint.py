"""Say why PyTorch does not read a file as a checkpoint, and what to do.

PyTorch's own messages advise to read the file without `weights_only`, which would run its code.
"""

from __future__ import annotations

import re

from srcnn.model.stray_files import identify_stray

_STARTS = (b"PK", b"\x80\x02")  # a ZIP archive; a pickle, as PyTorch wrote it before 1.6
_UNSAFE = re.compile(r"Unsupported global: GLOBAL (\S+)")
_DAMAGED = ("failed reading zip archive", "unexpected EOF")
_DETAIL = "WeightsUnpickler error:"
_ADVICE = ". In PyTorch 2.6"


def explain_refusal(content: bytes, error: Exception) -> str:
    """Return the reason, and what to do.

    Args:
        content: of the file.
        error: that `torch.load` raised.
    """
    text = str(error)
    if unsafe := _UNSAFE.search(text):
        return f"it contains {unsafe[1]}, which may run code; save only the state_dict"
    if not content.startswith(_STARTS):
        return identify_stray(content) or "expected a file that torch.save wrote"
    if isinstance(error, EOFError) or any(words in text for words in _DAMAGED):
        return "the file is incomplete or damaged; fetch it again"
    return f"{_shorten(text) or type(error).__name__}; save only the state_dict"


def _shorten(text: str) -> str:
    """Return the first line of PyTorch's message, or of the detail in it, without the advice."""
    detail = (text.partition(_DETAIL)[2] or text).strip()
    return detail.partition("\n")[0].partition(_ADVICE)[0]
