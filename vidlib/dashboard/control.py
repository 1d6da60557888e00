"""Connects the widgets, the state and the actions of the page. ``dashboards/control.ipynb`` calls `open_page`."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from vidlib.dashboard import actions, roles
from vidlib.dashboard.downloads import DownloadView
from vidlib.dashboard.panels import DownloadsPanel, Page
from vidlib.dashboard.state import RUNS_SHOWN, PageView, page_view
from vidlib.dashboard.wording import readable
from vidlib.errors import UsageError, VidlibError
from vidlib.ingest.urls import redacted
from vidlib.machine import load as monitor
from vidlib.runner.downloads import store
from vidlib.runner.store.models import Download
from vidlib.runner.store.runs import History
from vidlib.settings import Settings, settings
from vidlib.text import plain_message

EVERY_S = 1.0
PAUSED = 130  # exit code of a download that the operator stopped


class Control:
    """The page of one browser window: the run on display, and the processes that this page started.

    A click only adds an action to a queue. `follow` executes it in a thread, so that the kernel hears the next click.
    """

    def __init__(self, settings: Settings):
        self.settings = settings
        self.may_change = roles.may_change()
        self.page = Page(
            actions.profiles(settings),
            DownloadsPanel(
                on_download=lambda link: self._change(self._download, link),
                on_again=lambda key: self._change(self._download_again, key),
                on_close=lambda key: self._change(self._close, key),
            ),
            on_start=lambda names, profile: self._change(self._start, names, profile),
            on_cancel=lambda run_id: self._change(actions.cancel, settings, run_id),
            on_resume=lambda run_id: self._change(self._resume, run_id),
            on_select=lambda run_id: self._enqueue(self._select, run_id),
            may_change=self.may_change,
        )
        self._queue: deque[Callable[[], None]] = deque()
        self._queued = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._selected: str | None = None
        self._started: actions.StartedProcess | None = None  # the last one, whose exit code has to be collected
        self._pending: actions.StartedProcess | None = None  # until the history holds its run
        self._downloading: dict[str, actions.StartedProcess] = {}  # by download key
        self._problem: str | None = None
        self._view = PageView()

    async def follow(self, every_s: float = EVERY_S) -> None:
        """Keep the page up to date. Only this task, on the kernel's own loop, changes widgets; a thread works."""
        with monitor.load_reader(self.settings.workspace) as load:
            while True:
                view = await asyncio.to_thread(self._update)
                self.page.render(replace(view, load=load(), clock=time.strftime("%H:%M:%S")))
                # `wait_for` would swallow a cancellation that arrives together with an action
                with suppress(TimeoutError):
                    async with asyncio.timeout(every_s):
                        await self._queued.wait()
                self._queued.clear()

    def report_stop(self, following: asyncio.Task) -> None:
        """Show on the page that its updates stopped, and why."""
        if not following.cancelled():
            problem = f"This page stopped: {following.exception()!r}. Runs continue. Reload the page."
            self.page.render(replace(self._view, problem=problem))

    def _change(self, act: Callable, *args: object) -> None:
        """Queue an action of operators. The page of a viewer hides its button, but a browser may still send it."""
        self._enqueue(act, *args) if self.may_change else self._enqueue(self._refuse)

    def _refuse(self) -> None:
        raise UsageError(roles.REFUSAL)

    def _enqueue(self, act: Callable, *args: object) -> None:
        self._queue.append(partial(act, *args))
        self._loop.call_soon_threadsafe(self._queued.set)  # ipykernel may call from the thread of a subshell

    def _update(self) -> PageView:
        """Execute the queued actions, then read the current state."""
        problem = None
        try:
            while self._queue:
                self._problem = None
                self._queue.popleft()()
        except (VidlibError, OSError) as error:
            self._problem = str(error)
        try:
            with History(self.settings.database) as history:
                self._view = self._current_view(history)
        except (VidlibError, OSError) as error:
            problem = str(error)
        problem = problem or self._problem
        return replace(self._view, problem=problem and plain_message(problem))

    def _current_view(self, history: History) -> PageView:
        history.mark_interrupted()
        store.requeue_lost(history)
        self._check_downloads()
        ended = (
            self._started is not None and self._started.ended()
        )  # checked first, because the history holds a run before its process ends
        runs = history.runs(RUNS_SHOWN)
        if self._pending and (run_id := self._pending.run_id(runs)):
            self._selected, self._pending = run_id, None
        elif self._pending and ended:
            self._problem, self._pending = self._pending.last_log_line(), None
        view = page_view(history, self.settings, runs, self._selected)
        offered = tuple(self._mark_starting(download) for download in view.downloads)
        starting = readable(", ".join(self._pending.names)) if self._pending else None
        return replace(view, starting=starting, downloads=offered)

    def _check_downloads(self) -> None:
        """Collect the exit codes of the downloads from this page, and show why one failed."""
        for key, started in list(self._downloading.items()):
            if started.ended():
                del self._downloading[key]
                if started.process.returncode not in (0, PAUSED):
                    self._problem = started.last_log_line()

    def _mark_starting(self, view: DownloadView) -> DownloadView:
        """``view`` as *starting* while its process runs and has not claimed the download in the history yet."""
        starts = view.key in self._downloading and view.action
        return replace(view, state="starting", status_text="", note="", url=None) if starts else view

    def _start(self, names: list[str], profile: str | None) -> None:
        if not names:
            raise UsageError("Select one or more files of the inbox first.")
        self._started = self._pending = actions.start(self.settings, names, profile)

    def _resume(self, run_id: str) -> None:
        with History(self.settings.database) as history:
            self._started = self._pending = actions.resume(self.settings, history.run(run_id))

    def _download(self, link: str) -> None:
        if not link.strip():
            raise UsageError("Paste a link first.")
        with History(self.settings.database) as history:
            self._start_download(store.find_or_add(history, link))

    def _download_again(self, key: str) -> None:
        with History(self.settings.database) as history:
            self._start_download(store.get(history, key))

    def _start_download(self, row: Download) -> None:
        if row.state == "done" and row.file and Path(row.file).exists():
            raise UsageError(f"{redacted(row.url)} was downloaded before and is at {row.file}")
        if row.key in self._downloading or row.state == "downloading":
            raise UsageError(f"{redacted(row.url)} is already being downloaded.")
        self._downloading[row.key] = actions.download(self.settings, row.original_url)

    def _close(self, key: str) -> None:
        with History(self.settings.database) as history:
            store.request_state(history, key, "known")

    def _select(self, run_id: str) -> None:
        self._selected = run_id


def open_page() -> tuple[object, asyncio.Task]:
    """The widget of the page, and the task that updates it; the caller must keep both."""
    control = Control(settings())
    following = asyncio.ensure_future(control.follow())
    following.add_done_callback(control.report_stop)
    return control.page.widget, following
