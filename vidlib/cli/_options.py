"""Options that several commands share, and how commands read and print."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from vidlib.params import ParamSet
    from vidlib.settings import Settings

PANELS = RUNS, RESULTS, DOWNLOADS, ONE_FILE, MACHINE = ("Runs", "Results", "Downloads", "One file", "Machine")
"""The panels of the help, in their order."""


def _complete_profile(beginning: str) -> list[str]:
    from vidlib.settings import settings

    names = sorted(path.stem for path in settings().params_dir.glob("*.yaml"))
    return [name for name in names if name.startswith(beginning)]


def complete_step(beginning: str) -> list[str]:
    """The steps whose name has this beginning, for the completion of the shell."""
    from vidlib.steps import STEPS

    return [name for name in STEPS if name.startswith(beginning)]


Workspace = Annotated[
    Path | None,
    typer.Option("--workspace", "-w", help="Folder of the inbox, the results and the history.", metavar="FOLDER"),
]
Profiles = Annotated[
    list[str] | None,
    typer.Option(
        "--params",
        "-p",
        help="A profile (cpu, fast, tv) or a YAML file. Repeat it to combine several: later ones win.",
        metavar="PROFILE",
        autocompletion=_complete_profile,
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        help="Set one parameter; repeatable. params/default.yaml lists all of them.",
        metavar="STEP.NAME=VALUE",
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, help="Number of tasks that run in parallel. Default: one for each core."),
]
Scheduler = Annotated[
    str | None,
    typer.Option(help="Run on the Dask cluster at this address instead of this machine.", metavar="tcp://HOST:PORT"),
]
OneVideo = Annotated[str | None, typer.Option("--video", help="Only this video of the run.", metavar="NAME")]
OneStep = Annotated[
    str | None,
    typer.Option(
        "--step", help="Only this step, of that video or of all.", metavar="STEP", autocompletion=complete_step
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def read_settings(workspace: Path | None, **options: Any) -> "Settings":
    """The settings, from now on those of the process; ``workspace`` and ``options`` win over the environment."""
    from vidlib.settings import adopt, load, settings

    if workspace is not None:
        options["workspace"] = workspace
    return adopt(load(**options)) if options else settings()


def read_params(settings: "Settings", profiles: list[str] | None, overrides: list[str] | None) -> "ParamSet":
    """The parameters that ``--params`` and ``--set`` ask for."""
    from vidlib import params
    from vidlib.steps import PARAMS

    files = [params.find_profile(name, settings.params_dir) for name in profiles or ()]
    return params.read_params(PARAMS, files, overrides or ())


def print_json(document: Any) -> None:
    """Print the one document that programs read from stdout."""
    print(json.dumps(document, indent=2, ensure_ascii=False))


Command = Callable[..., None]
"""A function that typer makes a command of."""


def examples(*commands: str) -> str:
    """The examples below the help of a command, one a line."""
    return "\n\n".join(["Examples:", *commands])
