"""The command line: each command reads its arguments and calls one function."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from vidlib import settings as settings_module
from vidlib.cli import downloads, evaluate, one_download
from vidlib.cli.models import AsJson, models, print_json
from vidlib.errors import Cancelled, VidlibError
from vidlib.machine.signals import stopped_by_signals
from vidlib.settings import Settings

if TYPE_CHECKING:
    from vidlib.params import ParamSet
    from vidlib.runner.pipeline import Conditions
    from vidlib.runner.run_result import RunResult

app = typer.Typer(
    help="Turns delivered video archives into edit-ready analysis: shots, voices, faces, who is speaking, a report.",
    epilog="Settings are read from VIDLIB_* variables or .env. Exit codes: 0 done, 1 some videos failed, "
    "2 wrong usage, 3 refused input, 130 cancelled.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.add_typer(models, name="models")
app.add_typer(downloads.history, name="history")
app.command(epilog=one_download.DOWNLOAD_EXAMPLES)(one_download.download)
app.command()(one_download.monitor)
app.command(epilog=evaluate.EXAMPLES)(evaluate.evaluate)

Workspace = Annotated[
    Path | None, typer.Option("--workspace", "-w", help="folder of inbox, work, results and history", metavar="FOLDER")
]
Profiles = Annotated[
    list[str] | None,
    typer.Option("--params", "-p", help="a profile (cpu, tv, fast) or YAML file; later ones win", metavar="PROFILE"),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", help="one parameter; all are in params/default.yaml", metavar="STEP.NAME=VALUE"),
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, help="tasks side by side; default one a core, 1: one after the other"),
]
Scheduler = Annotated[
    str | None, typer.Option(help="work on the Dask cluster there instead of this machine", metavar="tcp://HOST:PORT")
]


def main() -> None:
    """Run the command line; a mistake or failure is one line on stderr and an exit code."""
    try:
        app(prog_name="vidlib")
    except VidlibError as error:
        _end(str(error), error.exit_code)
    except BrokenPipeError:  # whoever reads us has seen enough
        sys.exit(0)
    except OSError as error:  # a folder that is missing or may not be written, a full disk
        _end(f"{error.filename or 'the system'}: {error.strerror}; expected a place to write to, with room", 1)


def _end(message: str, code: int) -> NoReturn:
    print(f"vidlib: {message}", file=sys.stderr)
    sys.exit(code)


RUN_EXAMPLES = """Examples:\n
vidlib run workspace/inbox/delivery.zip\n
vidlib run clip.mp4 --params tv --set scenes.threshold=0.4\n
vidlib run projects/Film --steps scenes,audio --json > result.json"""


@app.command(epilog=RUN_EXAMPLES)
def run(
    paths: Annotated[list[str], typer.Argument(help="archives, videos, project folders, or links", metavar="PATH...")],
    workspace: Workspace = None,
    params: Profiles = None,
    overrides: Overrides = None,
    steps: Annotated[str | None, typer.Option(help="only these and what they need, as scenes,audio")] = None,
    force: Annotated[bool, typer.Option("--force", help="do the steps again though their results are there")] = False,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be done, why, and how long")] = False,
    as_json: AsJson = False,
) -> None:
    """Process archives, videos, folders or links, from download to report. What is done is not done again."""
    from vidlib.cli import console
    from vidlib.runner import pipeline
    from vidlib.runner.request import Request
    from vidlib.runner.sources import place_of

    settings = _settings(workspace)
    wanted = frozenset(name.strip() for name in (steps or "").split(",") if name.strip())
    request = Request([place_of(path) for path in paths], _params(settings, params, overrides), wanted, force)
    if dry_run:
        from vidlib.runner import dry_run as forecast

        found = forecast.forecast(request, settings)
        print_json(found) if as_json else console.show_forecast(found)
        raise typer.Exit
    raise typer.Exit(_drive(partial(pipeline.run, request, settings), jobs, scheduler, as_json))


@app.command()
def resume(
    run_id: Annotated[str | None, typer.Argument(help="default: the last that was interrupted", metavar="RUN")] = None,
    every: Annotated[bool, typer.Option("--all", help="every run that was interrupted; none is no mistake")] = False,
    workspace: Workspace = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    as_json: AsJson = False,
) -> None:
    """Go on with a run that was interrupted or cancelled, or in which something failed, with what it was asked for.

    Interrupted is what was killed, and what a signal stopped: whatever shuts a service or a machine down.
    """
    from vidlib.runner import pipeline, queries

    settings = _settings(workspace)
    with queries.opened(settings) as history:
        chosen = queries.interrupted(history) if every else [run_id or queries.last_interrupted(history)]
    codes = [0]
    for one in chosen:
        codes.append(_drive(partial(pipeline.resume, one, settings), jobs, scheduler, as_json))
        if codes[-1] == Cancelled.exit_code:
            break
    raise typer.Exit(max(codes))


@app.command()
def watch(
    workspace: Workspace = None,
    params: Profiles = None,
    overrides: Overrides = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
) -> None:
    """Process whatever arrives in the inbox, once it has stopped growing, until you stop it (Ctrl-C or SIGTERM)."""
    from vidlib.cli.console import RunDisplay, logging_to_stderr, summarize
    from vidlib.runner import pipeline, queries
    from vidlib.runner.request import Request
    from vidlib.runner.watch import watch as watch_inbox

    settings = _settings(workspace)
    chosen = _params(settings, params, overrides)

    def start(paths: list[Path]) -> None:
        with RunDisplay() as display:
            how = pipeline.Conditions(jobs, scheduler, display.show, stop)
            result = pipeline.run(Request(paths, chosen), settings, how)
        summarize(result)

    def known(sha256: str) -> bool:
        with queries.opened(settings) as history:
            return history.knows(sha256)

    with logging_to_stderr(), stopped_by_signals() as stop:
        watch_inbox(settings, start, known=known, stop=stop)


@app.command()
def worker(
    scheduler: Annotated[str, typer.Option(help="the Dask scheduler to work for", metavar="tcp://HOST:PORT")],
    workspace: Workspace = None,
    jobs: Jobs = None,
) -> None:
    """Work on the tasks of a Dask cluster, beside other machines that share the workspace and the history."""
    from vidlib.runner.execution.executors import work

    with stopped_by_signals() as stop:
        work(_settings(workspace), scheduler, jobs, stop, lambda line: print(line, flush=True))


@app.command()
def extract(
    archive: Annotated[Path, typer.Argument(help="a ZIP, TAR, 7z or RAR", exists=True, dir_okay=False)],
    to: Annotated[Path, typer.Option("--to", help="a folder that does not exist yet, or is empty")],
    as_json: AsJson = False,
) -> None:
    """Unpack one archive safely, without a project. Exit code 3 if some or all of it could not be had."""
    from vidlib.cli.console import working
    from vidlib.ingest.archives import extract_to

    with working(archive.name) as report:
        found = extract_to(archive, to, report)
    _say_outcome(found, as_json)


@app.command()
def convert(
    video: Annotated[Path, typer.Argument(help="a video file", exists=True, dir_okay=False)],
    to: Annotated[Path, typer.Option("--to", help="the folder that <name>.mp4 is written to")],
    params: Profiles = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Make the 25 fps H.264 file of one video, without a project. Exit code 3 if it cannot be had whole."""
    from vidlib.cli.console import working
    from vidlib.steps.convert import convert_to

    wanted = _params(_settings(None), params, overrides).of()["convert"]
    with working(video.name) as report:
        found = convert_to(video, to, wanted, report=report)
    _say_outcome(
        {"outcome": found.outcome, "message": found.message, "output": found.output and str(found.output)}, as_json
    )


@app.command()
def status(
    run_id: Annotated[str | None, typer.Argument(help="one run, with its steps", metavar="RUN")] = None,
    workspace: Workspace = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="watch the run (default: the newest) to its end")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What ran last and what runs now; or every step of one run."""
    from vidlib.cli import console
    from vidlib.runner import queries

    if follow:
        with queries.opened(_settings(workspace)) as history, stopped_by_signals() as stop:
            console.follow(history, run_id or queries.newest(history), stop)
        return
    with queries.opened(_settings(workspace)) as history:
        found = queries.one_run(history, run_id) if run_id else queries.last_runs(history)
    if as_json:
        print_json(found)
    else:
        console.show_table([{name: row[name] for name in row if name != "folder"} for row in found["rows"]])


@app.command()
def report(
    subject: Annotated[str, typer.Argument(help="a video file, its name or SHA-256, or a run", metavar="VIDEO|RUN")],
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Where the report of a video is, or those of a run."""
    from vidlib.runner import queries

    with queries.opened(_settings(workspace)) as history:
        found = queries.reports(history, subject)
    if as_json:
        print_json({"reports": [str(path) for path in found]})
    else:
        print(*found, sep="\n")


@app.command()
def why(
    video: Annotated[Path, typer.Argument(help="the video (for extract: the archive)")],
    step: Annotated[str, typer.Argument(help="convert, scenes, audio, tracking, reduce or extract")],
    workspace: Workspace = None,
    params: Profiles = None,
    overrides: Overrides = None,
) -> None:
    """Whether a step would run for a video, and exactly what differs from its last result."""
    from vidlib.runner import queries

    settings = _settings(workspace)
    print(queries.explain(video, step, _params(settings, params, overrides).of(), settings))


@app.command()
def cancel(
    run_id: Annotated[str, typer.Argument(help="a run that is going on; see: vidlib status", metavar="RUN")],
    workspace: Workspace = None,
    video: Annotated[str | None, typer.Option(help="only this video of the run", metavar="NAME")] = None,
    step: Annotated[str | None, typer.Option(help="only this step, of that video or of all", metavar="STEP")] = None,
) -> None:
    """Ask a run, or a part of it, to stop: it ends its processes, and keeps every step that it finished."""
    from vidlib.runner import queries

    with queries.opened(_settings(workspace)) as history:
        history.request_cancel(run_id, video, step)
    print(f"{' '.join(filter(None, (run_id, video, step)))} was asked to stop")


@app.command()
def doctor(workspace: Workspace = None, as_json: AsJson = False) -> None:
    """What this machine has and lacks, each with its mend. Exit code 1 if something needed is missing."""
    from vidlib.cli import console
    from vidlib.doctor import examine

    findings = examine(_settings(workspace))
    if as_json:
        print_json({"findings": [vars(finding) for finding in findings]})
    else:
        console.show_findings(findings)
    raise typer.Exit(int(any(finding.needed and not finding.ok for finding in findings)))


@app.command()
def dashboard(
    workspace: Workspace = None,
    port: Annotated[int | None, typer.Option(help="default VIDLIB_DASHBOARD_PORT; 0 takes a free one")] = None,
) -> None:
    """Serve the operators' page, and print the address and token that open it."""
    from vidlib.dashboard.server import serve

    given = {} if port is None else {"dashboard_port": port}
    raise typer.Exit(serve(_settings(workspace, **given)))


def _settings(workspace: Path | None, **given: Any) -> Settings:
    if workspace is None and not given:
        return settings_module.settings()
    return settings_module.load(**({"workspace": workspace} if workspace else {}), **given)


def _params(settings: Settings, profiles: list[str] | None, overrides: list[str] | None) -> "ParamSet":
    from vidlib.params import find_profile, read_params
    from vidlib.steps import PARAMS

    files = [find_profile(name, settings.params_dir) for name in profiles or ()]
    return read_params(PARAMS, files, overrides or ())


def _drive(work: Callable[["Conditions"], "RunResult"], jobs: int | None, scheduler: str | None, as_json: bool) -> int:
    """Drive a run before the eyes of whoever started it; its exit code."""
    from vidlib.cli.console import RunDisplay, summarize
    from vidlib.runner.pipeline import Conditions

    with RunDisplay() as display, stopped_by_signals() as stop:
        result = work(Conditions(jobs, scheduler, display.show, stop))
    summarize(result)
    if as_json:
        print_json(result.as_json())
    return result.exit_code


def _say_outcome(outcome: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(outcome)
    else:
        print(f"{outcome['outcome']}: {outcome['message']}")
    raise typer.Exit(0 if outcome["outcome"] == "ok" else 3)
