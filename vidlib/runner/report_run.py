"""The report of each video: collects the evidence for it, and puts the finished report where people look for it."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from vidlib.corrections.actions import Correction
from vidlib.corrections.review import checked_items
from vidlib.files import link_or_copy, write_json
from vidlib.ingest.names import safe_name
from vidlib.results import archive_entry, archived_report, delivery
from vidlib.results.naming import DELIVERED, DELIVERED_REPORT
from vidlib.results.report_html import REMEDIES, delivered_page, write_page
from vidlib.runner import delivery_files
from vidlib.runner.sources import parse_source, subject_of
from vidlib.runner.store.models import Task
from vidlib.setting_types import Language
from vidlib.steps import STEPS
from vidlib.steps.base import Manifest
from vidlib.steps.finalize import archived_folder
from vidlib.steps.report import NOTEBOOK, PAGE


class ReportTask(Protocol):
    """As much of a task as its place needs."""

    @property
    def id(self) -> int: ...
    @property
    def run_id(self) -> str: ...
    @property
    def stem(self) -> str: ...
    @property
    def step(self) -> str: ...


def folder_of(runs: Path, report: Task, tasks: Sequence[Task]) -> Path:
    """The folder of a video's report, RUNS/<run id>/<video>; each report among the ``tasks`` of a run has its own."""
    return folders(runs, [report, *(task for task in tasks if task.id < report.id)])[report.id]


def folders(runs: Path, tasks: Iterable[ReportTask]) -> dict[int, Path]:
    """The folder of each report among ``tasks``, by the id of its task. It needs all earlier reports of a run."""
    found: dict[int, Path] = {}
    taken: set[tuple[str, str]] = set()
    for task in sorted((task for task in tasks if task.step == "report"), key=lambda task: task.id):
        name = _plain(task)
        found[task.id] = runs / task.run_id / (f"{name}-{task.id}" if (task.run_id, name) in taken else name)
        taken.add((task.run_id, name))
    return found


def _plain(report: ReportTask) -> str:
    return safe_name(report.stem.replace("/", " - "))


def write_evidence(
    folder: Path,
    report: Task,
    delivery: Sequence[Task],
    variant: str | None = None,
    corrections: Iterable[Correction] = (),
    language: Language = "en",
) -> Path:
    """Write the input of the report. Two runs with the same results write the same bytes, so one report serves both.

    What people have checked, by ``corrections`` that count, is no longer listed as to check.
    """
    about = [
        task for task in delivery if task.source == report.source or task.step in ("download", "extract", "finalize")
    ]
    order = list(STEPS)
    steps = sorted((task for task in about if task.step != "report"), key=lambda task: order.index(task.step))
    evidence = {
        "video": f"{report.label} (variant {variant})" if variant else report.label,
        "source": report.source,
        "sha256": report.sha256,
        "project": report.project,
        "language": language,
        "steps": [_step_evidence(task) for task in steps],
    }
    if checked := checked_items(corrections):
        evidence["checked"] = [item.model_dump(mode="json") for item in checked]
    if files := delivery_files.recorded(folder.parent).get(subject_of(parse_source(report.origin))):
        evidence["left_out"] = delivery_files.first_names(files, delivery_files.MOST_NAMED)
    return write_json(folder / "evidence.json", evidence)


def _step_evidence(task: Task) -> dict[str, Any]:
    folder = Path(task.folder) if task.folder else None
    notebook = folder / STEPS[task.step].notebook if folder else None
    return {
        "name": task.step,
        "status": task.status,
        "folder": task.folder,
        "notebook": str(notebook) if notebook and notebook.is_file() else None,
        "seconds": Manifest.read(folder).seconds if folder and task.status == "done" else None,
        "error": task.error,
        "remedy": REMEDIES.get(task.status),
    }


def publish(finished: Path, folder: Path) -> None:
    """Link the notebook and the page of a ``finished`` report into the folder of the run."""
    notebook, page = finished / NOTEBOOK, finished / PAGE
    if not page.is_file():  # the report step of version 0.1.0 left its page to this function
        write_page(notebook, page)
    link_or_copy(notebook, folder / "report.ipynb")
    link_or_copy(page, folder / "report.html")


def deliver(root: Path, report: Task, finalize: Task, page: Path) -> None:
    """Put the report into the delivery and the archive, if *finalize* put the results of its video there."""
    if finalize.status != "done":
        return
    outputs = Manifest.read(finalize.result_folder).outputs
    if str(root / report.project / f"{report.stem}{DELIVERED['people']}") in outputs["delivered"]:
        text = delivered_page(page.read_text(encoding="utf-8"))
        delivery.add(root, report.project, f"{report.stem}{DELIVERED_REPORT}", text)
        if folder := archived_folder(finalize.result_folder / outputs["delivery"], report.stem):
            archived_report.add(folder.parents[1], archive_entry.read(folder), text)
