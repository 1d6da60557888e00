"""The commands that work on one file without a project: ``vidlib extract`` and ``vidlib convert``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from vidlib.cli._options import (
    ONE_FILE,
    AsJson,
    Command,
    Overrides,
    Profiles,
    examples,
    print_json,
    read_params,
    read_settings,
)


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    for command, lines in EXAMPLES.items():
        app.command(rich_help_panel=ONE_FILE, epilog=examples(*lines))(command)


def extract(
    archive: Annotated[Path, typer.Argument(help="A ZIP, TAR, 7z or RAR file.", exists=True, dir_okay=False)],
    to: Annotated[Path, typer.Option("--to", help="A folder that does not exist yet or is empty.")],
    as_json: AsJson = False,
) -> None:
    """Extract one archive safely.

    Exit code 3: the archive, or a part of it, was refused.
    """
    from vidlib.cli.console import progress_bar
    from vidlib.ingest.archives import extract_to

    with progress_bar(archive.name) as report:
        outcome = extract_to(archive, to, report)
    _print_outcome(outcome, as_json)


def convert(
    video: Annotated[Path, typer.Argument(help="A video file.", exists=True, dir_okay=False)],
    to: Annotated[Path, typer.Option("--to", help="The folder for the result, <name>.mp4.")],
    params: Profiles = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Convert one video to 25 fps H.264.

    Exit code 3: the video, or a part of it, cannot be read.
    """
    from vidlib.cli.console import progress_bar
    from vidlib.steps.convert import Params, convert_to

    convert_params = read_params(read_settings(None), params, overrides).for_project()["convert"]
    assert isinstance(convert_params, Params)
    with progress_bar(video.name) as report:
        converted = convert_to(video, to, convert_params, report=report)
    output = converted.output and str(converted.output)
    outcome = {"outcome": converted.outcome, "message": converted.message, "output": output}
    _print_outcome({**outcome, "notes": list(converted.notes)}, as_json)


def _print_outcome(outcome: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(outcome)
    else:
        print("\n".join([f"{outcome['outcome']}: {outcome['message']}", *outcome.get("notes", ())]))
    raise typer.Exit(0 if outcome["outcome"] == "ok" else 3)


EXAMPLES: dict[Command, tuple[str, ...]] = {
    extract: ("vidlib extract delivery.zip --to delivery", "vidlib extract delivery.7z --to delivery --json"),
    convert: ("vidlib convert clip.mov --to converted", "vidlib convert clip.mov --to converted --params tv"),
}
