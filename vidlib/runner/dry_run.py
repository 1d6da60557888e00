"""The dry run: which steps a run would execute, why, and how long they would take, without executing any."""

import socket
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vidlib.corrections import store
from vidlib.results.naming import subject_folder
from vidlib.runner import delivery_files, projects
from vidlib.runner.projects import ProjectVideo
from vidlib.runner.publishing import Publication
from vidlib.runner.request import Request
from vidlib.runner.scheduling.durations import Durations, expected_s
from vidlib.runner.scheduling.plan import VideoStep, plan_video
from vidlib.runner.sources import Link, Source
from vidlib.runner.store.models import Task
from vidlib.runner.store.runs import History
from vidlib.settings import Settings
from vidlib.steps import STEPS


@dataclass(frozen=True)
class ForecastRow:
    """One step of one video, or the publication of its results.

    ``does`` is done, run, keep (other results are not replaced) or unknown; ``seconds`` is None without an earlier
    duration.
    """

    video: str
    step: str
    does: str
    reason: str
    seconds: float | None = None


@dataclass(frozen=True)
class Plan:
    """What a run would do: ``seconds`` is the sum of the known durations on this machine, or None without any."""

    rows: tuple[ForecastRow, ...]
    seconds: float | None

    def as_json(self) -> dict[str, Any]:
        return {"rows": [asdict(row) for row in self.rows], "seconds": self.seconds}


def plan(request: Request, settings: Settings) -> Plan:
    """Every step that `pipeline.run` would execute or find done. Raises UsageError for a path that does not exist."""
    sources = [projects.check_path(path, settings) for path in request.paths]
    with History(settings.database) as history:
        durations = history.mean_durations(STEPS, socket.gethostname())
    rows = tuple(row for source in sources for row in _source_rows(request, settings, source, durations))
    known = [row.seconds for row in rows if row.seconds is not None]
    return Plan(rows, round(sum(known), 1) if known else None)


def _source_rows(request: Request, settings: Settings, source: Source, durations: Durations) -> Iterator[ForecastRow]:
    if isinstance(source, Link):
        yield ForecastRow(source.name, "download", "run", "its videos are known once it is downloaded")
        return
    if projects.is_archive(source):
        home = subject_folder(settings.work, projects.content_sha256(source, settings.workspace))
        (extract,) = plan_video(source, home, ["extract"], request.params.for_project(source.name))
        if extract.folder is None:
            yield ForecastRow(source.name, "extract", "run", extract.reason, _seconds("extract", None, durations))
            yield ForecastRow(source.name, "…", "unknown", "its videos are known once it is unpacked")
            return
        yield ForecastRow(source.name, "extract", "done", str(extract.folder))
        root, name = extract.folder / "files", projects.project_name(source, settings)
    elif project := projects.reopen_project(source, settings):
        root, name = project.docs, project.name
    else:
        root, name = source, projects.project_name(source, settings)
    if source.is_file() and root == source:
        delivery_files.check_video(source)
    files = [source] if source.is_file() and root == source else delivery_files.find_videos(root, settings.workspace)
    for video in projects.project_videos(files, root if root.is_dir() else root.parent, settings):
        yield from _video_rows(request, settings, video, name, durations)


def _video_rows(
    request: Request, settings: Settings, video: ProjectVideo, project: str, durations: Durations
) -> Iterator[ForecastRow]:
    """The steps of one video, in order. A step without its inputs will run after the steps that make them."""
    home, duration_s = subject_folder(settings.work, video.sha256), projects.duration_s(video.path)
    again = [name for name in request.video_steps() if request.force and request.wants(name)]
    decided = store.read_active(settings.corrections, video.sha256)
    steps = plan_video(video.path, home, request.video_steps(), request.params.for_project(project), again, decided)
    for step in steps:
        if step.done:
            yield ForecastRow(video.name, step.name, "done", str(step.folder), 0.0)
        else:
            reason = f"after {', '.join(step.waits_for)}" if step.waits_for else step.reason
            yield ForecastRow(video.name, step.name, "run", reason, _seconds(step.name, duration_s, durations))
    yield _publication_row(request, settings, video, project, steps)
    yield ForecastRow(video.name, "report", "run", "unless nothing has changed", _seconds("report", None, durations))


def _publication_row(
    request: Request, settings: Settings, video: ProjectVideo, project: str, steps: Sequence[VideoStep]
) -> ForecastRow:
    """What happens to the results beside the video."""
    task = Task(project=project, sha256=video.sha256, source=str(video.path), stem=str(video.stem), label=video.name)
    done = {step.name: step.folder for step in steps if step.folder}
    to_come = [step.name for step in steps if not step.done]
    does, reason = Publication.from_run(settings, request, task, done).forecast(to_come)
    return ForecastRow(video.name, "publish", does, reason)


def _seconds(step: str, duration_s: float | None, durations: Durations) -> float | None:
    seconds = expected_s(step, duration_s, durations)
    return None if seconds is None else round(seconds, 1)
