"""The last step of each video: gathers what happened to it, and leaves the report where people look for it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vidlib.files import link_or_copy, write_json
from vidlib.ingest.names import safe_name
from vidlib.results.report_html import write_page
from vidlib.runner.store.models import Task
from vidlib.steps import STEPS
from vidlib.steps.base import Manifest

REMEDIES = {
    "refused": "Ask for the file again, or open it in a player: it is not what it should be.",
    "failed": "Open the step's notebook: its last cell shows what went wrong. Then run again: finished steps are kept.",
    "skipped": "Nothing to do here: it runs once the step that it waits for succeeds.",
    "cancelled": "Somebody stopped it. Run again: finished steps are kept.",
}


def folder_of(runs: Path, report: Task, tasks: Sequence[Task]) -> Path:
    """RUNS/<run id>/<video>: where the report of one video lies; no two of the ``tasks`` of a run share one."""
    name = _plain(report)
    taken = any(other.step == "report" and other.id < report.id and _plain(other) == name for other in tasks)
    return runs / report.run_id / (f"{name}-{report.id}" if taken else name)


def _plain(report: Task) -> str:
    return safe_name(report.stem.replace("/", " - "))


def write_evidence(folder: Path, report: Task, delivery: Sequence[Task]) -> Path:
    """What the report is about: the same for two runs that found the same, so that the second need not write it."""
    about = [
        task for task in delivery if task.source == report.source or task.step in ("download", "extract", "finalize")
    ]
    order = list(STEPS)
    steps = sorted((task for task in about if task.step != "report"), key=lambda task: order.index(task.step))
    evidence = {
        "video": report.subject,
        "source": report.source,
        "sha256": report.sha256,
        "project": report.project,
        "steps": [_step_evidence(task) for task in steps],
    }
    return write_json(folder / "evidence.json", evidence)


def _step_evidence(task: Task) -> dict[str, Any]:
    notebook = task.folder and Path(task.folder) / STEPS[task.step].notebook
    return {
        "name": task.step,
        "status": task.status,
        "folder": task.folder,
        "notebook": str(notebook) if notebook and notebook.is_file() else None,
        "seconds": Manifest.read(Path(task.folder)).seconds if task.status == "done" else None,
        "error": task.error,
        "remedy": REMEDIES.get(task.status),
    }


def show(made: Path, folder: Path) -> None:
    """Give a finished report its place in the folder of the run, as a notebook and as a page."""
    notebook = made / STEPS["report"].notebook
    html = made / "report.html"
    if not html.is_file():
        write_page(notebook, html)
    link_or_copy(notebook, folder / "report.ipynb")
    link_or_copy(html, folder / "report.html")
