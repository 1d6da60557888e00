"""The commands that process videos: ``vidlib run``, ``resume``, ``retry``, ``watch`` and ``worker``."""

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidlib.cli._options import (
    RUNS,
    AsJson,
    Command,
    Jobs,
    OneStep,
    OneVideo,
    Overrides,
    Profiles,
    Scheduler,
    Workspace,
    examples,
    print_json,
    read_params,
    read_settings,
)
from vidlib.errors import Cancelled, VidlibError
from vidlib.machine.signals import stopped_by_signals

if TYPE_CHECKING:
    from vidlib.runner.pipeline import RunOptions
    from vidlib.runner.run_result import RunResult


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    for command, lines in EXAMPLES.items():
        app.command(rich_help_panel=RUNS, epilog=examples(*lines))(command)


def run(
    paths: Annotated[
        list[str], typer.Argument(help="Archives, videos, project folders, links or their handles.", metavar="PATH")
    ],
    workspace: Workspace = None,
    params: Profiles = None,
    overrides: Overrides = None,
    steps: Annotated[
        str | None,
        typer.Option(help="Run only these steps and the steps that they need.", metavar="STEP,STEP..."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Run the steps again even if their results exist.")] = False,
    variant: Annotated[
        str | None,
        typer.Option(help="Keep the results apart under this name, beside the present ones.", metavar="NAME"),
    ] = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would run, why, and how long it would take.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Process archives, videos, folders or links, from download to report. Finished steps are not repeated.

    Results replace those beside a video as a whole, if they are of the same steps or more. Use --variant to keep both.
    """
    if not (dry_run or scheduler):
        _start_ahead(paths[0])
    settings = read_settings(workspace)
    from vidlib.cli import console
    from vidlib.runner import pipeline
    from vidlib.runner.request import Request
    from vidlib.runner.sources import named_source

    names = frozenset(name.strip() for name in (steps or "").split(",") if name.strip())
    param_set = read_params(settings, params, overrides)
    request = Request([named_source(path, settings) for path in paths], param_set, names, force, variant)
    if dry_run:
        from vidlib.runner import dry_run as prediction

        plan = prediction.plan(request, settings).as_json()
        print_json(plan) if as_json else console.print_forecast(plan)
        raise typer.Exit
    raise typer.Exit(_run_with_display(partial(pipeline.run, request, settings), jobs, scheduler, as_json))


def promote(
    video: Annotated[str, typer.Argument(help="A video file, its name or its SHA-256.", metavar="VIDEO")],
    name: Annotated[str, typer.Argument(help="The variant, as given to: vidlib run --variant NAME", metavar="NAME")],
    workspace: Workspace = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    as_json: AsJson = False,
) -> None:
    """Put a variant in the place of the results beside a video, and deliver it. Steps that it lacks run first."""
    from vidlib.api import Workspace as Videos
    from vidlib.runner import pipeline

    settings = read_settings(workspace)
    request = Videos(settings.workspace).open(video).promotion(name)
    raise typer.Exit(_run_with_display(partial(pipeline.run, request, settings), jobs, scheduler, as_json))


def resume(
    run_id: Annotated[
        str | None, typer.Argument(help="The run. Default: the run that was interrupted last.", metavar="RUN")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Resume every interrupted run; succeeds if there is none.")
    ] = False,
    workspace: Workspace = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    as_json: AsJson = False,
) -> None:
    """Continue a run that was interrupted, was cancelled or has failed tasks, with its original request.

    A run is interrupted if its process was killed or a signal stopped it, for example when the machine shuts down.
    """
    if scheduler is None:
        _start_ahead()
    from vidlib.runner import pipeline, queries

    settings = read_settings(workspace)
    with queries.opened(settings) as history:
        run_ids = queries.interrupted(history) if every else [run_id or queries.last_interrupted(history)]
    exit_codes = [0]
    for chosen in run_ids:
        exit_codes.append(_run_with_display(partial(pipeline.resume, chosen, settings), jobs, scheduler, as_json))
        if exit_codes[-1] == Cancelled.exit_code:
            break
    raise typer.Exit(max(exit_codes))


def retry(
    run_id: Annotated[str, typer.Argument(help="A run in which something failed; see: vidlib status", metavar="RUN")],
    workspace: Workspace = None,
    video: OneVideo = None,
    step: OneStep = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    as_json: AsJson = False,
) -> None:
    """Try the failed steps of a run again, and the steps that were skipped because of them. The run may still run.

    A video or a step that you name is also tried again if it was cancelled. Refused files and wrong parameters fail in
    the same way each time; they are not tried again.
    """
    if scheduler is None:
        _start_ahead()
    from vidlib.runner import pipeline

    settings = read_settings(workspace)

    def work(options: "RunOptions") -> "RunResult | None":
        return pipeline.retry(run_id, settings, options, video=video, step=step)

    raise typer.Exit(_run_with_display(work, jobs, scheduler, as_json))


def watch(
    workspace: Workspace = None,
    params: Profiles = None,
    overrides: Overrides = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
) -> None:
    """Process every delivery that arrives in the inbox, until Ctrl-C or SIGTERM.

    A delivery starts once its files have stopped growing.
    """
    from vidlib.cli.console import RunDisplay, logging_to_stderr, print_summary
    from vidlib.runner import pipeline, queries
    from vidlib.runner.request import Request
    from vidlib.runner.run_progress import forecast_from
    from vidlib.runner.watch import watch as watch_inbox

    settings = read_settings(workspace)
    param_set = read_params(settings, params, overrides)

    def start(paths: list[Path]) -> None:
        with RunDisplay(partial(forecast_from, settings)) as display:
            options = pipeline.RunOptions(jobs, scheduler, display.update, stop)
            result = pipeline.run(Request(paths, param_set), settings, options)
        print_summary(result)

    with logging_to_stderr(), stopped_by_signals() as stop:
        watch_inbox(settings, start, known=partial(queries.has_content, settings), stop=stop)


def worker(
    scheduler: Annotated[str, typer.Option(help="Address of the Dask scheduler.", metavar="tcp://HOST:PORT")],
    workspace: Workspace = None,
    jobs: Jobs = None,
) -> None:
    """Execute tasks of a Dask cluster on this machine, which shares the workspace and the history with the others."""
    from vidlib.runner.execution.dask_executor import run_worker

    with stopped_by_signals() as stop:
        run_worker(read_settings(workspace), scheduler, jobs, stop, lambda line: print(line, flush=True))


def _start_ahead(first: str = "") -> None:
    """Let other processes begin with what the run needs first, while this one imports the libraries of the runner.

    The process of the kernels imports those of the steps. FFmpeg tells its version and describes the ``first`` video;
    the answers are kept.
    """
    from vidlib.media import ffmpeg
    from vidlib.media.probe import probe_video
    from vidlib.media.suffixes import is_video_name
    from vidlib.runner.kernels import template

    template.start_ahead()

    def ask_ffmpeg() -> None:
        with suppress(VidlibError, OSError):  # the run meets the same error, and reports it
            ffmpeg.version()
            if is_video_name(first):
                probe_video(Path(first))

    threading.Thread(target=ask_ffmpeg, daemon=True).start()


def _run_with_display(
    work: Callable[["RunOptions"], "RunResult | None"], jobs: int | None, scheduler: str | None, as_json: bool
) -> int:
    """Run ``work`` with a progress display, print its summary, and return its exit code.

    ``work`` returns None if another process does it.
    """
    from vidlib.cli.console import RunDisplay, print_summary
    from vidlib.runner.pipeline import RunOptions
    from vidlib.runner.run_progress import forecast_from
    from vidlib.settings import settings

    display = RunDisplay(partial(forecast_from, settings()), since=time.time())
    with display, stopped_by_signals() as stop:
        result = work(RunOptions(jobs, scheduler, display.update, stop))
    if result is None:
        print("the run is still running, and its process does the work; see: vidlib status --follow", file=sys.stderr)
        return 0
    print_summary(result)
    if as_json:
        print_json(result.as_json())
    return result.exit_code


EXAMPLES: dict[Command, tuple[str, ...]] = {
    run: (
        "vidlib run workspace/inbox/delivery.zip",
        "vidlib run clip.mp4 --params tv --set scenes.threshold=0.4",
        "vidlib run workspace/projects/Film --steps scenes,audio --json > result.json",
        "vidlib run film.mp4 --set scenes.threshold=0.9 --variant loose",
        "vidlib run 'https://files.example.org/film.zip' --dry-run",
    ),
    promote: ("vidlib promote film.mp4 loose",),
    resume: ("vidlib resume", "vidlib resume --all", "vidlib resume 20260101-120000-ab12 --jobs 1"),
    retry: (
        "vidlib retry 20260101-120000-ab12",
        "vidlib retry 20260101-120000-ab12 --video clip.mp4 --step tracking",
    ),
    watch: ("vidlib watch --params tv", "vidlib watch --workspace /srv/vidlib --jobs 4"),
    worker: ("vidlib worker --scheduler tcp://render-1:8786 --workspace /srv/vidlib",),
}
