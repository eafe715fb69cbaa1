"""The process of Prefect's temporary server: uvicorn, which ends with the run that started it.

Run as a program by `flows.execution.temporary_server`, with uvicorn's arguments. Standard input
stays open as long as the run lives, however it ends: a killed run leaves no server behind.
"""

from __future__ import annotations

import os
import sys
import threading


def _exit_with_parent() -> None:
    os.read(0, 1)  # nothing is ever sent: returns when the other end is closed
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    import uvicorn

    uvicorn.main(sys.argv[1:])
