"""A run: takes paths, makes projects of them, and does every step that is not done yet, for every video."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from vidlib.errors import Cancelled, RefusedInput, UnknownName, VidlibError
from vidlib.files import link_or_copy
from vidlib.results.naming import PUBLISHED
from vidlib.runner import projects, reports
from vidlib.runner.history import History, Task
from vidlib.runner.outcome import RunResult, VideoResult
from vidlib.runner.projects import Project, ProjectVideo
from vidlib.runner.repeating import repeating
from vidlib.runner.tasks import ActiveRun, Request, add_tasks, perform, skip
from vidlib.settings import Settings
from vidlib.steps import STEPS
from vidlib.steps.finalize import FinishedVideo

CANCEL_POLL_S = 0.5

RESULTS = {
    "shots_csv": ("scenes", "csv"),
    "audio_json": ("reduce", "audio_json"),
    "tracking_json": ("reduce", "tracking_json"),
    "tracking_parquet": ("tracking", "tracks"),
    "rttm": ("audio", "turns"),
}
"""``{published result: (step, output)}``: who leaves what editors get."""


def run(
    request: Request,
    settings: Settings,
    *,
    listen: Callable[[Task], None] = lambda task: None,
    stop: threading.Event | None = None,
) -> RunResult:
    """Do what ``request`` asks for and leave a report for every video; a video that fails does not stop the others.

    ``listen`` is given each task whenever it changes; setting ``stop`` ends the run. Raises UsageError for a path or a
    step that does not exist, before anything is done.
    """
    paths = [projects.check_path(path) for path in request.paths]
    for name in request.steps - STEPS.keys():
        raise UnknownName("a step", name, STEPS)
    with History(settings.database) as history:
        interrupted = history.mark_interrupted()
        params = {step: values.model_dump(mode="json") for step, values in request.params.items()}
        record = history.start_run(paths, params)
        active = ActiveRun(request, settings, history, record, RunResult(record.id), listen, stop or threading.Event())
        with _logged(active), _cancellable(active), _closed(active):
            for run_id in interrupted:
                active.say(f"run {run_id} was interrupted; what it finished is used again", logging.WARNING)
            for path in paths:
                _run_path(active, path)
        return active.result


@contextmanager
def _logged(run: ActiveRun) -> Iterator[None]:
    """Everything that is said during the run, in its ``run.log``."""
    run.folder.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(run.folder / "run.log", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("vidlib")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()


def _cancellable(run: ActiveRun) -> AbstractContextManager[None]:
    """While the block runs, look whether somebody asked in the history to cancel it."""

    def look_for_cancel() -> None:
        if not run.stop.is_set() and run.history.cancel_requested(run.record.id):
            run.stop.set()

    return repeating(look_for_cancel, CANCEL_POLL_S)


@contextmanager
def _closed(run: ActiveRun) -> Iterator[None]:
    """Write into the history how the run ended, whatever happened in it."""
    error = None
    try:
        yield
    except Cancelled:
        run.result.cancelled = True
    except BaseException as problem:
        error = f"{type(problem).__name__}: {problem}"
        raise
    finally:
        status = "failed" if error else run.result.status
        run.say(f"run {run.record.id}: {error or status}")
        run.history.finish_run(run.record.id, status, error)


def _run_path(run: ActiveRun, path: Path) -> None:
    """One archive, folder or video, to the end."""
    arrival = VideoResult(path)
    try:
        project, videos = _arrive(run, path, arrival)
    except Cancelled:
        run.result.videos.append(arrival)
        raise
    except (VidlibError, OSError) as error:
        run.say(f"{path.name}: {error}", logging.ERROR)
        arrival.fail(error)
        run.result.videos.append(arrival)
        return
    results = [VideoResult(video.path, video.sha256, dict(arrival.steps)) for video in videos]
    run.result.videos += results
    pairs = list(zip(videos, results, strict=True))
    # all are planned before the first begins: who looks at the history sees what is still to come
    plans = [_plan_video(run, project, video) for video in videos]
    last = _plan_finalize(run, project) if run.request.wants("finalize") else None
    for (video, result), tasks in zip(pairs, plans, strict=True):
        _run_video(run, project, video, result, tasks)
    delivered = _finalize(run, project, pairs, last) if last else []
    for (video, result), tasks in zip(pairs, plans, strict=True):
        with _alone(run, result, f"the report of {video.name}"):
            result.outputs |= reports.write_report(run, project, video, result, tasks["report"])
    run.result.projects.append({"name": project.name, "path": str(project.folder), "delivered": delivered})


def _arrive(run: ActiveRun, path: Path, arrival: VideoResult) -> tuple[Project, list[ProjectVideo]]:
    """The project that ``path`` is or becomes, and its videos; an archive is extracted first."""
    if project := projects.reopen_project(path):
        return project, _videos_below(project.docs, path)
    arrival.sha256 = projects.content_sha256(path)
    if projects.is_archive(path):
        extracted = _extract(run, path, arrival)
        project = _open_project(run, path, arrival.sha256)
        projects.publish_files(project, arrival.steps["extract"].folder / "files", extracted.files)
        return project, _videos_below(project.docs, path)
    videos = projects.videos_of([path], path.parent) if path.is_file() else _videos_below(path, path)
    return _open_project(run, path, arrival.sha256), videos


def _open_project(run: ActiveRun, path: Path, sha256: str) -> Project:
    project = projects.open_project(path, sha256, run.settings.projects)
    run.history.remember_project(project.sha256, project.name, path)
    return project


def _videos_below(folder: Path, named: Path) -> list[ProjectVideo]:
    if not (found := projects.find_videos(folder)):
        raise RefusedInput(f"{named.name} holds no video; expected files such as .mp4, .mov, .mkv or .mxf in it")
    return projects.videos_of(found, folder)


def _extract(run: ActiveRun, path: Path, arrival: VideoResult):
    task = add_tasks(run, path.name, path.name, arrival.sha256, ["extract"])["extract"]
    outputs = perform(run, task, path, arrival)
    if outputs is None:
        raise RefusedInput(arrival.error)
    if outputs.outcome == "partial":
        run.say(f"{path.name}: {outputs.message}", logging.WARNING)
        # what was lost counts as a video that failed, so that nobody takes the delivery for whole
        run.result.videos.append(VideoResult(path, arrival.sha256, dict(arrival.steps), problem=outputs.message))
    return outputs


def _plan_video(run: ActiveRun, project: Project, video: ProjectVideo) -> dict[str, Task]:
    run.history.remember_video(video.sha256, video.path)
    return add_tasks(run, project.name, video.name, video.sha256, [*run.request.video_steps(), "report"])


def _plan_finalize(run: ActiveRun, project: Project) -> Task:
    return add_tasks(run, project.name, project.name, project.sha256, ["finalize"])["finalize"]


def _run_video(
    run: ActiveRun, project: Project, video: ProjectVideo, result: VideoResult, tasks: dict[str, Task]
) -> None:
    """Every step of one video; one that fails takes down only those that read its outputs."""
    for name in run.request.video_steps():
        if STEPS[name].needs - result.left.keys():
            skip(run, tasks[name], result, f"it needs what {result.first_failed} was to leave")
        else:
            perform(run, tasks[name], video.path, result)
    with _alone(run, result, f"the results of {video.name} in {project.docs}"):
        _publish(project, video, result)


@contextmanager
def _alone(run: ActiveRun, result: VideoResult, what: str) -> Iterator[None]:
    """Let a full disk or a folder that may not be written fail this video alone; its finished steps are safe."""
    try:
        yield
    except OSError as error:
        run.say(f"{what} cannot be written: {error}", logging.ERROR)
        result.fail(error)


def _publish(project: Project, video: ProjectVideo, result: VideoResult) -> None:
    """Show a video's results in the project's folder, where its editor looks for them."""
    for name, file in _found(result).items():
        target = project.docs / video.stem.with_name(f"{video.stem.name}{PUBLISHED[name]}")
        result.outputs[name] = link_or_copy(file, target)


def _found(result: VideoResult) -> dict[str, Path]:
    """What was found out about a video, by the names in `vidlib.results.naming`."""
    return {name: getattr(result.left[step], output) for name, (step, output) in RESULTS.items() if step in result.left}


def _finalize(run: ActiveRun, project: Project, pairs: list[tuple[ProjectVideo, VideoResult]], task: Task) -> list[str]:
    """Deliver and archive a project; the files that were delivered."""
    videos = tuple(
        FinishedVideo(
            stem=str(video.stem),
            source=video.path,
            video=result.left["convert"].video if "convert" in result.left else None,
            **_found(result),
        )
        for video, result in pairs
    )
    whole = VideoResult(project.folder, project.sha256)
    places = {"archive_dir": run.settings.archive, "delivery_dir": run.settings.delivery}
    outputs = perform(run, task, None, whole, project=project.name, videos=videos, **places)
    for _, result in pairs:
        result.steps["finalize"] = whole.steps["finalize"]
    return list(outputs.delivered) if outputs else []
