"""One browser window, seen from the kernel behind it. ``dashboards/control.ipynb`` calls `open_page`.

The page is one ipywidgets widget. The browser names what it shows, and asks for actions, in messages to the widget; the
window sends the parts that have changed. A thread reads and acts; only this module sends, on the kernel's own loop.
"""

import asyncio
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Any

from ipywidgets import DOMWidget

from vidlib.dashboard import roles
from vidlib.dashboard.library import Library
from vidlib.dashboard.machine import Machine
from vidlib.dashboard.pages import Context, Page
from vidlib.dashboard.runs import RunEnds, title
from vidlib.dashboard.video import Video
from vidlib.dashboard.work import Work
from vidlib.errors import UsageError, VidlibError
from vidlib.localization import LOCALES, Localization
from vidlib.machine.load import Load, load_reader
from vidlib.runner.downloads import store
from vidlib.runner.store.database import change_marker
from vidlib.runner.store.runs import History
from vidlib.settings import Settings, settings

PAGES: tuple[Callable[[Context], Page], ...] = (Work, Library, Video, Machine)
"""The pages; `PAGES` of ``static/frame.js`` lists their counterparts in the browser."""

EVERY_S = 1.0
PAUSE = 8
"""The least pause after an update, in times of its duration: a page with much on display is read less often."""

LOAD_EVERY_S = 4.0
"""Seconds between two measurements of the load. A page that hears nothing for 15 s counts its kernel as lost."""

UPKEEP_EVERY_S = 5.0
"""Seconds between two looks for runs and downloads whose process died."""


class Window:
    """What one browser window shows, and the processes that it started."""

    def __init__(self, given: Settings, widget: DOMWidget):
        self.may_change = roles.may_change()
        self._loop = asyncio.get_running_loop()
        self._context = Context(given, self._notify, self._problem)
        self.pages = {page.name: page for page in (make(self._context) for make in PAGES)}
        self._widget, self._connected = widget, False
        self._shown: tuple[Page, dict[str, str]] | None = None
        self._sent: dict[str, Any] = {}  # the parts of the page on display that the browser has
        self._marker: Hashable = None
        self._asked = 0
        self._upkeep_at = 0.0
        self._ends = RunEnds()
        self._woken = asyncio.Event()
        self._acting: set[asyncio.Task] = set()
        self._said: dict[str, float] = {}

        widget.on_msg(lambda _widget, message, _buffers: self._receive(message))

    def _connect(self) -> None:
        """A browser is there, perhaps anew after it lost the connection: it has nothing yet."""
        self._connected, self._sent = True, {}
        self._refresh()
        self._send({"person": {"name": roles.name(), "may_change": self.may_change}})

    def _send(self, data: dict[str, Any]) -> None:
        if self._connected:
            self._widget.send(data)

    def _notify(self, notice: str) -> None:
        self._loop.call_soon_threadsafe(self._send, {"notice": notice})

    def _problem(self, problem: str) -> None:
        """Show a problem; one that comes every second is sent once in a while."""
        now = time.monotonic()
        if now - self._said.get(problem, -60) >= 60:
            self._said[problem] = now
            self._loop.call_soon_threadsafe(self._send, {"problem": self._context.translated(problem)})

    def _receive(self, message: dict[str, Any]) -> None:
        if "connect" in message:
            self._connect()
        elif "show" in message:
            self._show(message)
        elif "id" in message:
            acting = asyncio.ensure_future(self._answer(message))
            self._acting.add(acting)
            acting.add_done_callback(self._acting.discard)

    def _show(self, message: dict[str, Any]) -> None:
        page, language = self.pages.get(message["show"]), message.get("language", "en")
        if page is None or language not in LOCALES:
            return
        if self._shown is None or self._shown[0] is not page or language != self._context.words.language:
            self._sent = {}
        self._context.words = Localization(language)
        self._shown = page, dict(message.get("query", {}))
        self._refresh()

    def _refresh(self) -> None:
        """Read the page on display soon, whether or not the history has changed."""
        self._asked += 1
        self._woken.set()

    async def _answer(self, request: dict[str, Any]) -> None:
        """Do what the browser asks for, and send the result or the reason why not."""
        error, result = None, None
        try:
            function = self._function(request["page"], request["action"])
            result = await asyncio.to_thread(function, **request.get("fields", {}))
        except (VidlibError, OSError) as raised:
            error = self._context.translated(str(raised))
        except Exception as raised:  # noqa: BLE001 # a bug must not look like a button that does nothing
            error = f"{request.get('action')}: {raised!r}"
        self._send({"id": request["id"], "result": result, "error": error})
        self._refresh()

    def _function(self, page_name: str, action: str) -> Callable[..., Any]:
        """The function of an action; raises UsageError if there is none, or if this person may not call it."""
        page = self.pages.get(page_name)
        if page and action in page.questions:
            return page.questions[action]
        if page is None or action not in page.actions:
            raise UsageError(f"the page {page_name!r} has no action {action!r}")
        if not self.may_change:
            raise UsageError(roles.REFUSAL)
        return page.actions[action]

    async def follow(self, every_s: float = EVERY_S) -> None:
        """Keep the page up to date until the kernel ends."""
        with load_reader(self._context.settings.workspace) as load:
            measured_at = -LOAD_EVERY_S
            while True:
                if self._connected and time.monotonic() - measured_at >= LOAD_EVERY_S:
                    measured_at = time.monotonic()
                    self._send({"load": load_json(load())})
                began = time.monotonic()
                await self._update()
                pause_s = max(every_s, PAUSE * (time.monotonic() - began))
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._woken.wait()
                self._woken.clear()

    def report_stop(self, following: asyncio.Task) -> None:
        """Show on the page that its updates stopped, and why."""
        if not following.cancelled():
            why = f"This page stopped: {following.exception()!r}. Runs continue. Reload the page."
            self._send({"problem": self._context.translated(why)})

    async def _update(self) -> None:
        """Send the parts of the page on display that have changed, if anything has."""
        if not self._connected or self._shown is None:
            return
        page, query = self._shown
        try:
            parts = await asyncio.to_thread(self._view, page, query)
        except (VidlibError, OSError) as error:
            self._problem(str(error))
            return
        if (page, query) == self._shown and parts:
            changed = {name: part for name, part in parts.items() if name not in self._sent or self._sent[name] != part}
            self._sent |= changed
            if changed:
                self._send({"page": page.name, "parts": changed})

    def _view(self, page: Page, query: dict[str, str]) -> dict[str, Any] | None:
        """The parts of a page, or None where nothing has changed since the last call."""
        database = self._context.settings.database
        asked = self._asked
        self._upkeep(database)
        marker = (asked, change_marker(database), page.marker())
        if marker == self._marker:
            return None
        with History(database) as history:
            parts = page.view(history, query)
        self._marker = marker
        return parts

    def _upkeep(self, database: str) -> None:
        """Mark the runs and downloads whose process died, and tell which runs have ended, now and then."""
        if time.monotonic() - self._upkeep_at >= UPKEEP_EVERY_S:
            with History(database) as history:
                history.mark_interrupted()
                store.requeue_lost(history)
                for run in self._ends.since_last_look(history):
                    self._notify(f"{title(run)}: {self._context.words.gettext(run.status)}")
            self._upkeep_at = time.monotonic()


def load_json(load: Load) -> dict[str, Any]:
    """The load of the machine for the head of the page; shares in [0, 1], memory and disks in bytes."""
    return {
        "cpu": load.cpu_percent / 100,
        "memory": {"used": load.memory_used, "total": load.memory_total},
        "disks": [{"folder": str(disk.folder), "used": disk.used, "total": disk.total} for disk in load.disks],
        "gpus": [
            {"name": gpu.name, "part": gpu.percent / 100, "used": gpu.memory_used, "total": gpu.memory_total}
            for gpu in load.gpus
        ],
    }


def open_page() -> tuple[DOMWidget, asyncio.Task]:
    """The widget of the page, and the task that updates it; the caller must keep both.

    Voilà's page finds the widget by its model in the output of the notebook. ``static/kernel.js`` is its other end.
    """
    widget = DOMWidget(_view_name="Dashboard", _view_module="vidlib")
    window = Window(settings(), widget)
    following = asyncio.ensure_future(window.follow())
    following.add_done_callback(window.report_stop)
    return widget, following
