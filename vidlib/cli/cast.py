"""The commands about people across videos: ``vidlib cast ...``."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidlib.cli._options import RESULTS, AsJson, Command, Workspace, examples, print_json

if TYPE_CHECKING:
    from vidlib.api.casting import Cast
    from vidlib.api.casting_names import Change

cast = typer.Typer(
    short_help="Recognize people across videos, as far as a person confirms them. Off until it is set up.",
    help="People across videos. The cast is off until its purpose, its legal basis and how long it keeps data are set. "
    "vidlib suggests who may be who, and a person confirms. A12 is somebody in one video, P3 a person of the cast.",
    epilog="docs/use/cast.md explains the commands, docs/privacy.md what to consider before.",
    no_args_is_help=True,
)

Videos = Annotated[list[str], typer.Argument(help="Processed videos, by path, name or SHA-256.", metavar="VIDEO...")]
Appearance = Annotated[str, typer.Argument(help="A person in one video, such as A12.", metavar="APPEARANCE")]
Person = Annotated[str, typer.Argument(help="A person of the cast: P3, or the name.", metavar="PERSON")]
OtherPerson = Annotated[str, typer.Argument(help="Another person of the cast.", metavar="OTHER")]
Subject = Annotated[str, typer.Argument(help="A12, P3, or the name of a person.", metavar="WHO")]
OtherSubject = Annotated[str, typer.Argument(help="Somebody else.", metavar="OTHER")]


def add_commands(app: typer.Typer) -> None:
    """Add ``vidlib cast`` to ``app``."""
    for name, (command, lines) in COMMANDS.items():
        cast.command(name, epilog=examples(*lines))(command)
    app.add_typer(cast, name="cast", rich_help_panel=RESULTS)


def status(workspace: Workspace = None, as_json: AsJson = False) -> None:
    """Show whether the cast is on, what for, and how many people it has."""
    found = _open(workspace).status()
    if as_json:
        print_json(found)
        return
    if found["missing"]:
        print(f"off; not set: {', '.join(f'VIDLIB_{name.upper()}' for name in found['missing'])}. See docs/privacy.md")
    else:
        print(f"on: {found['purpose']}; {found['legal_basis']}; kept for {found['retention_days']} days")
    print(f"people: {found['people']}, appearances: {found['appearances']}, in {found['file']}")
    if found["not_found"]:
        print(f"not found in the newest results of their videos: {', '.join(found['not_found'])}")


def collect(videos: Videos, workspace: Workspace = None, as_json: AsJson = False) -> None:
    """Read the faces and voices of the people in finished videos. Again, it finds them in newer results."""
    from vidlib.cli import console

    with console.progress_bar("faces and voices") as report:
        rows = _open(workspace).collect(videos, report)
    print_json({"people": rows}) if as_json else console.print_table(rows)


def list_appearances(workspace: Workspace = None, as_json: AsJson = False) -> None:
    """List all appearances, and who they are as far as that is known."""
    _print_frame(_open(workspace).appearances(), "appearances", as_json, ("sha256", "project", "heard_s", "face_px"))


def suggest(
    to: Annotated[
        Path | None, typer.Option("--to", help="Write the faces side by side to FILE: .jpg or .png.", metavar="FILE")
    ] = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """List who may be who: distance of the faces, margin to the second person, likeness of the voices."""
    _print_frame(_open(workspace).suggest(to), "suggestions", as_json)


def confirm(appearance: Appearance, person: Person, workspace: Workspace = None, as_json: AsJson = False) -> None:
    """APPEARANCE shows PERSON."""
    _print_change(_open(workspace).confirm(appearance, person), workspace, as_json)


def name(
    who: Subject,
    name: Annotated[str, typer.Argument(help="The name of the person.", metavar="NAME")],
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """WHO is called NAME, in the results of all videos where the person is heard."""
    _print_change(_open(workspace).name(who, name), workspace, as_json)


def merge(person: Person, other: OtherPerson, workspace: Workspace = None, as_json: AsJson = False) -> None:
    """PERSON and OTHER are one person; the name of PERSON stays."""
    _print_change(_open(workspace).merge(person, other), workspace, as_json)


def split(appearance: Appearance, workspace: Workspace = None, as_json: AsJson = False) -> None:
    """APPEARANCE shows another person than so far: a new one."""
    _print_change(_open(workspace).split(appearance), workspace, as_json)


def not_same(who: Subject, other: OtherSubject, workspace: Workspace = None, as_json: AsJson = False) -> None:
    """WHO and OTHER are two people, for ever: nothing suggests or merges them again."""
    _print_change(_open(workspace).not_same(who, other), workspace, as_json)


def undo(
    entry: Annotated[int | None, typer.Argument(help="An entry of the log. Default: the last decision.")] = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Take back a decision."""
    _print_change(_open(workspace).undo(entry), workspace, as_json)


def log(workspace: Workspace = None, as_json: AsJson = False) -> None:
    """List who did what, when, and about whom."""
    _print_frame(_open(workspace).log(), "log", as_json)


def show(who: Subject, workspace: Workspace = None, as_json: AsJson = False) -> None:
    """Show all that is kept about WHO."""
    from vidlib.cli import console

    found = _open(workspace).show(who)
    if as_json:
        print_json(found)
        return
    print(f"{found['person']} {found['name'] or ''}".rstrip())
    columns = ("name", "project", "seen_s", "heard_s", "faces", "windows_of_voice", "collected_at")
    console.print_table(
        [
            {"appearance": key} | {name: _shown(name, one[name]) for name in columns}
            for key, one in found["appearances"].items()
        ]
    )
    for one in found["decisions"]:
        print(f"{one['at'][:16].replace('T', ' ')}  {one['by']}: {one['action']} {one['about']}")


def export(
    who: Subject,
    folder: Annotated[Path, typer.Argument(help="A new folder.", metavar="FOLDER")],
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Write all that is kept about WHO to a new folder: person.json, and the pictures."""
    files = [str(file) for file in _open(workspace).export(who, folder)]
    print_json({"files": files}) if as_json else print(*files, sep="\n")


def erase(
    who: Subject,
    results: Annotated[
        bool, typer.Option("--results", help="Also make results without the name, and remove those that have it.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Erase; without it, only show what would be erased.")] = False,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Erase WHO: faces, voices, pictures, and names also in corrections. The receipt says what is left."""
    opened = _open(workspace)
    if not yes:
        show(who, workspace, as_json)
        print("nothing was erased; to erase all of this, add --yes", file=sys.stderr)
        return
    _print_receipt(opened.erase(who, results=results), as_json)


def retain(workspace: Workspace = None, as_json: AsJson = False) -> None:
    """Erase the faces and voices that are kept for longer than VIDLIB_CAST_RETENTION_DAYS. For cron, once a day."""
    receipt = _open(workspace).retain()
    if receipt:
        _print_receipt(receipt, as_json)
    else:
        print_json({}) if as_json else print("nothing is kept for too long")


def _print_receipt(receipt: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(receipt)
        return
    erased = ", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in receipt["erased"].items())
    print(f"receipt {receipt['receipt']}: erased {erased}")
    for title, name in (("still named in", "still_named_in"), ("exported to", "exported_to"), ("not done", "problems")):
        for line in receipt[name]:
            print(f"{title}: {line}")
    if receipt["not_searched"]:
        print(f"not searched: {len(receipt['not_searched'])} videos and large files")
    print(receipt["outside"])


def _open(workspace: Path | None) -> "Cast":
    from vidlib import api

    return api.Workspace(workspace).cast


def _print_frame(frame: Any, name: str, as_json: bool, without: tuple[str, ...] = ()) -> None:
    import json

    from vidlib.cli import console

    rows = json.loads(frame.to_json(orient="records", date_format="iso", date_unit="s", double_precision=3))
    if as_json:
        print_json({name: rows})
    elif rows:
        console.print_table([{key: _shown(key, value) for key, value in row.items()} for row in rows], without)
    else:
        print(f"no {name}")


def _shown(column: str, value: Any) -> Any:
    """A value in a table: times without seconds, nothing for what is missing."""
    if value is None:
        return ""
    return value[:16].replace("T", " ") if column in ("at", "collected_at") else value


def _print_change(change: "Change", workspace: Path | None, as_json: bool) -> None:
    entries = [{"entry": entry.number, "decision": f"{entry.action} {entry.about()}"} for entry in change.entries]
    if as_json:
        print_json({"entries": entries, "videos": change.videos, "unnamed": change.unnamed})
        return
    for entry in entries:
        print(f"{entry['entry']}  {entry['decision']}")
    option = f" -w {workspace}" if workspace else ""
    for video in change.videos:
        print(f"names have changed; to get them into the results: vidlib correct apply {video}{option}")
    for reason in change.unnamed:
        print(f"without a name in its results: {reason}")


COMMANDS: dict[str, tuple[Command, tuple[str, ...]]] = {
    "status": (status, ("vidlib cast status",)),
    "collect": (collect, ("vidlib cast collect film.mp4 talk.mp4",)),
    "list": (list_appearances, ("vidlib cast list", "vidlib cast list --json")),
    "suggest": (suggest, ("vidlib cast suggest", "vidlib cast suggest --to faces.jpg")),
    "confirm": (confirm, ("vidlib cast confirm A12 P3", 'vidlib cast confirm A12 "Anna Weber"')),
    "name": (name, ('vidlib cast name A12 "Anna Weber"',)),
    "merge": (merge, ("vidlib cast merge P3 P8",)),
    "split": (split, ("vidlib cast split A12",)),
    "not-same": (not_same, ("vidlib cast not-same A12 P3", "vidlib cast not-same P3 P8")),
    "undo": (undo, ("vidlib cast undo", "vidlib cast undo 17")),
    "show": (show, ("vidlib cast show P3", 'vidlib cast show "Anna Weber" --json')),
    "export": (export, ("vidlib cast export P3 anna",)),
    "erase": (erase, ("vidlib cast erase P3", "vidlib cast erase P3 --yes --results", "vidlib cast erase A12 --yes")),
    "retain": (retain, ("vidlib cast retain",)),
    "log": (log, ("vidlib cast log",)),
}
