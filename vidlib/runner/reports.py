"""The last step of each video: gathers what happened to it, and leaves the report where people look for it."""

from pathlib import Path
from typing import Any

from vidlib.files import link_or_copy, write_json
from vidlib.ingest.names import safe_name
from vidlib.results.report_html import to_html
from vidlib.runner.history import Task
from vidlib.runner.outcome import StepResult, VideoResult
from vidlib.runner.projects import Project, ProjectVideo
from vidlib.runner.tasks import ActiveRun, perform
from vidlib.steps import STEPS
from vidlib.steps.base import Manifest

REMEDIES = {
    "refused": "Ask for the file again, or open it in a player: it is not what it should be.",
    "failed": "Open the step's notebook: its last cell shows what went wrong. Then run again: finished steps are kept.",
    "skipped": "Nothing to do here: it runs once the step that it waits for succeeds.",
}


def write_report(
    run: ActiveRun, project: Project, video: ProjectVideo, result: VideoResult, task: Task
) -> dict[str, Path]:
    """Write the report of one video, whatever became of it: ``{"report": path of the HTML}``, or nothing if that fails.

    The executed notebook and its HTML lie in RUNS/<run id>/<video>/; a report that says the same already is used again.
    """
    folder = run.folder / safe_name(str(video.stem).replace("/", " - "))
    if folder.exists():  # two names that are one once they are safe
        folder = folder.with_name(f"{folder.name}-{video.sha256[:8]}")
    evidence = write_json(folder / "evidence.json", _evidence(project, video, result))
    if perform(run, task, None, result, evidence=evidence, report_dir=folder) is None:
        return {}
    made = result.steps["report"].folder
    html = made / "report.html"
    if not html.is_file():
        to_html(made / STEPS["report"].notebook, html)
    link_or_copy(made / STEPS["report"].notebook, folder / "report.ipynb")
    run.tell(task, folder=str(folder))
    return {"report": link_or_copy(html, folder / "report.html")}


def _evidence(project: Project, video: ProjectVideo, result: VideoResult) -> dict[str, Any]:
    """What the report is about: the same for two runs that found the same, so that the second need not write it."""
    return {
        "video": video.name,
        "source": str(video.path),
        "sha256": video.sha256,
        "project": project.name,
        "steps": [_step_evidence(name, step) for name, step in result.steps.items()],
    }


def _step_evidence(name: str, step: StepResult) -> dict[str, Any]:
    notebook = step.notebook or (step.folder and step.folder / STEPS[name].notebook)
    return {
        "name": name,
        "status": step.status,
        "folder": step.folder and str(step.folder),
        "notebook": notebook and str(notebook),
        "seconds": Manifest.read(step.folder).seconds if step.status == "done" else None,
        "error": step.error,
        "remedy": REMEDIES.get(step.status),
    }
