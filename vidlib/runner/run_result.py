"""The result of a run, read from its tasks: of each step, of each video and of the whole run."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vidlib.errors import BrokenOutput, Cancelled, RefusedInput, StepFailed, VidlibError
from vidlib.results import naming, published_set
from vidlib.runner import delivery_files, projects, report_run
from vidlib.runner.sources import Link, Source, parse_source, subject_of
from vidlib.runner.store.models import Run, Task
from vidlib.settings import Settings
from vidlib.steps import PUBLISHED, STEPS
from vidlib.steps.base import Manifest

OUTPUTS = {
    "shots": "shots_csv",
    "audio": "audio_json",
    "tracking_json": "tracking_json",
    "tracking_parquet": "tracking_parquet",
    "report": "report",
}
"""``{name in the JSON of a run: name of the result}``"""

ONCE = ("download", "extract", "finalize")
"""The steps that run once for a whole delivery."""

REFUSALS = frozenset({RefusedInput.__name__, *(error.__name__ for error in RefusedInput.__subclasses__())})


@dataclass
class StepResult:
    """One step of one video: ``status`` is done, failed, refused, skipped, cancelled or interrupted."""

    status: str
    folder: Path | None = None
    seconds: float = 0.0
    cached: bool = False
    error: str | None = None

    @classmethod
    def from_task(cls, task: Task) -> "StepResult":
        """The result of a task in the history."""
        seconds = task.finished_at - task.started_at if task.finished_at and task.started_at else 0.0
        return cls(task.status, Path(task.folder) if task.folder else None, seconds, task.cached, task.error)

    def as_json(self) -> dict[str, Any]:
        document = {
            "status": self.status,
            "folder": str(self.folder) if self.folder else None,
            "seconds": round(self.seconds, 3),
            "cached": self.cached,
        }
        return document | ({"error": self.error} if self.error else {})


@dataclass
class VideoResult:
    """One video, or a delivery without videos: its steps in order, and the files of its results.

    ``problem`` is an error that belongs to no step.
    """

    path: Source
    sha256: str | None = None
    steps: dict[str, StepResult] = field(default_factory=dict)
    outputs: dict[str, Path] = field(default_factory=dict)
    problem: str | None = None

    @property
    def status(self) -> str:
        """The worst status of its steps."""
        seen = {step.status for step in self.steps.values()} | ({"failed"} if self.problem else set())
        worst = ("cancelled", "interrupted", "refused", "failed", "skipped", "waiting")
        return next((bad for bad in worst if bad in seen), "done")

    @property
    def error(self) -> str | None:
        """The first error."""
        return self.problem or next((step.error for step in self.steps.values() if step.error), None)

    @property
    def subject(self) -> str:
        """The path as text; a link, which is secret, by its handle."""
        return subject_of(self.path)

    def as_json(self) -> dict[str, Any]:
        """The result for programs and notifications; a link appears by its handle, and redacted as ``link``."""
        document = {
            "path": self.subject,
            "sha256": self.sha256,
            "status": self.status,
            "steps": {name: step.as_json() for name, step in self.steps.items()},
            "outputs": {name: str(self.outputs[key]) if key in self.outputs else None for name, key in OUTPUTS.items()},
            "error": self.error,
        }
        return document | ({"link": self.path.redacted} if isinstance(self.path, Link) else {})


@dataclass
class RunResult:
    """A whole run; ``executed`` counts the steps that were not done before.

    ``left_out`` names the files of its deliveries that are not processed: ``{"delivery", "path", "reason"}``.
    ``notices`` tell people which published results the run replaced, or did not replace.
    """

    run: str
    videos: list[VideoResult] = field(default_factory=list)
    projects: list[dict[str, Any]] = field(default_factory=list)
    cancelled: bool = False
    executed: int = 0
    left_out: list[dict[str, str]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        """done, partial (some videos failed), failed (all did), refused (all were), or cancelled (the run or all)."""
        if self.cancelled:
            return "cancelled"
        seen = {video.status for video in self.videos}
        if seen <= {"done"}:
            return "done"
        if "done" in seen:
            return "partial"
        return seen.pop() if seen in ({"refused"}, {"cancelled"}) else "failed"

    @property
    def exit_code(self) -> int:
        codes = {"done": 0, "cancelled": Cancelled.exit_code, "refused": RefusedInput.exit_code}
        return codes.get(self.status, VidlibError.exit_code)

    def as_json(self) -> dict[str, Any]:
        return {
            "run": self.run,
            "status": self.status,
            "videos": [video.as_json() for video in self.videos],
            "projects": self.projects,
            "left_out": self.left_out,
            "notices": self.notices,
        }


def result_of(run: Run, tasks: Sequence[Task], settings: Settings, *, cancelled: bool = False) -> RunResult:
    """The result of a run with these ``tasks``."""
    result = RunResult(run.id, cancelled=cancelled)
    result.executed = sum(task.status in ("done", "failed", "refused") and not task.cached for task in tasks)
    files = delivery_files.recorded(settings.runs / run.id)
    result.left_out = [{"delivery": name, **asdict(file)} for name, found in files.items() for file in found]
    for origin in run.paths:
        of_origin = [task for task in tasks if task.origin == origin]
        result.videos += _videos(parse_source(origin), of_origin, Context(tasks, settings, run.asked.get("variant")))
        result.projects += [_project(task, settings) for task in of_origin if task.step == "finalize"]
    return result


@dataclass(frozen=True)
class Context:
    """What the results of all videos of a run have in common."""

    tasks: Sequence[Task]
    settings: Settings
    variant: str | None


def _videos(origin: Source, delivery: Sequence[Task], context: Context) -> list[VideoResult]:
    """The videos of one delivery, and the delivery itself if it has none or if part of it was lost."""
    whole = {task.step: task for task in delivery if task.step in ONCE}
    sources = list(dict.fromkeys(task.source for task in delivery if task.step not in whole))
    found = []
    lost = _lost(whole.get("extract"))
    if not sources or lost:
        arrival = {step: StepResult.from_task(task) for step, task in whole.items() if step != "finalize"}
        sha256 = whole["extract"].sha256 if "extract" in whole else None
        found.append(VideoResult(origin, sha256, arrival, problem=lost))
    for source in sources:
        own = {task.step: task for task in delivery if task.source == source} | whole
        found.append(_video(Path(source), own, context))
    return found


def _lost(extract: Task | None) -> str | None:
    """What is missing from an unpacked archive, so that nobody takes the delivery for complete."""
    if extract is None or extract.status != "done":
        return None
    outputs = Manifest.read(extract.result_folder).outputs
    return outputs["message"] if outputs["outcome"] == "partial" else None


def _video(source: Path, own: dict[str, Task], context: Context) -> VideoResult:
    video = next(task for task in own.values() if task.step not in ONCE)
    steps = {step: StepResult.from_task(own[step]) for step in STEPS if step in own}
    outputs = _result_files(video, own, context)
    if (report := own.get("report")) and report.status == "done":
        outputs["report"] = report_run.folder_of(context.settings.runs, report, context.tasks) / "report.html"
    return VideoResult(source, video.sha256, steps, outputs)


def _result_files(video: Task, own: dict[str, Task], context: Context) -> dict[str, Path]:
    """The files with results of a video: the published ones if they are of this run, else those in the step folders.

    ``video`` is any of the tasks of ``own`` that are about the video alone.
    """
    folder = projects.results_folder(context.settings, video.project, context.variant)
    record = published_set.read(folder, video.stem)
    files = {}
    for step, result, output in PUBLISHED:
        if result in naming.OPTIONAL or step not in own or own[step].status != "done":
            continue
        made = own[step].result_folder
        if record and record.steps.get(step) == published_set.step_id(made):
            files[result] = folder / f"{video.stem}{naming.PUBLISHED[result]}"
            continue
        with suppress(BrokenOutput):  # somebody removed the folder meanwhile
            if name := Manifest.read(made).outputs.get(output):
                files[result] = made / name
    return files


def _project(finalize: Task, settings: Settings) -> dict[str, Any]:
    delivered = Manifest.read(finalize.result_folder).outputs["delivered"] if finalize.status == "done" else []
    return {"name": finalize.project, "path": str(settings.projects / finalize.project), "delivered": list(delivered)}


def status_of(error: Exception) -> str:
    """The status of a step that ended with ``error``."""
    if isinstance(error, Cancelled):
        return "cancelled"
    if isinstance(error, RefusedInput) or (isinstance(error, StepFailed) and error.error_type in REFUSALS):
        return "refused"
    return "failed"
