"""Executed notebooks as people find them: they name their files, and say how to run them again safely."""

from pathlib import Path

from vidlib.files import write_text
from vidlib.results.report_html import NOTEBOOK_ONLY

PAPERMILL_ERROR_CELLS = frozenset({"papermill-error-cell-tag"})
"""Tag of the cells with which Papermill points at an error; the note says it in a sentence."""

NOTE = """{state}

To run this notebook again:

1. Open `{notebook}` in JupyterLab. Do this on the machine that has the workspace.
2. Change the values in the cell *Parameters* if you like, and choose *Run All Cells*.
3. The new results go to the scratch folder `{scratch}`. {safe}
4. To keep your changes, save the notebook under another name{protected}.

To change what editors read, run the video again with other parameters: `vidlib run VIDEO --set {step}.NAME=VALUE`.
"""

FINISHED = "**This step is finished.**"
FAILED = "**This step failed:** `{reason}`"
"""The reason is code, because it may hold names from outside, which must not become Markdown."""


def finish_notebook(notebook: Path, tmp: Path, final: Path, scratch: Path, failure: str = "") -> None:
    """Let an executed notebook name the files in ``final`` instead of ``tmp``, and write elsewhere if run again.

    Its first cell says how to run it again: results then go to a folder in ``scratch``. ``failure`` is the reason of
    a failed attempt.
    """
    from vidlib.jupyter_import import nbformat

    read = nbformat.read(notebook, as_version=4)
    step = final.name.partition("-")[0]
    folder = scratch / final.parent.name / step
    if "papermill" in read.metadata:
        read.metadata.papermill.get("parameters", {})["out_dir"] = str(folder)
    cells = [cell for cell in read.cells if not PAPERMILL_ERROR_CELLS & set(cell.metadata.get("tags", ()))]
    for cell in cells:
        if "injected-parameters" in cell.metadata.get("tags", ()):
            lines = (line for line in cell.source.splitlines() if not line.startswith("out_dir = "))
            cell.source = "\n".join(
                [*lines, f"out_dir = {str(folder)!r}  # a scratch folder; results stay as they are"]
            )
    note = NOTE.format(
        state=FAILED.format(reason=failure.replace("`", "'")) if failure else FINISHED,
        notebook=final / notebook.name,
        scratch=folder,
        safe="" if failure else f"The finished result in `{final}` is read-only and stays as it is.",
        protected="" if failure else ", because this file is read-only too",
        step=step,
    )
    tags = {"tags": [NOTEBOOK_ONLY]}
    read.cells = [nbformat.v4.new_markdown_cell(note, id="run-again", metadata=tags), *cells]
    write_text(notebook, nbformat.writes(read).replace(str(tmp), str(final)))
