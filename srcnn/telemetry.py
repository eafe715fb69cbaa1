"""Switch off the reports that libraries send to their makers.

ONNX Runtime's official builds for Linux and macOS look up a host of their maker from the import on,
and keep an identifier of the device in the home folder. Prefect reports the first uses of its
client. Both read these variables, and child processes inherit them.
https://github.com/microsoft/onnxruntime/blob/main/docs/Privacy.md
https://docs.prefect.io/v3/concepts/telemetry
"""

from __future__ import annotations

import os

SWITCHES = {"ORT_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}


def disable_telemetry() -> None:
    """Set the variables, unless the user has; call it before the libraries are imported."""
    for name, value in SWITCHES.items():
        if not os.environ.get(name):
            os.environ[name] = value
