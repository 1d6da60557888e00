"""The notebook that shows how good results are."""

from pathlib import Path

import nbformat
import pytest

from tests import evaluated
from vidlib.jupyter_import import papermill
from vidlib.settings import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forked_notebooks")]

NOTEBOOK = REPOSITORY / "notebooks" / "explore" / "05_evaluate.ipynb"


def test_the_notebook_runs_on_published_results(tmp_path: Path):
    given = {
        "results": str(evaluated.publish(tmp_path / "docs")),
        "truth": str(evaluated.write_truth(tmp_path / "film.truth.json")),
        "workspace": str(tmp_path / "workspace"),
    }
    papermill.execute_notebook(NOTEBOOK, tmp_path / "out.ipynb", given, progress_bar=False)
    shown = {
        cell.id: cell.outputs for cell in nbformat.read(tmp_path / "out.ipynb", as_version=4).cells if "outputs" in cell
    }
    assert "error rate" in shown["table"][0].data["text/html"]
    assert all("image/png" in shown[name][0].data for name in ("shares", "shots"))
