"""Frees the work folder: removes finished steps whose results are published beside the video and archived."""

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vidlib.errors import BrokenOutput
from vidlib.files import TMP_PREFIX, FileRecord
from vidlib.results import archive_entry, archive_index, naming
from vidlib.results.archive import Entry
from vidlib.runner import projects
from vidlib.runner.read_only import remove_folder
from vidlib.runner.store import queue
from vidlib.runner.store.models import ACTIVE, Task
from vidlib.runner.store.runs import History
from vidlib.settings import Settings
from vidlib.steps import PUBLISHED, VIDEO_STEPS
from vidlib.steps.base import Manifest
from vidlib.steps.corrected import uncorrected_folder

DAY_S = 86400.0
BLOCK_BYTES = 512
"""Unit of ``st_blocks``; see stat(2)."""


@dataclass(frozen=True)
class WorkFolder:
    """The step ``folders`` of one video, and the bytes that their removal frees.

    ``used_at`` is when a run last used them, in seconds since 1970. They stay for the reason ``kept``, if there is one.
    """

    video: str
    project: str
    sha256: str
    folders: tuple[Path, ...]
    n_bytes: int
    used_at: float
    kept: str = ""
    entries: tuple[Entry, ...] = ()


def survey(history: History, settings: Settings, older_than_days: float) -> list[WorkFolder]:
    """The step folders of each video, the largest first, and whether they may be removed.

    They may if no run has used them for ``older_than_days``, the project still shows the results of the video, and the
    archive holds the same bytes. The steps of deliveries and projects, the reports, and variants that were not archived
    are not listed.
    """
    by_video: dict[str, list[Task]] = {}
    for task in history.results(VIDEO_STEPS):
        if task.result_folder.is_dir():
            by_video.setdefault(task.sha256, []).append(task)
    busy = _busy(history)
    latest = time.time() - older_than_days * DAY_S
    folders = [_examine(tasks, settings, latest, busy) for tasks in by_video.values()]
    return sorted(folders, key=lambda folder: folder.n_bytes, reverse=True)


def clean(history: History, removable: Iterable[WorkFolder]) -> Iterator[tuple[WorkFolder, str]]:
    """Remove folders, and yield each with an empty text, or with the reason why it stays.

    It reads every byte of the archived results first. A step that is being executed stays.
    """
    for work in removable:
        reason = _damage(work) or (work.sha256 in _busy(history) and "a run uses it now") or ""
        if not reason:
            for folder in work.folders:
                remove_step(history, folder)
        yield work, reason


def _busy(history: History) -> set[str]:
    """The SHA-256 of each video that a run still works on."""
    running = history.runs(limit=1000, status="running")
    return {task.sha256 for run in running for task in history.tasks(run.id) if task.status in ACTIVE}


def _examine(tasks: list[Task], settings: Settings, latest: float, busy: set[str]) -> WorkFolder:
    """Examine the folders of one video; ``tasks`` are the newest first."""
    newest = tasks[0]
    used_at = max(time.time() if task.finished_at is None else task.finished_at for task in tasks)
    entries = tuple(archive_index.entries_of(settings.archive, newest.sha256))
    known = {record.sha256 for entry in entries for record in entry.metadata.files.values()}
    by_run: dict[str, list[Task]] = {}
    for task in tasks:
        by_run.setdefault(task.run_id, []).append(task)
    archived = [run for run in by_run.values() if _is_archived(run, known)]
    folders = dict.fromkeys(task.result_folder for run in archived for task in run)
    folders |= dict.fromkeys(attempt for folder in list(folders) for attempt in _earlier_attempts(folder))
    uncorrected = filter(None, map(_uncorrected, list(folders)))
    folders |= dict.fromkeys(sorted(set(uncorrected) - {task.result_folder for task in tasks}))
    kept = ""
    if newest.sha256 in busy:
        kept = "a run uses it now"
    elif not archived:
        kept = "its results are not in the archive"
    elif missing := _unpublished(archived[0], settings):
        kept = f"the project lacks {', '.join(missing)}"
    elif used_at > latest:
        kept = "a run used it lately"
    paths = tuple(folders or dict.fromkeys(task.result_folder for task in tasks))
    n_bytes = sum(map(size, paths))
    return WorkFolder(newest.label, newest.project, newest.sha256, paths, n_bytes, used_at, kept, entries)


def _earlier_attempts(folder: Path) -> list[Path]:
    """The folders of failed attempts and of damaged results of the step that is finished in ``folder``."""
    return sorted(folder.parent.glob(f"{folder.name}.*"))


def _uncorrected(folder: Path) -> Path | None:
    """The result without corrections of people that the one in ``folder`` was made of, if it is there."""
    try:
        plain = uncorrected_folder(folder)
    except BrokenOutput:
        return None
    return plain if plain and plain.is_dir() else None


def _results(run: list[Task]) -> dict[str, tuple[Path, FileRecord]]:
    """The published results of one run of a video, ``{result: (folder, record)}``."""
    results = {}
    folders = {task.step: task.result_folder for task in run}
    for step, result, output in PUBLISHED:
        if step in folders:
            manifest = Manifest.read(folders[step])
            if name := manifest.outputs.get(output):
                results[result] = folders[step], manifest.files[name]
    return results


def _is_archived(run: list[Task], known: set[str]) -> bool:
    """Whether the archive holds every result of a complete run, by the SHA-256 in its metadata."""
    try:
        results = _results(run)
    except (BrokenOutput, KeyError):
        return False
    required = naming.PUBLISHED.keys() - naming.OPTIONAL
    return results.keys() >= required and all(record.sha256 in known for _, record in results.values())


def _unpublished(run: list[Task], settings: Settings) -> list[str]:
    """The names of the results that do not lie beside the video."""
    docs, stem = projects.docs_folder(settings, run[0].project), PurePosixPath(run[0].stem)
    files = [docs / f"{stem}{naming.PUBLISHED[result]}" for result in _results(run)]
    return [file.name for file in files if not file.is_file()]


def size(folder: Path) -> int:
    """The bytes that the removal of ``folder`` frees: a file with a second name elsewhere frees nothing."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            state = os.lstat(Path(root, name))
            total += state.st_blocks * BLOCK_BYTES if state.st_nlink == 1 else 0
    return total


def _damage(work: WorkFolder) -> str:
    """The first damage of the archived results, or an empty text."""
    for entry in work.entries:
        if damage := next(archive_entry.damages(entry), None):
            return f"the archive is damaged: {damage}"
    return ""


def remove_step(history: History, folder: Path) -> None:
    """Remove the folder of a step unless a process makes it now; it disappears at once or not at all."""
    lease = queue.acquire_lease(history, f"{folder.parent.name}/{folder.name}")
    if lease is None:
        return
    try:
        doomed = folder.with_name(f"{TMP_PREFIX}{folder.name}-cleaned")
        os.rename(folder, doomed)
    except FileNotFoundError:
        return
    finally:
        queue.release_lease(history, lease)
    remove_folder(doomed)
