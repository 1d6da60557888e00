"""A planned step that runs in a real kernel in a second or two."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from tests.runner import counting
from vidlib.runner.plan import Planned, plan_step
from vidlib.settings import Settings, settings


@pytest.fixture
def counting_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workspace: Settings) -> Path:
    """The counting step's notebook, in a folder of notebooks of its own."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    literals = 'source: str = ""\nout_dir: str = ""\nn: int = 3\nmode: str = "count"'
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in (literals, *counting.CELLS)]
    notebook.cells[0].metadata["tags"] = ["parameters"]
    folder = tmp_path / "notebooks"
    folder.mkdir()
    nbformat.write(notebook, folder / counting.NOTEBOOK)
    monkeypatch.setenv("VIDLIB_NOTEBOOKS_DIR", str(folder))
    settings.cache_clear()
    return folder / counting.NOTEBOOK


@pytest.fixture
def plan(tmp_path: Path, counting_notebook: Path) -> Callable[..., Planned]:
    """``plan(n=..., mode=...)``: the counting step planned for a small file."""
    source = tmp_path / "source.bin"
    source.write_bytes(b"some bytes")

    def planned(**params) -> Planned:
        return plan_step(counting.STEP, source, {}, counting.Params(**params), tmp_path / "home")

    return planned
