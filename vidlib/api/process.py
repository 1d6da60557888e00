"""Runs that Python code starts: with a progress bar, and with results that stay those of this run."""

import glob
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from vidlib.errors import Cancelled, UsageError
from vidlib.machine.signals import stopped_by_signals
from vidlib.params import ParamSet
from vidlib.runner.request import Request
from vidlib.settings import Settings

if TYPE_CHECKING:
    from rich.progress import TaskID

    from vidlib.api.workspace import Paths
    from vidlib.runner.pipeline import RunOptions
    from vidlib.runner.run_result import RunResult
    from vidlib.runner.store.models import Task

Result = TypeVar("Result", bound="RunResult | None")


def process(request: Request, settings: Settings, jobs: int | None = None) -> "RunResult":
    """Do what ``request`` asks for, with a progress bar.

    Raises Cancelled after Ctrl-C (in Jupyter: interrupt the kernel), so that nothing after it is executed; else as
    `vidlib.runner.pipeline.run` does.
    """
    from vidlib.runner import pipeline

    return with_progress(partial(pipeline.run, request, settings), settings, jobs)


def retry(run: str, settings: Settings, video: str | None, step: str | None, jobs: int | None) -> "RunResult | None":
    """Try again what failed in a run, as `vidlib.runner.pipeline.retry` does; raises Cancelled as `process` does."""
    from vidlib.runner import pipeline

    def work(options: "RunOptions") -> "RunResult | None":
        return pipeline.retry(run, settings, options, video=video, step=step)

    return with_progress(work, settings, jobs)


def with_progress(work: Callable[["RunOptions"], Result], settings: Settings, jobs: int | None) -> Result:
    """Do ``work`` with a progress bar."""
    from vidlib.runner.pipeline import RunOptions

    with _progress_bar(settings) as on_task_change, _stop_event() as stop:
        result = work(RunOptions(jobs=jobs, on_task_change=on_task_change, stop=stop))
    if result is not None and stop.is_set() and result.status == "cancelled":
        raise Cancelled(f"run {result.run} was stopped; finished steps are kept. To go on: vidlib resume {result.run}")
    return result


def _stop_event() -> AbstractContextManager[threading.Event]:
    """An event that Ctrl-C sets; only the main thread hears signals."""
    main = threading.current_thread() is threading.main_thread()
    default = signal.getsignal(signal.SIGINT) in (signal.default_int_handler, signal.SIG_DFL)
    return stopped_by_signals() if main and default else nullcontext(threading.Event())


@contextmanager
def _progress_bar(settings: Settings) -> Iterator[Callable[["Task"], None]]:
    """A bar over all steps of a run, on stderr or in the notebook; nothing appears where all of them are done."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from vidlib.runner.run_progress import RunMeter, forecast_from

    name = TextColumn("{task.description}", markup=False)
    console = Console(stderr=True)
    watched = console.is_terminal or console.is_jupyter
    bars = Progress(name, BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), console=console, transient=True)
    meter = RunMeter(partial(forecast_from, settings))
    bar: TaskID | None = None

    def on_task_change(task: "Task") -> None:
        nonlocal bar
        meter.update(task)
        if task.status == "running" and bar is None and watched:
            bar = bars.add_task("", total=1.0)
            bars.start()
        if bar is not None and meter.due(now := time.time()):
            description = f"{task.label} · {task.step}" if task.status == "running" else None
            bars.update(bar, completed=meter.measure(now).run.fraction, description=description)

    try:
        yield on_task_change
    finally:
        if bar is not None:
            bars.stop()


def override(key: str, value: object) -> str:
    """``step.parameter=value`` as `vidlib.params.read_params` reads it.

    >>> override("audio.engines", ["pyannote", "light"])
    'audio.engines=["pyannote", "light"]'
    """
    import json

    return f"{key}={json.dumps(value)}"


def overrides(values: Mapping[str, object] | None) -> list[str]:
    """Each of ``values``, as ``{"scenes.threshold": 0.4}``, in the form that the command line takes."""
    return [override(key, value) for key, value in (values or {}).items()]


def request_for(
    settings: Settings,
    paths: "Paths",
    profile: str | Path | Sequence[str | Path],
    values: Mapping[str, object] | None,
    steps: Sequence[str],
    force: bool,
    variant: str | None,
) -> Request:
    """The request that the arguments of `vidlib.run` ask for."""
    from vidlib.runner.sources import named_source

    params = param_set(settings, profile, values)
    places = [named_source(path, settings) for text in _listed(paths) for path in _expanded(str(text))]
    return Request(places, params, frozenset(_listed(steps)), force, variant)


def param_set(
    settings: Settings, profile: str | Path | Sequence[str | Path], values: Mapping[str, object] | None
) -> ParamSet:
    """The parameters of the profiles, with other ``values`` as ``{"scenes.threshold": 0.4}``."""
    from vidlib.params import find_profile, read_params
    from vidlib.steps import PARAMS

    profiles = [find_profile(str(name), settings.params_dir) for name in _listed(profile)]
    return read_params(PARAMS, profiles, overrides(values))


def _listed(values: Any) -> list[Any]:
    return [values] if isinstance(values, str | Path) else list(values)


def _expanded(text: str) -> Iterator[str]:
    """The paths that a pattern with ``*``, ``?`` or ``[`` fits, sorted; ``text`` itself where it is none."""
    if not glob.has_magic(text) or text.lower().startswith(("http://", "https://")) or Path(text).exists():
        yield text
        return
    paths = sorted(glob.glob(str(Path(text).expanduser()), recursive=True))  # noqa: PTH207  (of any root)
    if not paths:
        raise UsageError(f"no file fits {text!r}; expected archives, videos or folders")
    yield from paths
