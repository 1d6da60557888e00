"""Finding what a test started."""

import os
from contextlib import suppress
from pathlib import Path

import psutil


def processes_of(workspace: Path) -> list[psutil.Process]:
    """Every other process that works for ``workspace``: kernels, runs, and what those started."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get("VIDLIB_WORKSPACE") == str(workspace):
                found.append(process)
    return found
