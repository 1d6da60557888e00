"""Programs for VIDLIB_NOTIFY_COMMAND."""

import sys
from pathlib import Path


def program(path: Path, source: str) -> str:
    """A command line that runs a Python program."""
    path.write_text(source)
    return f"'{sys.executable}' '{path}'"
