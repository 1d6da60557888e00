"""Joins the page, what it shows and what it does: ``dashboards/control.ipynb`` calls `open_page` and nothing else."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from vidlib.dashboard import actions
from vidlib.dashboard.downloads import DownloadView
from vidlib.dashboard.panels import DownloadsPanel, Page
from vidlib.dashboard.state import RUNS_SHOWN, PageView, page_view
from vidlib.dashboard.wording import readable
from vidlib.errors import UsageError, VidlibError
from vidlib.ingest.urls import shown
from vidlib.ingest.webhook import Offer
from vidlib.machine import load as monitor
from vidlib.runner.downloads import store
from vidlib.runner.store.models import Download
from vidlib.runner.store.runs import History
from vidlib.settings import Settings, settings

EVERY_S = 1.0
PAUSED = 130  # the exit code of a download that was stopped as asked


class Control:
    """The page of one browser window: which run it shows, and what was started from it.

    A click only leaves an order: `follow` carries it out in a thread, so that the kernel hears the next click.
    """

    def __init__(self, settings: Settings):
        self.settings = settings
        self.page = Page(
            actions.profiles(settings),
            DownloadsPanel(
                on_download=lambda link: self._order(self._download, link),
                on_again=lambda key: self._order(self._download_again, key),
                on_close=lambda key: self._order(self._close, key),
            ),
            on_start=lambda names, profile: self._order(self._start, names, profile),
            on_cancel=lambda run_id: self._order(actions.cancel, settings, run_id),
            on_resume=lambda run_id: self._order(self._resume, run_id),
            on_choose=lambda run_id: self._order(self._choose, run_id),
        )
        self._orders: deque[Callable[[], None]] = deque()
        self._ordered = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._chosen: str | None = None
        self._started: actions.Started | None = None  # the last one: somebody has to ask for its exit code
        self._awaited: actions.Started | None = None  # until it is in the history
        self._fetching: dict[str, actions.Started] = {}  # by the key of the download
        self._problem: str | None = None
        self._view = PageView()

    async def follow(self, every_s: float = EVERY_S) -> None:
        """Keep the page true. Only this task, on the kernel's own loop, touches a widget; a thread does the work."""
        with monitor.watching(self.settings.workspace) as load:
            while True:
                view = await asyncio.to_thread(self._turn)
                self.page.show(replace(view, load=load(), clock=time.strftime("%H:%M:%S")))
                # not `wait_for`: where an order and a cancellation come at once, that one swallows the cancellation
                with suppress(TimeoutError):
                    async with asyncio.timeout(every_s):
                        await self._ordered.wait()
                self._ordered.clear()

    def stopped(self, following: asyncio.Task) -> None:
        """Say on the page that it is no longer kept true, and why."""
        if not following.cancelled():
            problem = f"This page stopped: {following.exception()!r}. Runs go on without it. Reload the page."
            self.page.show(replace(self._view, problem=problem))

    def _order(self, act: Callable, *args: object) -> None:
        self._orders.append(partial(act, *args))
        self._loop.call_soon_threadsafe(self._ordered.set)  # ipykernel may call from a thread of a subshell

    def _turn(self) -> PageView:
        """Carry out what was ordered, then look how things are."""
        problem = None
        try:
            while self._orders:
                self._problem = None
                self._orders.popleft()()
        except (VidlibError, OSError) as error:
            self._problem = str(error)
        try:
            with History(self.settings.database) as history:
                self._view = self._look(history)
        except (VidlibError, OSError) as error:
            problem = str(error)
        problem = problem or self._problem
        return replace(self._view, problem=problem and readable(problem))

    def _look(self, history: History) -> PageView:
        history.mark_interrupted()
        store.free_up(history)
        self._ask_downloads()
        ended = self._started is not None and self._started.ended()  # asked first: a run is written before it ends
        runs = history.runs(RUNS_SHOWN)
        if self._awaited and (run_id := self._awaited.run_id(runs)):
            self._chosen, self._awaited = run_id, None
        elif self._awaited and ended:
            self._problem, self._awaited = self._awaited.last_words(), None
        view = page_view(history, self.settings, runs, self._chosen)
        offered = tuple(self._begun(download) for download in view.downloads)
        starting = self._awaited and readable(", ".join(self._awaited.names))
        return replace(view, starting=starting, downloads=offered)

    def _ask_downloads(self) -> None:
        """Ask those that were started from here for their exit codes, and say why one failed."""
        for key, started in list(self._fetching.items()):
            if started.ended():
                del self._fetching[key]
                if started.process.returncode not in (0, PAUSED):
                    self._problem = started.last_words()

    def _begun(self, view: DownloadView) -> DownloadView:
        """``view``, or that it starts: its process is there, and has not taken it in the history yet."""
        starts = view.key in self._fetching and view.asks
        return replace(view, state="starting", says="", note="", url=None) if starts else view

    def _start(self, names: list[str], profile: str | None) -> None:
        if not names:
            raise UsageError("Tick one or more files of the inbox first.")
        self._started = self._awaited = actions.start(self.settings, names, profile)

    def _resume(self, run_id: str) -> None:
        with History(self.settings.database) as history:
            self._started = self._awaited = actions.resume(self.settings, history.run(run_id))

    def _download(self, link: str) -> None:
        if not link.strip():
            raise UsageError("Paste a link first.")
        with History(self.settings.database) as history:
            store.note(history, [(Offer(link, time.time()), "known")])
            self._fetch(store.find(history, link))

    def _download_again(self, key: str) -> None:
        with History(self.settings.database) as history:
            self._fetch(store.called(history, key))

    def _fetch(self, row: Download) -> None:
        if row.state == "done" and row.file and Path(row.file).exists():
            raise UsageError(f"{shown(row.url)} was downloaded before: {row.file}")
        if row.key in self._fetching or row.state == "downloading":
            raise UsageError(f"{shown(row.url)} is being downloaded already.")
        self._fetching[row.key] = actions.download(self.settings, row.original_url)

    def _close(self, key: str) -> None:
        with History(self.settings.database) as history:
            store.ask(history, key, "known")

    def _choose(self, run_id: str) -> None:
        self._chosen = run_id


def open_page() -> tuple[object, asyncio.Task]:
    """The page's widget, and the task that keeps it true; hold on to both."""
    control = Control(settings())
    following = asyncio.ensure_future(control.follow())
    following.add_done_callback(control.stopped)
    return control.page.widget, following
