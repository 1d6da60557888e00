"""The command that lists all videos: ``vidlib videos``."""

from typing import TYPE_CHECKING, Annotated

import typer

from vidlib.cli._options import RESULTS, AsJson, Workspace, examples, print_json, read_settings
from vidlib.text import printable

if TYPE_CHECKING:
    from vidlib.api.library import LibraryVideo

EXAMPLES = examples(
    "vidlib videos",
    "vidlib videos state:failed date:2026-11",
    "vidlib videos 'person:\"A. Martin\" says:budget' --sort name --json",
    "docs/use/find.md explains every term.",
)
QUERY_HELP = (
    "Terms that must all hold: name:TEXT, project:TEXT, date:2026-11, state:failed, person:NAME, says:WORDS. A minus "
    "excludes. Text alone is searched in all of it, and as the start of a SHA-256."
)
SHA256_DIGITS = 12


def add_commands(app: typer.Typer) -> None:
    """Add the command of this module to ``app``."""
    app.command(rich_help_panel=RESULTS, epilog=EXAMPLES)(videos)


def videos(
    query: Annotated[list[str] | None, typer.Argument(help=QUERY_HELP, metavar="QUERY...")] = None,
    sort: Annotated[
        str, typer.Option(help="date, name, project or state; a minus reverses.", metavar="ORDER")
    ] = "-date",
    start: Annotated[int, typer.Option(min=0, help="Leave out this many videos at the beginning.")] = 0,
    limit: Annotated[int, typer.Option(min=1, help="The most videos.", metavar="VIDEOS")] = 200,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """List the videos that the history or the archive knows, with what became of them in their newest run.

    Exit code 1: no video was found.
    """
    from vidlib.api import library
    from vidlib.cli import console

    settings = read_settings(workspace)
    with console.progress_bar(f"index {settings.archive.name}") as report:
        answer = library.Library(settings).search(
            " ".join(query or ()), sort=sort, start=start, limit=limit, report=report, update=True
        )
    if as_json:
        print_json({"total": answer.total, "start": start, "videos": [library.row(video) for video in answer.videos]})
    elif answer.videos:
        console.print_table([_row(video) for video in answer.videos])
    else:
        print(f"no video in the workspace {settings.workspace} fulfils: {printable(' '.join(query or ('any',)))}")
    if answer.total > start + len(answer.videos):
        typer.echo(f"{len(answer.videos)} of {answer.total} videos; --start and --limit show others", err=True)
    raise typer.Exit(int(not answer.videos))


def _row(video: "LibraryVideo") -> dict[str, object]:
    return {
        "video": printable(video.name),
        "project": printable(video.project),
        "state": video.state,
        "date": video.day,
        "sha256": video.sha256[:SHA256_DIGITS],
        "found": printable("; ".join(place.text for place in video.places)),
    }
