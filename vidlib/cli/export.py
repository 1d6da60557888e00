"""The command that writes results for other programs: ``vidlib export``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vidlib.cli._options import RESULTS, AsJson, Workspace, examples, print_json

if TYPE_CHECKING:
    from vidlib.api.project_export import Exported

EXAMPLES = examples(
    "vidlib export film.mp4 --format fcp7 --to edit",
    "vidlib export film.mp4 --format otio --for premiere --media-root D:/Media --to edit",
    "vidlib export Film --format edl --format srt --layout bin --to edit",
    "docs/use/export.md explains what to do in each program.",
)


def add_commands(app: typer.Typer) -> None:
    """Add the command of this module to ``app``."""
    app.command(rich_help_panel=RESULTS, epilog=EXAMPLES)(export)


def print_exported(exported: "Exported", as_json: bool) -> None:
    """Print the written files on stdout, and on stderr which decisions of people are in them."""
    files = [str(path) for path in exported.files]
    if as_json:
        print_json({"files": files, "decisions": exported.decisions, "pending": exported.pending})
        return
    print(*files, sep="\n")
    if exported.decisions:
        typer.echo(f"with {exported.decisions} decision{'s' * (exported.decisions > 1)} by a person", err=True)
    if exported.pending:
        typer.echo(
            f"without {exported.pending} newer decision{'s' * (exported.pending > 1)} by a person; to apply them: "
            "vidlib correct apply VIDEO",
            err=True,
        )


def _complete_format(beginning: str) -> list[str]:
    from vidlib.api.exporting import FORMATS

    return [name for name in FORMATS if name.startswith(beginning)]


def export(
    subject: Annotated[
        str, typer.Argument(help="A video, by path, name or SHA-256; or a project.", metavar="VIDEO|PROJECT")
    ],
    formats: Annotated[
        list[str],
        typer.Option(
            "--format",
            "-f",
            help="fcp7, otio, fcpxml, edl, resolve-markers, avid-markers, srt, vtt, rttm, elan, tsv, csv, cvat, mot, "
            "coco, ae, reframe, preview, …; repeatable.",
            metavar="FORMAT",
            autocompletion=_complete_format,
        ),
    ],
    to: Annotated[Path, typer.Option("--to", help="The folder for the files.", metavar="FOLDER")],
    media_root: Annotated[
        str | None,
        typer.Option(
            help="Folder of the delivered videos on the editor's machine; . is the folder of the exported file. "
            "Default: where they are on this machine.",
            metavar="FOLDER",
        ),
    ] = None,
    start_tc: Annotated[
        str | None,
        typer.Option(
            help="Time code at which the timeline begins. Default: that of the video; 01:00:00:00 for several.",
            metavar="HH:MM:SS:FF",
        ),
    ] = None,
    handles: Annotated[int, typer.Option(min=0, help="Frames before and after each shot.", metavar="FRAMES")] = 0,
    editor: Annotated[
        Literal["resolve", "premiere"], typer.Option("--for", help="The program that an OTIO file is for.")
    ] = "resolve",
    layout: Annotated[
        Literal["timeline", "bin"],
        typer.Option(help="A project as one timeline of all videos, or as a bin with a timeline for each."),
    ] = "timeline",
    aspect: Annotated[
        str | None,
        typer.Option(
            help="The shape of ae and reframe (default: 9:16), and of a timeline for Premiere in OTIO.", metavar="W:H"
        ),
    ] = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Write results for editing programs, players, annotation tools and spreadsheets.

    Steps of a video that are missing run first. The paths of the files are printed on stdout.
    """
    from vidlib.api.exporting import Options
    from vidlib.api.project_export import export as write
    from vidlib.cli import console

    options = Options(media_root, start_tc, handles, editor, layout, aspect)
    with console.progress_bar("frames") as report:
        exported = write(subject, formats, to, options, workspace=workspace, report=report)
    print_exported(exported, as_json)
