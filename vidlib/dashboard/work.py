"""The page *Work*: the inbox, downloads and runs, and the processes that operators start from it."""

from collections.abc import Hashable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vidlib.dashboard import actions, inbox, runs
from vidlib.dashboard.before_run import Choice, params_json, plan_json, profiles_json
from vidlib.dashboard.downloads import download_views
from vidlib.dashboard.pages import Actions, Context, Query, number
from vidlib.dashboard.wording import readable
from vidlib.errors import UsageError
from vidlib.ingest.urls import redacted
from vidlib.runner.downloads import store
from vidlib.runner.scheduling.retry_request import tasks_to_retry
from vidlib.runner.store.models import Download, Task
from vidlib.runner.store.runs import History
from vidlib.steps import STEPS

PAUSED = 130
"""Exit code of a download that the operator stopped."""


class Work:
    """The inbox, downloads and runs. The query names the ``run`` on display; without it, the newest is."""

    name = "work"

    def __init__(self, context: Context):
        self.context = context
        self.actions: Actions = {
            "start": self.start,
            "cancel": self.cancel,
            "resume": self.resume,
            "retry": self.retry,
            "download": self.download,
            "download_again": self.download_again,
            "close_download": self.close_download,
        }
        self.questions: Actions = {"params": self.params, "plan": self.plan}
        self._display: runs.RunDisplay | None = None
        self._starting: actions.StartedProcess | None = None  # until the history holds its run
        self._started: list[actions.StartedProcess] = []  # whose exit codes have to be collected
        self._downloading: dict[str, actions.StartedProcess] = {}  # by download key

    def marker(self) -> Hashable:
        """Changes with the inbox and with the processes of this page."""
        ended = [started.ended() for started in (*self._started, *self._downloading.values())]
        return inbox.marker(self.context.settings.inbox), tuple(ended), self._starting

    def view(self, history: History, query: Query) -> dict[str, Any]:
        """The parts ``inbox``, ``profiles``, ``downloads``, ``runs``, ``starting``, and those of the run on display."""
        settings = self.context.settings
        self._check_downloads()
        self._check_start(history)
        return {
            "inbox": inbox.inbox_json(settings.inbox, history),
            "profiles": profiles_json(self.context),
            "steps": [name for name in STEPS if name not in ("download", "extract")],
            "downloads": [self._download_json(view) for view in download_views(history)],
            "starting": [readable(name) for name in self._starting.names] if self._starting else None,
            "runs": runs.runs_json(history, number(query.get("runs", "0"))),
            **self._run_parts(history, query),
        }

    def _run_parts(self, history: History, query: Query) -> dict[str, Any]:
        newest = history.runs(1)
        if not (run_id := query.get("run") or (newest[0].id if newest else None)):
            return {"run": None, "videos": None, "problems": [], "log": []}
        if self._display is None or self._display.run_id != run_id:
            self._display = runs.RunDisplay(self.context, run_id)
        return self._display.parts(history, query)

    def _download_json(self, view: Any) -> dict[str, Any]:
        """``view`` for the page, *starting* while its process has not claimed the download in the history yet."""
        starts = view.key in self._downloading and view.action
        changes = {"state": "starting", "bytes_done": 0, "note": "", "url": None, "action": None} if starts else {}
        note = self.context.translated(view.note)
        return asdict(view) | {"action": view.action, "note": note} | changes

    def _check_start(self, history: History) -> None:
        """Forget a started process once its run is known, and say why one ended before."""
        self._started = [started for started in self._started if not started.ended() or started is self._starting]
        if (starting := self._starting) is None:
            return
        ended = starting.ended()  # checked first, because the history holds a run before its process ends
        if ended or starting.run_id(history.runs()):
            self._starting = None
        if ended and starting.process.returncode and not starting.run_id(history.runs()):
            self.context.problem(starting.last_log_line())

    def _check_downloads(self) -> None:
        """Collect the exit codes of the downloads from this page, and show why one failed."""
        for key, started in list(self._downloading.items()):
            if started.ended():
                del self._downloading[key]
                if started.process.returncode not in (0, PAUSED):
                    self.context.problem(started.last_log_line())

    def params(self, profile: str | None = None) -> list[dict[str, Any]]:
        """Every parameter with its value in a profile."""
        return params_json(self.context, profile)

    def plan(self, files: list[str], **choice: Any) -> dict[str, Any]:
        """What a run for these files of the inbox would do, with the fields of a `Choice`."""
        return plan_json(self.context, inbox.chosen(self.context.settings.inbox, files), Choice(**choice))

    def start(self, files: list[str], **choice: Any) -> None:
        """Start a run for these files of the inbox, with the fields of a `Choice`."""
        paths = inbox.chosen(self.context.settings.inbox, files)
        self._begin(actions.start(self.context.settings, [path.name for path in paths], Choice(**choice)))

    def resume(self, run: str) -> None:
        """Execute the unfinished steps of a run."""
        with History(self.context.settings.database) as history:
            self._begin(actions.resume(self.context.settings, history.run(run)))

    def _begin(self, started: actions.StartedProcess) -> None:
        self._starting = started
        self._started.append(started)

    def cancel(self, run: str, video: int | None = None, step: int | None = None) -> None:
        """Ask a run to stop, or only the video or the step of the task with this number."""
        with History(self.context.settings.database) as history:
            if (task := _task(history, video or step)) is None:
                history.request_cancel(run)
            else:
                history.request_cancel(run, task.label, task.step if step else None, task.source)

    def retry(self, run: str, step: int | None = None) -> None:
        """Try all failed steps of a run again, or the step of the task with this number."""
        with History(self.context.settings.database) as history:
            task = _task(history, step)
            names = (task.label, task.step) if task else (None, None)
            tasks_to_retry(history.tasks(run), *names)  # says at once why it cannot help
            self._begin(actions.retry(self.context.settings, history.run(run), *names))

    def download(self, link: str) -> None:
        """Download the file of a link into the inbox."""
        if not link.strip():
            raise UsageError("Paste a link first.")
        with History(self.context.settings.database) as history:
            self._start_download(store.find_or_add(history, link))

    def download_again(self, key: str) -> None:
        """Repeat a download, or begin one that was only offered."""
        with History(self.context.settings.database) as history:
            self._start_download(store.get(history, key))

    def _start_download(self, row: Download) -> None:
        if row.state == "done" and row.file and Path(row.file).exists():
            raise UsageError(f"{redacted(row.url)} was downloaded before and is at {row.file}")
        if row.key in self._downloading or row.state == "downloading":
            raise UsageError(f"{redacted(row.url)} is already being downloaded.")
        self._downloading[row.key] = actions.download(self.context.settings, row.original_url)

    def close_download(self, key: str) -> None:
        """Close a download that a person has made by hand."""
        with History(self.context.settings.database) as history:
            store.request_state(history, key, "known")


def _task(history: History, number: int | None) -> Task | None:
    """The task with this number; None without a number. Raises UsageError for a number that no task has."""
    if number is None:
        return None
    if not (tasks := history.tasks_by_id([number])):
        raise UsageError(f"there is no task {number}; reload the page")
    return tasks[0]
