"""The command that scores results against a ground truth: ``vidlib evaluate``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidlib.cli._options import RESULTS, AsJson, Workspace, examples, print_json
from vidlib.errors import UsageError

if TYPE_CHECKING:
    from vidlib.evaluation.scores import Evaluation

EXAMPLES = examples(
    "vidlib evaluate workspace/projects/Film film.truth.json",
    "vidlib evaluate film.mp4 film.truth.json --rttm film.rttm --json > scores.json",
    "vidlib evaluate --corrections",
    "docs/use/evaluate.md explains the form of a truth file and every score.",
)


def add_commands(app: typer.Typer) -> None:
    """Add the command of this module to ``app``."""
    app.command(rich_help_panel=RESULTS, epilog=EXAMPLES)(evaluate)


def evaluate(
    results: Annotated[
        Path | None,
        typer.Argument(help="A folder of a project or of the archive, or a processed video.", metavar="RESULTS"),
    ] = None,
    truth: Annotated[Path | None, typer.Argument(help="The ground truth, <name>.truth.json.", metavar="TRUTH")] = None,
    rttm: Annotated[
        Path | None,
        typer.Option(
            "--rttm", help="True speaker turns. Default: the speech that TRUTH marks as audible.", metavar="FILE"
        ),
    ] = None,
    corrections: Annotated[
        bool,
        typer.Option(
            "--corrections",
            help="Without TRUTH: count how often each kind of item to check was really wrong, by the corrections of "
            "RESULTS, or of all videos.",
        ),
    ] = False,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Score the results of a video against the ground truth: shots, faces, active speaker, speakers.

    Missing results are listed on stderr, and their scores are omitted.
    """
    from vidlib import api

    if corrections:
        _print_checked(api.Workspace(workspace).checked_items(results), as_json)
        return
    if results is None or truth is None:
        raise UsageError("expected RESULTS and TRUTH, or --corrections; see: vidlib evaluate --help")
    evaluation = api.evaluate(results, truth, rttm=rttm, workspace=workspace)
    if as_json:
        print_json(evaluation.as_json())
    else:
        _print_scores(evaluation)


def _print_checked(rows: list[dict[str, Any]], as_json: bool) -> None:
    from vidlib.cli import console

    if as_json:
        print_json({"checked": rows})
    else:
        console.print_table(rows)


def _print_scores(evaluation: "Evaluation") -> None:
    from vidlib.cli import console

    console.print_table(evaluation.rows())
    for line in evaluation.missing:
        typer.echo(line, err=True)
