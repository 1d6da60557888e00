"""Commands that make copies of a video to look at: ``vidlib preview`` and ``vidlib reframe``."""

from pathlib import Path
from typing import Annotated

import typer

from vidlib.cli._options import RESULTS, AsJson, Workspace, examples
from vidlib.cli.export import print_exported

PREVIEW = examples("vidlib preview film.mp4", "vidlib preview Film --to previews")
REFRAME = examples(
    "vidlib reframe film.mp4 --to edit",
    "vidlib reframe film.mp4 --aspect 4:5 --preview --to edit",
    "vidlib correct framing film.mp4 120 640 sets a shot by hand; docs/use/reframe.md explains the plan.",
)

Subject = Annotated[
    str, typer.Argument(help="A video, by path, name or SHA-256; or a project.", metavar="VIDEO|PROJECT")
]
To = Annotated[Path, typer.Option("--to", help="The folder for the files. Default: this one.", metavar="FOLDER")]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module to ``app``."""
    app.command(rich_help_panel=RESULTS, epilog=PREVIEW)(preview)
    app.command(rich_help_panel=RESULTS, epilog=REFRAME)(reframe)


def preview(subject: Subject, to: To = Path(), workspace: Workspace = None, as_json: AsJson = False) -> None:
    """Draw the results into a small copy of a video, and make a contact sheet of its shots.

    <stem>_preview.mp4 (360p) has boxes, names, who speaks, the beginnings of shots and the words. <stem>_sheet.jpg has
    the middle of each shot. Steps of a video that are missing run first.
    """
    _export(subject, ["preview", "sheet"], to, None, workspace, as_json)


def reframe(
    subject: Subject,
    to: To = Path(),
    aspect: Annotated[str, typer.Option(help="The shape: width and height.", metavar="W:H")] = "9:16",
    preview: Annotated[bool, typer.Option("--preview", help="Also write an MP4 in the new shape, to look at.")] = False,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Plan a window of another shape for each shot, which shows the people who speak.

    The plan is <stem>_reframe.json. Steps of a video that are missing run first.
    """
    formats = ["reframe", "reframe-mp4"] if preview else ["reframe"]
    _export(subject, formats, to, aspect, workspace, as_json)


def _export(
    subject: str, formats: list[str], to: Path, aspect: str | None, workspace: Path | None, as_json: bool
) -> None:
    from vidlib.api.exporting import Options
    from vidlib.api.project_export import export
    from vidlib.cli import console

    options = Options(aspect=aspect)
    with console.progress_bar("frames") as report:
        exported = export(subject, formats, to, options, workspace=workspace, report=report)
    print_exported(exported, as_json)
