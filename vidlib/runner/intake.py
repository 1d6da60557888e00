"""What a path that was asked for turns into: an archive to unpack, or a project, its videos, and the tasks for them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vidlib.errors import LeaseLost, RefusedInput, VidlibError
from vidlib.ingest.webhook import DownloadOffer
from vidlib.runner import projects
from vidlib.runner.downloads import store
from vidlib.runner.projects import Project, ProjectVideo
from vidlib.runner.request import Request
from vidlib.runner.run_result import status_of
from vidlib.runner.sources import Link, Source, parse_source
from vidlib.runner.store.models import Run, Task
from vidlib.runner.store.runs import History
from vidlib.settings import Settings
from vidlib.steps import STEPS


@dataclass(frozen=True)
class Intake:
    """Takes up what a run was asked for, one path after the other."""

    run: Run
    request: Request
    settings: Settings
    history: History

    def accept(self, path: Source) -> list[Task]:
        """The first tasks for ``path``: to get or unpack it, or all there is to do; or one that says why nothing is."""
        return self._tasks_or_failure(path, lambda: self._first_tasks(path))

    def accept_download(self, download: Task) -> list[Task]:
        """The tasks for a file that was downloaded."""
        link = Link(download.origin)

        def tasks() -> list[Task]:
            came = STEPS["download"].outputs(Path(download.folder))
            what = {"file": str(came.file), "sha256": came.sha256, "bytes_done": came.size, "bytes_total": came.size}
            store.record_outcome(self.history, link, "done", **what)
            return self._of_file(link, came.file)

        return self._tasks_or_failure(link, tasks, download)

    def accept_unpacked(self, extract: Task) -> list[Task]:
        """The tasks for the videos of an archive that was unpacked."""
        origin, archive = parse_source(extract.origin), Path(extract.source)

        def tasks() -> list[Task]:
            outputs = STEPS["extract"].outputs(Path(extract.folder))
            project = self._project(archive, extract.sha256, unpacked=True)
            projects.publish_files(project, Path(extract.folder) / "files", outputs.files)
            return self._plan(origin, project, _videos_below(project.docs, archive, self.settings))

        return self._tasks_or_failure(origin, tasks, extract)

    def _tasks_or_failure(self, path: Source, tasks: Callable[[], list[Task]], known: Task | None = None) -> list[Task]:
        """What ``tasks`` gives; where it fails, the failed task (``known``, or one made for it)."""
        try:
            return self.history.add_tasks(tasks())
        except LeaseLost:  # another process drives this run now: nothing of it is to be changed here
            raise
        except (VidlibError, OSError) as error:
            values = {"status": status_of(error), "error": str(error), "error_type": type(error).__name__}
            values["finished_at"] = time.time()
            self.history.add_event(self.run.id, f"{path.name}: {error}", "error", path.name)
            if known:
                self.history.update_task(known.id, **values)
                return self.history.tasks_by_id([known.id])
            names = {"project": path.name, "label": path.name, "origin": str(path), "source": str(path)}
            step = "download" if isinstance(path, Link) else "extract"
            return self.history.add_tasks([Task(run_id=self.run.id, sha256="", step=step, **names, **values)])

    def _first_tasks(self, path: Source) -> list[Task]:
        projects.check_path(path, self.settings)
        if isinstance(path, Link):
            return self._of_link(path)
        if project := projects.reopen_project(path):
            return self._plan(path, project, _videos_below(project.docs, path, self.settings))
        return self._of_file(path, path)

    def _of_link(self, link: Link) -> list[Task]:
        """To download a file, unless `vidlib downloads get` has brought it and it is still there."""
        store.add_offers(self.history, [(DownloadOffer(link, time.time()), "known")])
        known = store.find(self.history, link)
        file = Path(known.file) if known.state == "done" and known.file else None
        ours = file is None or file.is_relative_to(self.settings.work)  # what a run has brought, the plan finds done
        if not ours and file.is_file() and not self.request.force:
            return self._of_file(link, file)
        return [self._task("download", link, link.name, link.name, known.key, link)]

    def _of_file(self, origin: Source, path: Path) -> list[Task]:
        """What is to be done for a delivery that is here: to unpack it, or all steps of its videos."""
        sha256 = projects.content_sha256(path)
        if projects.is_archive(path):
            return [self._task("extract", origin, path.name, path.name, sha256, path)]
        if path.is_file():
            videos = projects.project_videos([path], path.parent, self.settings)
        else:
            videos = _videos_below(path, path, self.settings)
        return self._plan(origin, self._project(path, sha256), videos)

    def _project(self, path: Path, sha256: str, *, unpacked: bool = False) -> Project:
        project = projects.open_project(path, sha256, self.settings, unpacked=unpacked)
        self.history.remember_project(project.sha256, project.name, path)
        return project

    def _plan(self, origin: Source, project: Project, videos: list[ProjectVideo]) -> list[Task]:
        """All there is to do for a project: every step of every video, its report, and what is done for the whole."""
        tasks = []
        for video in videos:
            self.history.remember_video(video.sha256, video.path, projects.duration_s(video.path))
            for step in (*self.request.video_steps(), "report"):
                task = self._task(step, origin, project.name, video.name, video.sha256, video.path)
                task.stem = str(video.stem)
                tasks.append(task)
        if self.request.wants("finalize"):
            tasks.append(self._task("finalize", origin, project.name, project.name, project.sha256, project.folder))
        return tasks

    def _task(self, step: str, origin: Source, project: str, label: str, sha256: str, source: Source) -> Task:
        params = self.request.params.of(project)[step].model_dump(mode="json")
        places = {"origin": str(origin), "source": str(source)}
        names = {"project": project, "label": label, "sha256": sha256}
        return Task(run_id=self.run.id, step=step, params=params, **names, **places)


def _videos_below(folder: Path, named: Path, settings: Settings) -> list[ProjectVideo]:
    if not (found := projects.find_videos(folder)):
        raise RefusedInput(f"{named.name} holds no video; expected files such as .mp4, .mov, .mkv or .mxf in it")
    return projects.project_videos(found, folder, settings)
