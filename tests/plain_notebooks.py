"""The notebooks of the steps without their figures: those are a quarter of a short run, and have tests of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest

from vidlib.settings import REPOSITORY, settings


def write(folder: Path) -> Path:
    """Write each step notebook to ``folder``, up to the cell that runs its step; returns the folder.

    The report keeps the cells that are its page, but for the drawn timeline.
    """
    folder.mkdir(parents=True)
    for file in sorted((REPOSITORY / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(file, as_version=4)
        sources = [cell.source for cell in notebook.cells]
        run = next(index for index, source in enumerate(sources) if source.startswith("outputs = "))
        page = [cell for cell in notebook.cells if cell.source.startswith("part(") and "timeline" not in cell.source]
        notebook.cells = notebook.cells[: run + 1] + page
        nbformat.write(notebook, folder / file.name)
    return folder


@contextmanager
def used(folder: Path) -> Iterator[None]:
    """Let runs of this process, and of those that it starts, take the notebooks that `write` left in ``folder``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDLIB_NOTEBOOKS_DIR", str(folder))
        settings.cache_clear()
        yield
    settings.cache_clear()
