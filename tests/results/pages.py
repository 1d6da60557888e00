"""Pages of the report, made without a kernel."""

from pathlib import Path
from typing import get_args

import nbformat

from vidlib.results.report_html import Part, part, write_page
from vidlib.steps import report


def report_folder(folder: Path, evidence: Path) -> Path:
    """The folder that the report step fills."""
    report.run(report.Inputs(evidence=evidence, report_dir=folder, out_dir=folder), report.Params())
    return folder


def report_page(folder: Path, evidence: Path) -> Path:
    """The page of a report, as from its executed notebook."""
    summary = report_folder(folder, evidence) / report.SUMMARY_FILE
    notebook = nbformat.v4.new_notebook()
    for name in get_args(Part):
        shown = part(name, summary)
        data, metadata = {"text/html": shown.data}, {"text/html": shown.metadata}
        output = nbformat.v4.new_output("execute_result", data=data, metadata=metadata, execution_count=1)
        notebook.cells.append(nbformat.v4.new_code_cell(outputs=[output]))
    nbformat.write(notebook, folder / "report.ipynb")
    return write_page(folder / "report.ipynb", folder / "report.html")
