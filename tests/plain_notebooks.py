"""The notebooks of the steps without their figures: those are a quarter of a short run, and have tests of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest

from vidlib.settings import REPOSITORY, settings


def write(folder: Path) -> Path:
    """Write each step notebook to ``folder``, up to the cell that runs its step; returns the folder."""
    folder.mkdir(parents=True)
    for file in sorted((REPOSITORY / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(file, as_version=4)
        runs = [index for index, cell in enumerate(notebook.cells) if cell.source.startswith("outputs = ")]
        notebook.cells = notebook.cells[: runs[0] + 1]
        nbformat.write(notebook, folder / file.name)
    return folder


@contextmanager
def used(folder: Path) -> Iterator[None]:
    """Let runs of this process, and of those that it starts, take the notebooks that `write` leaves in ``folder``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDLIB_NOTEBOOKS_DIR", str(write(folder)))
        settings.cache_clear()
        yield
    settings.cache_clear()
