"""Joins the page, what it shows and what it does: ``dashboards/control.ipynb`` calls `open_page` and nothing else."""

import asyncio

from vidlib import monitor
from vidlib.dashboard import actions
from vidlib.dashboard.panels import Page
from vidlib.dashboard.state import PageView, page_view, view_of_problem
from vidlib.errors import VidlibError
from vidlib.runner.history import History
from vidlib.settings import Settings, settings

EVERY_S = 0.5


class Control:
    """The page of one browser window: which run it shows, and what was started from it."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.chosen: str | None = None
        self.started: actions.Started | None = None
        self.refused: str | None = None
        self.page = Page(actions.profiles(settings), self.start, self.cancel, self.choose)

    def start(self, names: list[str], profile: str) -> None:
        """Start a run and show it as soon as it is there."""
        self.refused = None if names else "Choose one or more files of the inbox first."
        if names:
            self.started = actions.start(self.settings, names, profile)
            self.chosen = None

    def cancel(self, run_id: str) -> None:
        actions.cancel(self.settings, run_id)

    def choose(self, run_id: str | None) -> None:
        self.chosen = run_id

    async def follow(self, every_s: float = EVERY_S) -> None:
        """Keep the page true. Only this task, on the kernel's own loop, touches a widget; a thread does the reading."""
        with monitor.watching(self.settings.workspace) as load:
            while True:
                self.page.show(await asyncio.to_thread(self._view, load()))
                await asyncio.sleep(every_s)

    def _view(self, load: monitor.Load) -> PageView:
        try:
            with History(self.settings.database) as history:
                view = page_view(history, self.settings, self.chosen, load)
        except VidlibError as error:
            return view_of_problem(error)
        problem = self.refused or (self.started and self.started.problem())
        return PageView(view.inbox, view.runs, view.shown, view.load, problem)


def open_page() -> tuple[object, asyncio.Task]:
    """The page's widget, and the task that keeps it true; hold on to both."""
    control = Control(settings())
    return control.page.widget, asyncio.ensure_future(control.follow())
