"""Notebooks of a few lines, and their execution by vidlib's engine."""

import os
from pathlib import Path

import nbformat

from vidlib.jupyter_import import papermill
from vidlib.runner.kernels.launcher import Kernel

CORE = min(os.sched_getaffinity(0))


def write_notebook(path: Path, *cells: str) -> Path:
    """A notebook with a parameter ``n`` and these cells."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in ("n: int = 1", *cells)]
    notebook.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(notebook, path)
    return path


def execute(notebook: Path, kernel: Kernel | None = None, **parameters: int) -> list[str]:
    """The printed output of each cell, after a run with our engine."""
    given = {"kernel": kernel, "cores": [CORE]} if kernel else {}
    done = papermill.execute_notebook(
        str(notebook),
        str(notebook.with_suffix(".out.ipynb")),
        parameters=parameters,
        engine_name="vidlib",
        progress_bar=False,
        **given,
    )
    return ["".join(output.get("text", "") for output in cell.outputs).strip() for cell in done.cells[1:]]
