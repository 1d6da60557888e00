"""The widgets of the operators' page. Only what is called ``show`` changes them; a click only calls a function."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import ipywidgets as widgets
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from vidlib.dashboard.downloads import DownloadView
from vidlib.dashboard.state import InboxFile, PageView, RunView
from vidlib.dashboard.wording import in_bytes
from vidlib.machine.load import Load

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
STYLE = (HERE / "page.css").read_text(encoding="utf-8")

# names of files and messages come from outside: everything that a template is given is escaped
_parts = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
_parts.filters["percent"] = "{:.0%}".format


class Page:
    """The whole page; clicks call ``on_start(names, profile)``, and the others with the id of the run that is shown."""

    def __init__(
        self,
        profiles: list[str],
        downloads: "DownloadsPanel",
        on_start: Callable[[list[str], str | None], None],
        on_cancel: Callable[[str], None],
        on_resume: Callable[[str], None],
        on_choose: Callable[[str], None],
    ):
        self.head, self.inbox_note, self.run, self.log = (widgets.HTML() for _ in range(4))
        self.downloads = downloads
        self.inbox, self.videos = _box("vl-inbox"), _box("vl-videos")
        self.profile = widgets.Dropdown(options=profiles, description="Profile")
        self.start = widgets.Button(description="Run", button_style="primary")
        self.cancel = widgets.Button(description="Cancel", button_style="danger")
        self.resume = widgets.Button(description="Go on", tooltip="do what this run left undone")
        self.runs = widgets.Dropdown(description="Show")
        self._files: dict[str, widgets.Box] = {}
        self._shown: RunView | None = None
        self._drawing = False
        self.start.on_click(lambda _: on_start(self.chosen(), self.profile.value))
        self.cancel.on_click(lambda _: on_cancel(self._shown.run_id) if self._shown else None)
        self.resume.on_click(lambda _: on_resume(self._shown.run_id) if self._shown else None)
        self.runs.observe(lambda change: None if self._drawing else on_choose(change["new"]), "value")
        self.widget = self._arranged()

    def _arranged(self) -> widgets.Widget:
        start = _box("vl-row", self.profile, self.start)
        inbox = _box("vl-card", widgets.HTML("<h2>Inbox</h2>"), self.inbox_note, self.inbox, start)
        title = _box("vl-row", widgets.HTML("<h2>Runs</h2>"), self.runs, self.cancel, self.resume)
        runs = _box("vl-card", title, self.run, self.videos, self.log)
        columns = _box("vl-columns", _box("vl-left", inbox, self.downloads.widget), runs)
        return _box("vl-page", widgets.HTML(f"<style>{STYLE}</style>"), self.head, columns)

    def chosen(self) -> list[str]:
        """The names of the inbox files that are ticked."""
        return [name for name, row in self._files.items() if row.children[0].value]

    def show(self, view: PageView) -> None:
        """Draw ``view``; what an operator has chosen stays chosen while it can be."""
        self._drawing = True
        try:
            self.head.value = _html("head", view=view, meters=list(meters(view.load)))
            self._show_inbox(view)
            self.downloads.show(view.downloads)
            self._show_run(view)
        finally:
            self._drawing = False

    def _show_inbox(self, view: PageView) -> None:
        self.inbox_note.value = _html("inbox_note", view=view)
        self.start.disabled = view.starting is not None
        self.start.description = "Starting…" if view.starting else "Run"
        names = [file.name for file in view.inbox]
        if list(self._files) != names:
            self._files = {file.name: self._files.get(file.name) or _file_row(file) for file in view.inbox}
            self.inbox.children = list(self._files.values())
        for file in view.inbox:
            self._files[file.name].children[1].value = _html("detail", file=file)

    def _show_run(self, view: PageView) -> None:
        run = self._shown = None if view.starting else view.shown
        self.cancel.layout.visibility = "visible" if run and run.active else "hidden"
        self.cancel.disabled = bool(run and run.cancelling)
        self.cancel.description = "Cancelling…" if run and run.cancelling else "Cancel"
        self.resume.layout.display = "" if run and run.unfinished else "none"
        self._show_choice(view.runs, view.shown and view.shown.run_id)
        self.run.value = _html("run", view=view, run=run)
        self.log.value = _html("log", run=run)
        videos = run.videos if run else ()
        if len(self.videos.children) != len(videos):
            self.videos.children = [widgets.HTML() for _ in videos]
        # a widget each: one that does not change keeps its links whole under the pointer
        for widget, video in zip(self.videos.children, videos, strict=True):
            widget.value = _html("video", video=video)

    def _show_choice(self, runs: tuple[tuple[str, str], ...], shown: str | None) -> None:
        """Change the options only when they differ: every change makes the browser draw the list anew."""
        self.runs.layout.visibility = "visible" if runs else "hidden"
        if self.runs.options != runs:
            self.runs.options = runs
        if self.runs.value != shown:
            self.runs.value = shown


class DownloadsPanel:
    """What was offered for download; clicks call ``on_download(link)``, and the others with the key of a download."""

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
        self.widget = _box("vl-card", widgets.HTML("<h2>Downloads</h2>"), asked, self.note, self.rows)

    def show(self, views: tuple[DownloadView, ...]) -> None:
        """Draw ``views``; a link that was sent makes room for the next one, unless that is typed already."""
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
            button.description = view.asks or ""
            button.layout.display = "" if view.asks else "none"

    def _row(self, key: str) -> widgets.Box:
        button = widgets.Button()
        button.on_click(lambda _: self._on_close(key) if key in self._closing else self._on_again(key))
        return _box("vl-download", widgets.HTML(), button)

    def _send(self) -> None:
        self._sent = self.link.value
        self._on_download(self._sent)


@dataclass(frozen=True)
class Meter:
    """One bar of the machine's load: ``part`` of it is full; memory and disks run out, a processor is only busy."""

    name: str
    part: float
    says: str
    title: str = ""
    runs_out: bool = False


def meters(load: Load | None) -> Iterator[Meter]:
    """How busy the machine is: CPU, memory, disks, GPUs; nothing before it was measured."""
    if load is None:
        return
    yield Meter("CPU", load.cpu_percent / 100, f"{load.cpu_percent:.0f}%")
    yield _room("Memory", load.memory_used, load.memory_total)
    for disk in load.disks:
        yield _room("Disk", disk.used, disk.total, str(disk.folder))
    for gpu in load.gpus:
        yield Meter("GPU", gpu.percent / 100, f"{gpu.percent:.0f}%", gpu.name)
        yield _room("GPU memory", gpu.memory_used, gpu.memory_total, gpu.name)
    if not load.gpus:
        yield Meter("GPU", 0.0, "none", "no NVIDIA GPU was found: everything runs on the CPU")


def _room(name: str, used: int, total: int, title: str = "") -> Meter:
    return Meter(name, used / total, f"{in_bytes(used)} of {in_bytes(total)}", title, runs_out=True)


def _file_row(file: InboxFile) -> widgets.Box:
    tick = widgets.Checkbox(description=file.label, tooltip=file.label, indent=False)
    return _box("vl-file", tick, widgets.HTML())


def _box(name: str, *children: widgets.Widget) -> widgets.Box:
    box = widgets.Box(children)
    box.add_class(name)
    return box


def _html(part: str, **values: object) -> str:
    return _parts.get_template(f"{part}.html.j2").render(**values)
