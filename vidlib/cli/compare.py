"""The command that shows what changed between two results of a video: ``vidlib compare``."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidlib.cli._options import RESULTS, AsJson, Workspace, examples, print_json

if TYPE_CHECKING:
    from vidlib.api.comparison import Comparison

EXAMPLES = examples(
    "vidlib compare 20260101-120000-ab12 20260102-090000-cd34",
    "vidlib compare film.mp4 film.mp4@loose",
    "vidlib compare film.mp4 'workspace/archive/Film 2026-01-01T120000Z/0123…' --json > changes.json",
)

MOST_ROWS = 40
"""The changes of each kind that are printed; ``--json`` has all of them."""


def add_commands(app: typer.Typer) -> None:
    """Add the command of this module to ``app``."""
    app.command(rich_help_panel=RESULTS, epilog=EXAMPLES)(compare)


def compare(
    a: Annotated[
        str, typer.Argument(help="A run, a video, VIDEO@VARIANT, or a folder with results.", metavar="BEFORE")
    ],
    b: Annotated[str, typer.Argument(help="The other result, named in the same ways.", metavar="AFTER")],
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Show what changed between two results of a video: shots, turns of speakers, tracks.

    Two runs are compared video by video. Frames count from 0; a time code is that of the first frame of the change.
    """
    from vidlib import api

    changes = api.compare(a, b, workspace=workspace)
    if as_json:
        print_json(changes.as_json())
    else:
        _print_changes(changes)


def _print_changes(changes: "Comparison") -> None:
    from vidlib.cli import console

    for kind, table in changes.tables().items():
        counts = ", ".join(f"{n} {change}" for change, n in table.change.value_counts().sort_index().items())
        print(f"{kind}: {counts or 'no change'}")
        if len(table):
            console.print_table([_row(row) for row in table.head(MOST_ROWS).to_dict("records")])
        if len(table) > MOST_ROWS:
            print(f"… and {len(table) - MOST_ROWS} more; --json has all")
        print()
    for line in changes.missing:
        typer.echo(f"not compared: {line}", err=True)


def _row(row: dict[str, Any]) -> dict[str, str]:
    """A change for people: the values of both sides, with an arrow between those that differ."""
    from vidlib.timeline import smpte

    first = min(int(row[f"start_{side}"]) for side in "ab" if not _is_missing(row[f"start_{side}"]))
    names = [column.removesuffix("_a") for column in row if column.endswith("_a")]
    shown = {"video": row["video"], "change": row["change"], "at": smpte(first)}
    return shown | {name: _both(row[f"{name}_a"], row[f"{name}_b"]) for name in names}


def _both(before: Any, after: Any) -> str:
    """The value of both sides, or of the only one that has it; the column *change* says which."""
    texts = [_text(value) for value in (before, after) if not _is_missing(value)]
    return " → ".join(dict.fromkeys(texts)) or "–"


def _text(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _is_missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))
