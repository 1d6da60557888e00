"""The commands about runs and their results: ``vidlib status``, ``logs``, ``report``, ``reports``, ``why``, …."""

from pathlib import Path
from typing import Annotated

import typer

from vidlib.cli._options import (
    RESULTS,
    RUNS,
    AsJson,
    Command,
    OneStep,
    OneVideo,
    Overrides,
    Profiles,
    Workspace,
    complete_step,
    examples,
    print_json,
    read_params,
    read_settings,
)
from vidlib.machine.signals import stopped_by_signals


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    for command, (panel, *lines) in EXAMPLES.items():
        app.command(rich_help_panel=panel, epilog=examples(*lines))(command)


def status(
    run_id: Annotated[str | None, typer.Argument(help="Show the steps of this run.", metavar="RUN")] = None,
    workspace: Workspace = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Show the progress of the run (default: the newest) until it ends.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the latest runs, or every step of one run."""
    from vidlib.cli import console
    from vidlib.runner import queries

    settings = read_settings(workspace)
    with queries.opened(settings) as history:
        if follow:
            with stopped_by_signals() as stop:
                console.follow(history, run_id or queries.newest(history), stop)
            return
        document = queries.one_run(history, run_id) if run_id else queries.last_runs(history)
    if as_json:
        print_json(document)
    elif document["rows"]:
        console.print_table(document["rows"], without=("folder",))
        if run_id:
            console.print_progress(document)
    else:
        print(f"there is no run in the workspace {settings.workspace}; start one with: vidlib run PATH")


def report(
    label: Annotated[str, typer.Argument(help="A video file, its name or SHA-256, or a run.", metavar="VIDEO|RUN")],
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Print the path of the report of a video, or of every report of a run."""
    from vidlib.runner import queries

    settings = read_settings(workspace)
    with queries.opened(settings) as history:
        paths = queries.reports(history, settings.runs, label)
    print_json({"reports": [str(path) for path in paths]}) if as_json else print(*paths, sep="\n")


def reports(
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder of the page. Default: that of the runs.", metavar="FOLDER"),
    ] = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Build a page of all reports, with totals and a search. It works without a server; build it again at any time."""
    from vidlib.runner import queries, shelf

    settings = read_settings(workspace)
    with queries.opened(settings) as history:
        page, n_videos = shelf.build(history, settings, out and out.absolute())
    print_json({"page": str(page), "videos": n_videos}) if as_json else print(page)


def why(
    video: Annotated[str, typer.Argument(help="A video, by path, name or SHA-256. For the step extract: the archive.")],
    step: Annotated[
        str,
        typer.Argument(help="One of convert, scenes, audio, tracking, reduce, extract.", autocompletion=complete_step),
    ],
    workspace: Workspace = None,
    params: Profiles = None,
    overrides: Overrides = None,
) -> None:
    """Explain whether a step would run for a video, and what differs from its latest result."""
    from vidlib import api
    from vidlib.runner import queries

    settings = read_settings(workspace)
    source = Path(video)
    if step != "extract" and not source.is_file():
        source = api.Workspace(workspace).open(video).path or source
    print(queries.explain(source, step, read_params(settings, params, overrides).for_project(), settings))


def logs(
    run_id: Annotated[str | None, typer.Argument(help="The run. Default: the newest.", metavar="RUN")] = None,
    workspace: Workspace = None,
    video: OneVideo = None,
    step: OneStep = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run ends.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the log of a run and what its steps print, also while they run."""
    from dataclasses import asdict

    from vidlib.cli import console
    from vidlib.runner import logs as run_logs
    from vidlib.runner import queries

    settings = read_settings(workspace)
    with queries.opened(settings) as history:
        chosen = run_id or queries.newest(history)
        if follow:
            with stopped_by_signals() as stop:
                console.follow_log(history, settings.runs, chosen, (video, step), stop)
            return
        lines = list(run_logs.all_lines(history, settings.runs, chosen, video, step))
    if as_json:
        print_json({"run": chosen, "lines": [asdict(line) for line in lines]})
    else:
        console.print_log(lines)


def params(
    step: Annotated[str | None, typer.Argument(help="Only this step.", autocompletion=complete_step)] = None,
    workspace: Workspace = None,
    params: Profiles = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """List every parameter with its value, range and meaning; those that a profile or --set changes are marked."""
    from dataclasses import asdict

    from vidlib.cli import console
    from vidlib.errors import UnknownName
    from vidlib.steps import PARAMS
    from vidlib.steps.param_list import list_params

    values = read_params(read_settings(workspace), params, overrides).for_project()
    if step is not None and step not in PARAMS:
        raise UnknownName("a step", step, PARAMS)
    found = [info for info in list_params(values) if step in (None, info.step)]
    if as_json:
        print_json({"params": [asdict(info) | {"changed": info.changed, "range": info.range} for info in found]})
    else:
        console.print_params(found)


def cancel(
    run_id: Annotated[str, typer.Argument(help="A running run; see: vidlib status", metavar="RUN")],
    workspace: Workspace = None,
    video: OneVideo = None,
    step: OneStep = None,
) -> None:
    """Cancel a run, one of its videos or one of its steps. Finished steps keep their results."""
    from vidlib.runner import queries

    with queries.opened(read_settings(workspace)) as history:
        history.request_cancel(run_id, video, step)
    print(f"requested to cancel {' '.join(filter(None, (run_id, video, step)))}")


EXAMPLES: dict[Command, tuple[str, ...]] = {
    status: (RUNS, "vidlib status", "vidlib status --follow", "vidlib status 20260101-120000-ab12 --json"),
    logs: (
        RUNS,
        "vidlib logs",
        "vidlib logs --follow",
        "vidlib logs 20260101-120000-ab12 --video clip.mp4 --step audio",
    ),
    cancel: (RUNS, "vidlib cancel 20260101-120000-ab12", "vidlib cancel 20260101-120000-ab12 --video clip.mp4"),
    params: (RUNS, "vidlib params", "vidlib params scenes --params tv --set scenes.threshold=0.4"),
    report: (RESULTS, "vidlib report film.mp4", 'xdg-open "$(vidlib report film.mp4)"'),
    reports: (RESULTS, "vidlib reports", "vidlib reports --out /srv/www/reports"),
    why: (RESULTS, "vidlib why film.mp4 scenes", "vidlib why film.mp4 tracking --set tracking.detect_every=10"),
}
