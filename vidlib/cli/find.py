"""The command that finds shots in all archived results: ``vidlib find``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vidlib.cli._options import RESULTS, AsJson, Workspace, examples, print_json, read_settings
from vidlib.text import path_text, printable

if TYPE_CHECKING:
    from vidlib.results.finding.query import Condition
    from vidlib.results.finding.search import Answer, FoundShot
    from vidlib.results.finding.selects import Selects

EXAMPLES = examples(
    "vidlib find 'says:\"the budget\" framing:close len>3s'",
    "vidlib find 'person:SPEAKER_01 smile>0.4 faces=2' --to selects.otio --to sheet.jpg --handles 12",
    "vidlib find 'silent framing:wide project:spring' --json",
    "vidlib find --like film.mp4@00:00:12:00 'len>3s'",
    "docs/use/find.md explains every condition.",
)
QUERY_HELP = (
    "Conditions that must all hold: person:NAME, speaker:NAME, says:WORDS, smile>0.4 or any blendshape, len>3s, "
    "faces=2, framing:close|medium|wide, silent, object:NAME, name:TEXT, project:TEXT, date:2026-11. A minus excludes. "
    "Text alone is searched in words, people, names and projects. Quote it for the shell."
)
LIKE_HELP = (
    "Find somebody who looks like the largest face in a picture, or at a time code of a video. Needs the cast: "
    "docs/use/cast.md."
)
TO_HELP = (
    "Write the shots to FILE; repeatable. A reel for an editing program: .otio, .edl, .xml (Premiere), .fcpxml. A "
    "contact sheet: .jpg, .png. A table: .csv."
)


def add_commands(app: typer.Typer) -> None:
    """Add the command of this module to ``app``."""
    app.command(rich_help_panel=RESULTS, epilog=EXAMPLES)(find)


def find(
    query: Annotated[list[str] | None, typer.Argument(help=QUERY_HELP, metavar="QUERY...")] = None,
    like: Annotated[str | None, typer.Option(help=LIKE_HELP, metavar="IMAGE|VIDEO@TC")] = None,
    to: Annotated[list[Path] | None, typer.Option("--to", help=TO_HELP, metavar="FILE")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most shots.", metavar="SHOTS")] = 200,
    handles: Annotated[int, typer.Option(min=0, help="Frames before and after each shot.", metavar="FRAMES")] = 0,
    media_root: Annotated[
        str | None,
        typer.Option(
            help="Folder of the delivered videos on the editor's machine; . is the folder of the reel.",
            metavar="FOLDER",
        ),
    ] = None,
    start_tc: Annotated[
        str, typer.Option(help="Time code at which a reel begins.", metavar="HH:MM:SS:FF")
    ] = "01:00:00:00",
    editor: Annotated[
        Literal["resolve", "premiere"], typer.Option("--for", help="The program that an OTIO file is for.")
    ] = "resolve",
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Find shots in all archived results, by people, transcript and look.

    The first use makes an index, which later uses bring up to date. Exit code 1: nothing was found.
    """
    from vidlib.cli import console
    from vidlib.results.finding import selects
    from vidlib.results.finding.query import parse
    from vidlib.results.finding.search import find as search

    settings = read_settings(workspace)
    for file in to or ():
        selects.check_suffix(file)
    question = " ".join(query or ())
    conditions = [] if like is None else [_like(workspace, like)]
    conditions += parse(question) if question or not conditions else []
    with console.progress_bar(f"index {settings.archive.name}") as report:
        answer = search(settings.archive, conditions, limit, report)
    name = to[0].stem if to else "selects"
    chosen = selects.Selects(answer.shots, settings.delivery, name, handles, media_root, start_tc, editor)
    files = [selects.write(file, chosen) for file in to or () if answer.shots]
    if as_json:
        shots = [selects.row(shot) for shot in answer.shots]
        print_json({"total": answer.total, "shots": shots, "files": [str(file) for file in files]})
    else:
        _print(answer, files, " ".join(one.text for one in conditions), path_text(settings.archive))
    _print_notes(answer, chosen, bool(files))
    raise typer.Exit(int(not answer.shots))


def _like(workspace: Path | None, example: str) -> "Condition":
    from vidlib import api

    return api.Workspace(workspace).cast.like(example)


def _print(answer: "Answer", files: list[Path], question: str, archive: str) -> None:
    """Print the written files, else the shots, else why there are none."""
    from vidlib.cli import console

    if files:
        print(*files, sep="\n")
    elif answer.shots:
        console.print_table([_row(shot) for shot in answer.shots])
    elif answer.is_empty:
        print(f"the archive {archive} holds no video; a run archives its complete videos at its end")
    else:
        print(f"no shot in the archive {archive} fulfils all of: {printable(question)}")


def _row(shot: "FoundShot") -> dict[str, object]:
    return {
        "video": printable(shot.video),
        "shot": shot.number,
        "time code": shot.timecode,
        "length": f"{shot.span.duration_s:.2f} s",
        "why": printable("; ".join(shot.why)),
        "project": printable(shot.project),
    }


def _print_notes(answer: "Answer", chosen: "Selects", has_files: bool) -> None:
    """Say on stderr what the answer lacks."""
    if answer.total > len(answer.shots):
        typer.echo(f"the first {len(answer.shots)} of {answer.total} shots; --limit changes that", err=True)
    if has_files and chosen.offline:
        names = ", ".join(chosen.offline[:8]) + (", …" if len(chosen.offline) > 8 else "")
        typer.echo(
            f"delivered files that are not below {chosen.delivery}: {printable(names)}; relink them by name, or give "
            "their folder with --media-root",
            err=True,
        )
    for problem in answer.unreadable:
        typer.echo(f"a video is left out: {printable(problem)}", err=True)
