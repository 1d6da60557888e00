"""Files of users that have the names of modules."""

from pathlib import Path

NAMES = ("random", "cmd", "numpy", "queue", "statistics", "typer", "IPython")


def write_shadows(folder: Path) -> None:
    """Write a file for each of `NAMES`. It raises an error when it is imported."""
    for name in NAMES:
        (folder / f"{name}.py").write_text(f"raise RuntimeError('{name}.py of the working folder was imported')\n")
