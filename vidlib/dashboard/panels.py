"""The widgets of the operators' page. `show` is the only place that changes them; a click only calls a function."""

from collections.abc import Callable
from html import escape
from pathlib import Path

import ipywidgets as widgets

from vidlib.dashboard.state import PageView, RunView, StepView, VideoView
from vidlib.monitor import Load

STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")


class Page:
    """The whole page; clicks call ``on_start(names, profile)``, ``on_cancel(run_id)`` and ``on_choose(run_id)``."""

    def __init__(
        self,
        profiles: list[str],
        on_start: Callable[[list[str], str], None],
        on_cancel: Callable[[str], None],
        on_choose: Callable[[str | None], None],
    ):
        wide = widgets.Layout(width="100%")
        self.inbox = widgets.SelectMultiple(rows=6, layout=wide)
        self.profile = widgets.Dropdown(options=profiles, description="profile")
        self.start = widgets.Button(description="Run", button_style="primary", icon="play")
        self.cancel = widgets.Button(description="Cancel", button_style="danger", icon="stop", disabled=True)
        self.runs = widgets.Dropdown(description="run", layout=wide)
        self.problem, self.videos, self.log, self.load = (widgets.HTML() for _ in range(4))
        self._shown: RunView | None = None
        self._drawing = False
        self.start.on_click(lambda _: on_start(list(self.inbox.value), self.profile.value))
        self.cancel.on_click(lambda _: on_cancel(self._shown.run_id))
        self.runs.observe(lambda change: None if self._drawing else on_choose(change["new"]), "value")
        self.widget = self._arranged()

    def _arranged(self) -> widgets.Widget:
        parts = [
            widgets.HTML(f"<style>{STYLE}</style><h1>vidlib</h1>"),
            self.load,
            self.problem,
            widgets.HTML("<h2>Inbox</h2>"),
            self.inbox,
            widgets.HBox([self.profile, self.start, self.cancel]),
            widgets.HTML("<h2>Runs</h2>"),
            self.runs,
            self.videos,
            self.log,
        ]
        page = widgets.VBox(parts)
        page.add_class("vl-page")
        return page

    def show(self, view: PageView) -> None:
        """Draw ``view``; what an operator has chosen stays chosen while it can be."""
        self._drawing = True
        try:
            self.problem.value = f'<div class="vl-problem">{escape(view.problem)}</div>' if view.problem else ""
            if view.load:
                self.load.value = load_html(view.load)
            self._shown = view.shown
            _offer(
                self.inbox, view.inbox, tuple(name for name in self.inbox.value if name in dict(view.inbox).values())
            )
            _offer(self.runs, view.runs, view.shown.run_id if view.shown else None)
            self.cancel.disabled = not (view.shown and view.shown.active)
            self.videos.value = run_html(view.shown) if view.shown else "<p>Nothing has run yet.</p>"
            self.log.value = f'<div class="vl-log">{escape(chr(10).join(view.shown.log))}</div>' if view.shown else ""
        finally:
            self._drawing = False


def _offer(choice: widgets.SelectMultiple | widgets.Dropdown, options: tuple, value: object) -> None:
    """Change the options only when they differ: every change makes the browser draw the list anew."""
    if tuple(choice.options) != options:
        choice.options = options
    if choice.value != value:
        choice.value = value


def run_html(run: RunView) -> str:
    """One run: its state, and each of its videos with its steps."""
    error = f'<div class="vl-problem">{escape(run.error)}</div>' if run.error else ""
    head = f"<p><b>{escape(run.status)}</b>, {run.seconds:.0f} s: {escape(run.title)}</p>"
    return head + error + "".join(video_html(video) for video in run.videos)


def video_html(video: VideoView) -> str:
    """One video: a bar for each of its steps, and the link to its report."""
    link = f' · <a href="{escape(video.report_url)}" target="_blank">report</a>' if video.report_url else ""
    steps = "".join(step_html(step) for step in video.steps)
    return f'<div><b>{escape(video.name)}</b>{link}<div class="vl-steps">{steps}</div></div>'


def step_html(step: StepView) -> str:
    """One step as a bar that fills; its note shows on hovering, its error beside it."""
    done = step.fraction if step.status == "running" else float(step.status not in ("waiting",))
    error = f": {escape(step.note)}" if step.status in ("failed", "refused") else ""
    return (
        f'<div class="vl-step vl-{escape(step.status)}" title="{escape(step.status)} {escape(step.note)}">'
        f'<div class="vl-fill" style="width:{done:.0%}"></div><span>{escape(step.name)}{error}</span></div>'
    )


def load_html(load: Load) -> str:
    """How busy the machine is: CPU, memory, disks, GPUs."""
    meters = [("CPU", load.cpu_percent / 100, f"{load.cpu_percent:.0f} %")]
    meters.append(_room("memory", load.memory_used, load.memory_total))
    meters += [_room(f"disk {disk.folder.name}", disk.used, disk.total) for disk in load.disks]
    for gpu in load.gpus:
        meters.append((gpu.name, gpu.percent / 100, f"{gpu.percent:.0f} %"))
        meters.append(_room("GPU memory", gpu.memory_used, gpu.memory_total))
    if not load.gpus:
        meters.append(("GPU", 0.0, "none"))
    return "".join(meter_html(*meter) for meter in meters)


def meter_html(name: str, part: float, text: str) -> str:
    """A small bar, ``part`` of it full, between its name and what it says."""
    bar = f'<span class="vl-meter"><i style="width:{part:.0%}"></i></span>'
    return f'<span class="vl-load">{escape(name)} {bar} {escape(text)}</span>'


def _room(name: str, used: int, total: int) -> tuple[str, float, str]:
    return name, used / total, f"{used / 1e9:.1f} of {total / 1e9:.0f} GB"
