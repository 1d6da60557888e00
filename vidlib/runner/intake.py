"""The start of a run: each requested source becomes a download, an archive to unpack, or a project with its tasks."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from vidlib.errors import BrokenOutput, LeaseLost, RefusedInput, VidlibError
from vidlib.runner import delivery_files, projects
from vidlib.runner.delivery_files import LeftOut
from vidlib.runner.downloads import store
from vidlib.runner.projects import Project, ProjectVideo
from vidlib.runner.request import Request
from vidlib.runner.run_result import status_of
from vidlib.runner.sources import Link, Source, parse_source, subject_of
from vidlib.runner.store.models import Run, Task
from vidlib.runner.store.runs import History
from vidlib.settings import Settings
from vidlib.steps import STEPS
from vidlib.steps.base import Manifest

if TYPE_CHECKING:
    from vidlib.steps import download, extract

MAX_EVENTS = 100
"""The most files of a delivery that the log of a run names one by one as not processed."""


@dataclass(frozen=True)
class Intake:
    """Turns the sources of a run into tasks, one source at a time."""

    run: Run
    request: Request
    settings: Settings
    history: History

    def accept(self, path: Source) -> list[Task]:
        """Add the first tasks for a source: its download, its unpacking, or all tasks of its project.

        If it cannot be processed, add one failed task with the reason.
        """
        return self._add_or_fail(path, lambda: self._first_tasks(path))

    def accept_download(self, task: Task) -> list[Task]:
        """Add the tasks for the file that a download task fetched."""
        link = Link(task.origin)

        def tasks() -> list[Task]:
            outputs = cast("download.Outputs", STEPS["download"].outputs(_folder_of(task)))
            size = {"bytes_done": outputs.size, "bytes_total": outputs.size}
            store.record_outcome(self.history, link, "done", file=str(outputs.file), sha256=outputs.sha256, **size)
            return self._tasks_of_file(link, outputs.file)

        return self._add_or_fail(link, tasks, task)

    def accept_unpacked(self, task: Task) -> list[Task]:
        """Add the tasks for the videos of the archive that an extract task unpacked."""
        origin, archive = parse_source(task.origin), Path(task.source)

        def tasks() -> list[Task]:
            folder = _folder_of(task)
            outputs = cast("extract.Outputs", STEPS["extract"].outputs(folder))
            project = self._open_project(archive, task.sha256, unpacked=True)
            projects.publish_files(project, folder / "files", outputs.files)
            self.history.add_event(self.run.id, f"{archive.name}: unpacked {outputs.message}", label=archive.name)
            members = [LeftOut(name, reason) for name, reason in outputs.left_out]
            return self._tasks_of_project(origin, project, self._videos_of(origin, project.docs, archive, members))

        return self._add_or_fail(origin, tasks, task)

    def _add_or_fail(self, path: Source, tasks: Callable[[], list[Task]], failed: Task | None = None) -> list[Task]:
        """Add the tasks that ``tasks`` returns; if it fails, mark ``failed`` or a new task as failed."""
        try:
            return self.history.add_tasks(tasks())
        except LeaseLost:  # another process drives this run now, and this one must not change it
            raise
        except (VidlibError, OSError) as error:
            text = str(error)
            outcome = {"status": status_of(error), "error": text, "error_type": type(error).__name__}
            values: dict[str, Any] = {**outcome, "finished_at": time.time()}
            message = text if path.name in text else f"{path.name}: {text}"
            self.history.add_event(self.run.id, message, "error", path.name)
            if failed:
                self.history.update_task(failed.id, **values)
                return self.history.tasks_by_id([failed.id])
            names = {"project": path.name, "label": path.name, "origin": str(path), "source": str(path)}
            step = "download" if isinstance(path, Link) else "extract"
            return self.history.add_tasks([Task(run_id=self.run.id, sha256="", step=step, **names, **values)])

    def _first_tasks(self, path: Source) -> list[Task]:
        projects.check_path(path, self.settings)
        if isinstance(path, Link):
            return self._tasks_of_link(path)
        if project := projects.reopen_project(path, self.settings):
            return self._tasks_of_project(path, project, self._videos_of(path, project.docs, path))
        return self._tasks_of_file(path, path)

    def _tasks_of_link(self, link: Link) -> list[Task]:
        """Return a download task, or the tasks of the file if `vidlib downloads get` fetched it before."""
        known = store.find_or_add(self.history, link)
        if known.state == "done" and known.file and not self.request.force:
            file = Path(known.file)
            # a file that a run downloaded lies in its step folder, where the download task finds it
            if file.is_file() and not _is_result_of(file, link):
                return self._tasks_of_file(link, file)
        return [self._task("download", link, link.name, link.name, known.key, link)]

    def _tasks_of_file(self, origin: Source, path: Path) -> list[Task]:
        """Return the tasks for a local file or folder: to unpack it, or all steps of its videos."""
        sha256 = projects.content_sha256(path, self.settings.workspace)
        if projects.is_archive(path):
            return [self._task("extract", origin, path.name, path.name, sha256, path)]
        if path.is_file():
            delivery_files.check_video(path)
            videos = projects.project_videos([path], path.parent, self.settings)
        else:
            videos = self._videos_of(origin, path, path)
        return self._tasks_of_project(origin, self._open_project(path, sha256), videos)

    def _videos_of(
        self, origin: Source, folder: Path, source: Path, members: Sequence[LeftOut] = ()
    ) -> list[ProjectVideo]:
        """Return the videos below ``folder``, the files of ``source``, and record what else is there.

        ``members`` are those of an archive that were not unpacked. Raises RefusedInput if there is no video.
        """
        workspace = self.settings.workspace
        videos = projects.project_videos(delivery_files.find_videos(folder, workspace), folder, self.settings)
        others = [*members, *delivery_files.left_out(folder, [video.stem for video in videos], workspace)]
        if not videos:
            holds = f"; it holds {delivery_files.first_names(others)}" if others else ""
            raise RefusedInput(
                f"{source.name} holds no video; expected files such as .mp4, .mov, .mkv or .mxf in it{holds}"
            )
        delivery_files.record(self.settings.runs / self.run.id, subject_of(origin), others)
        for file in others[:MAX_EVENTS]:
            message = f"{origin.name}: not processed: {file.path}: {file.reason}"
            self.history.add_event(self.run.id, message, "warning", origin.name)
        if len(others) > MAX_EVENTS:
            message = f"{origin.name}: not processed: {len(others) - MAX_EVENTS} more; see {delivery_files.FILE_NAME}"
            self.history.add_event(self.run.id, message, "warning", origin.name)
        return videos

    def _open_project(self, path: Path, sha256: str, *, unpacked: bool = False) -> Project:
        project = projects.open_project(path, sha256, self.settings, unpacked=unpacked)
        self.history.remember_project(project.sha256, project.name, path)
        return project

    def _tasks_of_project(self, origin: Source, project: Project, videos: list[ProjectVideo]) -> list[Task]:
        """Return all tasks of a project: the steps and the report of every video, then the finalize step."""
        tasks = []
        for video in videos:
            if not self.request.wants_video(video.sha256):
                continue
            self.history.remember_video(video.sha256, video.path, projects.duration_s(video.path))
            for step in (*self.request.video_steps(), "report"):
                task = self._task(step, origin, project.name, video.name, video.sha256, video.path)
                task.stem = str(video.stem)
                tasks.append(task)
        if self.request.wants("finalize"):
            tasks.append(self._task("finalize", origin, project.name, project.name, project.sha256, project.folder))
        return tasks

    def _task(self, step: str, origin: Source, project: str, label: str, sha256: str, source: Source) -> Task:
        params = self.request.params.for_project(project)[step].model_dump(mode="json")
        paths = {"origin": str(origin), "source": str(source)}
        names = {"project": project, "label": label, "sha256": sha256}
        return Task(run_id=self.run.id, step=step, params=params, **names, **paths)


def _folder_of(task: Task) -> Path:
    """Return the folder with the outputs of a finished task."""
    if task.folder is None:
        raise BrokenOutput(f"task {task.id} ({task.step}) is done but has no folder; run it again with --force")
    return Path(task.folder)


def _is_result_of(file: Path, link: Link) -> bool:
    """Return whether ``file`` lies in the finished download step of ``link``.

    The steps of earlier versions were named after the link itself, and no task finds them.
    """
    try:
        return Manifest.read(file.parent).inputs.get("url") == link.handle
    except BrokenOutput:
        return False
