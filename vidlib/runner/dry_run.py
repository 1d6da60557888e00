"""What a run would do, why, and how long that takes on this machine, without doing any of it."""

import socket
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vidlib.results.naming import subject_folder
from vidlib.runner import projects
from vidlib.runner.projects import ProjectVideo
from vidlib.runner.request import Request
from vidlib.runner.scheduling.plan import plan_step
from vidlib.runner.sources import Link
from vidlib.runner.store.runs import History
from vidlib.settings import Settings
from vidlib.steps import STEPS
from vidlib.steps.base import StepOutputs

Paces = Mapping[str, tuple[float | None, float]]
"""See `History.paces`."""


@dataclass(frozen=True)
class Foreseen:
    """One step of one video: ``does`` is done, run, or unknown; why; seconds it takes, None where nobody knows yet."""

    video: str
    step: str
    does: str
    reason: str
    seconds: float | None = None


def forecast(request: Request, settings: Settings) -> dict[str, Any]:
    """Every step that `pipeline.run` would do or find done, as ``{"rows": [...], "seconds": ...}``.

    ``seconds`` add up what is known of how long steps took on this machine, one after the other; None where nothing is.
    Raises UsageError for a path that does not exist.
    """
    paths = [projects.check_path(path, settings) for path in request.paths]
    with History(settings.database) as history:
        paces = history.mean_durations(STEPS, socket.gethostname())
    rows = [row for path in paths for row in _of_path(request, settings, path, paces)]
    known = [row.seconds for row in rows if row.seconds is not None]
    return {"rows": [asdict(row) for row in rows], "seconds": round(sum(known), 1) if known else None}


def _of_path(request: Request, settings: Settings, path: Path, paces: Paces) -> Iterator[Foreseen]:
    if isinstance(path, Link):
        yield Foreseen(path.name, "download", "run", "what is behind the link is known once it is here")
        return
    if projects.is_archive(path):
        home = subject_folder(settings.work, projects.content_sha256(path))
        params = request.params.of(path.name)["extract"]
        planned = plan_step(STEPS["extract"], path, {}, params, home)
        if not planned.done:
            yield Foreseen(path.name, "extract", "run", planned.reason, _seconds("extract", None, paces))
            yield Foreseen(path.name, "…", "unknown", "its videos are known once it is unpacked")
            return
        yield Foreseen(path.name, "extract", "done", str(planned.folder))
        root = planned.folder / "files"
        name = projects.project_name(path, settings)
    else:
        project = projects.reopen_project(path)
        root, name = (project.docs, project.name) if project else (path, projects.project_name(path, settings))
    found = [path] if path.is_file() and root == path else projects.find_videos(root)
    for video in projects.project_videos(found, root if root.is_dir() else root.parent, settings):
        yield from _of_video(request, settings, video, name, paces)


def _of_video(
    request: Request, settings: Settings, video: ProjectVideo, project: str, paces: Paces
) -> Iterator[Foreseen]:
    """The steps of one video in order; what reads what is not there yet is sure to run."""
    params, home = request.params.of(project), subject_folder(settings.work, video.sha256)
    duration_s, left = projects.duration_s(video.path), dict[str, StepOutputs]()
    for name in request.video_steps():
        seconds = _seconds(name, duration_s, paces)
        if waits := sorted(STEPS[name].needs - left.keys()):
            yield Foreseen(video.name, name, "run", f"after {', '.join(waits)}", seconds)
            continue
        planned = plan_step(STEPS[name], video.path, left, params[name], home)
        if planned.done and not (request.force and request.wants(name)):
            left[name] = planned.outputs
            yield Foreseen(video.name, name, "done", str(planned.folder), 0.0)
        else:
            yield Foreseen(video.name, name, "run", planned.reason or "asked for again", seconds)
    yield Foreseen(video.name, "report", "run", "unless nothing has changed", _seconds("report", None, paces))


def _seconds(step: str, duration_s: float | None, paces: Paces) -> float | None:
    """How long a step takes, from how long it took for other videos."""
    if step not in paces:
        return None
    of_video, mean = paces[step]
    return round(of_video * duration_s if of_video and duration_s else mean, 1)
