"""The command that makes a video vertical: ``vidlib reframe``."""

from pathlib import Path
from typing import Annotated

import typer

from vidlib.cli._options import RESULTS, AsJson, Workspace, examples
from vidlib.cli.export import print_exported

EXAMPLES = examples("vidlib reframe film.mp4 --to edit", "vidlib reframe film.mp4 --preview --to edit")


def add_commands(app: typer.Typer) -> None:
    """Add the command of this module to ``app``."""
    app.command(rich_help_panel=RESULTS, epilog=EXAMPLES)(reframe)


def reframe(
    subject: Annotated[
        str, typer.Argument(help="A video, by path, name or SHA-256; or a project.", metavar="VIDEO|PROJECT")
    ],
    to: Annotated[Path, typer.Option("--to", help="The folder for the files.", metavar="FOLDER")],
    preview: Annotated[bool, typer.Option("--preview", help="Also write a vertical MP4 to look at.")] = False,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Plan a vertical window (9:16) for each shot, which shows the people who speak.

    The plan is <stem>_vertical.json. Steps of a video that are missing run first.
    """
    from vidlib.api.exporting import Options
    from vidlib.api.project_export import export

    formats = ["vertical", "vertical-mp4"] if preview else ["vertical"]
    print_exported(export(subject, formats, to, Options(), workspace=workspace), as_json)
