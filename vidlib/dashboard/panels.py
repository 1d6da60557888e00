"""The widgets of the operators' page. Only the ``render`` methods change them; a click only calls a function."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import ipywidgets as widgets
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from vidlib.dashboard.downloads import DownloadView
from vidlib.dashboard.state import SHELF_ROUTE, InboxFile, PageView, RunView
from vidlib.machine.load import Load
from vidlib.text import format_bytes

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
STYLE = (HERE / "page.css").read_text(encoding="utf-8")

# file names and messages come from outside, so the templates escape every value
_parts = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
_parts.filters["percent"] = "{:.0%}".format


class Page:
    """The whole page. Clicks call ``on_start(names, profile)``, or another callback with the id of the shown run."""

    def __init__(
        self,
        profiles: list[str],
        downloads: "DownloadsPanel",
        on_start: Callable[[list[str], str | None], None],
        on_cancel: Callable[[str], None],
        on_resume: Callable[[str], None],
        on_select: Callable[[str], None],
        may_change: bool = True,
    ):
        self.head, self.problem, self.inbox_note, self.run, self.log = (widgets.HTML() for _ in range(5))
        self.account = widgets.HTML(_html("account", may_change=may_change, reports=SHELF_ROUTE))
        self.downloads = downloads
        self.inbox, self.videos = _box("vl-inbox"), _box("vl-videos")
        self.profile = widgets.Dropdown(options=profiles, description="Profile")
        self.start = widgets.Button(description="Run", button_style="primary")
        self.cancel = widgets.Button(description="Cancel", button_style="danger")
        self.resume = widgets.Button(description="Resume", tooltip="execute the unfinished steps of this run")
        self.runs = widgets.Dropdown(description="Show")
        self._files: dict[str, widgets.Box] = {}
        self._run: RunView | None = None
        self._drawing = False
        self.start.on_click(lambda _: on_start(self.selected_files(), self.profile.value))
        self.cancel.on_click(lambda _: on_cancel(self._run.run_id) if self._run else None)
        self.resume.on_click(lambda _: on_resume(self._run.run_id) if self._run else None)
        self.runs.observe(lambda change: None if self._drawing else on_select(change["new"]), "value")
        self.widget = self._layout()
        if not may_change:
            self.widget.add_class("vl-viewer")

    def _layout(self) -> widgets.Widget:
        for button in (self.cancel, self.resume):
            button.add_class("vl-act")
        start = _box("vl-row", self.profile, self.start)
        start.add_class("vl-act")
        inbox = _box("vl-card", widgets.HTML("<h2>Inbox</h2>"), self.inbox_note, self.inbox, start)
        title = _box("vl-row", widgets.HTML("<h2>Runs</h2>"), self.runs, self.cancel, self.resume)
        runs = _box("vl-card", title, self.run, self.videos, self.log)
        columns = _box("vl-columns", _box("vl-left", inbox, self.downloads.widget), runs)
        return _box("vl-page", widgets.HTML(f"<style>{STYLE}</style>"), self.account, self.head, self.problem, columns)

    def selected_files(self) -> list[str]:
        """The names of the selected inbox files."""
        return [name for name, row in self._files.items() if row.children[0].value]

    def render(self, view: PageView) -> None:
        """Draw ``view`` and keep the selection of the operator where possible."""
        self._drawing = True
        try:
            self.head.value = _html("head", view=view, meters=list(meters(view.load)))
            # of its own, because a screen reader reads an alert again after each change of its element
            self.problem.value = _html("problem", view=view)
            self._render_inbox(view)
            self.downloads.render(view.downloads)
            self._render_run(view)
        finally:
            self._drawing = False

    def _render_inbox(self, view: PageView) -> None:
        self.inbox_note.value = _html("inbox_note", view=view)
        self.start.disabled = view.starting is not None
        self.start.description = "Starting…" if view.starting else "Run"
        names = [file.name for file in view.inbox]
        if list(self._files) != names:
            self._files = {file.name: self._files.get(file.name) or _file_row(file) for file in view.inbox}
            self.inbox.children = list(self._files.values())
        for file in view.inbox:
            self._files[file.name].children[1].value = _html("detail", file=file)

    def _render_run(self, view: PageView) -> None:
        run = self._run = None if view.starting else view.shown
        self.cancel.layout.visibility = "visible" if run and run.active else "hidden"
        self.cancel.disabled = bool(run and run.cancelling)
        self.cancel.description = "Cancelling…" if run and run.cancelling else "Cancel"
        self.resume.layout.display = "" if run and run.unfinished else "none"
        self._render_choice(view.runs, view.shown.run_id if view.shown else None)
        self.run.value = _html("run", view=view, run=run)
        self.log.value = _html("log", run=run)
        videos = run.videos if run else ()
        if len(self.videos.children) != len(videos):
            self.videos.children = [widgets.HTML() for _ in videos]
        # one widget per video: an unchanged widget keeps its links alive under the pointer
        for widget, video in zip(self.videos.children, videos, strict=True):
            widget.value = _html("video", video=video)

    def _render_choice(self, runs: tuple[tuple[str, str], ...], shown: str | None) -> None:
        """Change the options only if they differ, because the browser draws the list anew after every change."""
        self.runs.layout.visibility = "visible" if runs else "hidden"
        if self.runs.options != runs:
            self.runs.options = runs
        if self.runs.value != shown:
            self.runs.value = shown


class DownloadsPanel:
    """The list of downloads. A click calls ``on_download(link)``, or another callback with the key of a download."""

    def __init__(
        self,
        on_download: Callable[[str], None],
        on_again: Callable[[str], None],
        on_close: Callable[[str], None],
    ):
        self.note, self.rows = widgets.HTML(), _box("vl-downloads")
        self.link = widgets.Text(placeholder="https://…", tooltip="a link to a file")
        self.start = widgets.Button(description="Download", button_style="primary")
        self._on_download, self._on_again, self._on_close = on_download, on_again, on_close
        self._rows: dict[str, widgets.Box] = {}
        self._closing: frozenset[str] = frozenset()
        self._sent: str | None = None
        self.start.on_click(lambda _: self._send())
        asked = _box("vl-row", self.link, self.start)
        asked.add_class("vl-act")
        self.widget = _box("vl-card", widgets.HTML("<h2>Downloads</h2>"), asked, self.note, self.rows)

    def render(self, views: tuple[DownloadView, ...]) -> None:
        """Draw ``views``, and clear the link that was sent unless the operator has already typed another one."""
        if self._sent is not None and self.link.value == self._sent:
            self.link.value = ""
        self._sent = None
        self.note.value = _html("downloads_note", views=views)
        if list(self._rows) != [view.key for view in views]:
            self._rows = {view.key: self._rows.get(view.key) or self._row(view.key) for view in views}
            self.rows.children = list(self._rows.values())
        self._closing = frozenset(view.key for view in views if view.state == "manual")
        for view in views:
            about, button = self._rows[view.key].children
            about.value = _html("download", view=view)
            button.description = view.action or ""
            button.layout.display = "" if view.action else "none"

    def _row(self, key: str) -> widgets.Box:
        button = widgets.Button()
        button.add_class("vl-act")
        button.on_click(lambda _: self._on_close(key) if key in self._closing else self._on_again(key))
        return _box("vl-download", widgets.HTML(), button)

    def _send(self) -> None:
        self._sent = self.link.value
        self._on_download(self._sent)


@dataclass(frozen=True)
class Meter:
    """One bar of the machine's load: ``part`` in [0, 1] is used. ``runs_out`` holds for memory and disks."""

    name: str
    part: float
    status_text: str
    title: str = ""
    runs_out: bool = False


def meters(load: Load | None) -> Iterator[Meter]:
    """A meter for each of CPU, memory, disks and GPUs; none before the first measurement."""
    if load is None:
        return
    yield Meter("CPU", load.cpu_percent / 100, f"{load.cpu_percent:.0f}%")
    yield _space_meter("Memory", load.memory_used, load.memory_total)
    for disk in load.disks:
        yield _space_meter("Disk", disk.used, disk.total, str(disk.folder))
    for gpu in load.gpus:
        yield Meter("GPU", gpu.percent / 100, f"{gpu.percent:.0f}%", gpu.name)
        yield _space_meter("GPU memory", gpu.memory_used, gpu.memory_total, gpu.name)
    if not load.gpus:
        yield Meter("GPU", 0.0, "none", "no NVIDIA GPU was found; everything runs on the CPU")


def _space_meter(name: str, used: int, total: int, title: str = "") -> Meter:
    return Meter(name, used / total, f"{format_bytes(used)} of {format_bytes(total)}", title, runs_out=True)


def _file_row(file: InboxFile) -> widgets.Box:
    tick = widgets.Checkbox(description=file.label, tooltip=file.label, indent=False)
    return _box("vl-file", tick, widgets.HTML())


def _box(name: str, *children: widgets.Widget) -> widgets.Box:
    box = widgets.Box(children)
    box.add_class(name)
    return box


def _html(part: str, **values: object) -> str:
    return _parts.get_template(f"{part}.html.j2").render(**values)
