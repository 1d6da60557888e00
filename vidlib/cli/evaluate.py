"""The command that judges results by a truth: ``vidlib evaluate``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidlib import settings as settings_module
from vidlib.cli.models import AsJson, print_json
from vidlib.errors import UsageError

if TYPE_CHECKING:
    from vidlib.evaluation.scores import Evaluation

EXAMPLES = """Examples:\n
vidlib evaluate workspace/projects/Film film.truth.json\n
vidlib evaluate film.mp4 film.truth.json --rttm film.rttm --json > scores.json\n
The form of a truth file, and what each figure means: docs/evaluate.md"""


def evaluate(
    results: Annotated[
        Path,
        typer.Argument(help="a project's folder, one of the archive, or a video that was processed", metavar="RESULTS"),
    ],
    truth: Annotated[Path, typer.Argument(help="what is really in the film: film.truth.json", metavar="TRUTH")],
    rttm: Annotated[
        Path | None,
        typer.Option("--rttm", help="who really speaks when; default what TRUTH calls audible", metavar="FILE"),
    ] = None,
    workspace: Annotated[
        Path | None, typer.Option("--workspace", "-w", help="folder of the archive and of work", metavar="FOLDER")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how good the results of a film are, beside the truth: shots, faces, who is speaking, voices.

    Results that are missing are named, and their figures left out.
    """
    from vidlib.evaluation import ground_truth, load_results, scores

    settings = settings_module.load(workspace=workspace) if workspace else settings_module.settings()
    known = ground_truth.read(truth)
    stem = ground_truth.stem_of(truth)
    turns = ground_truth.read_turns(rttm, stem) if rttm else None
    film = truth.parent / f"{stem}.mp4"  # preferred to the one beside the results: the truth was made for it
    folders = {"archive_dir": settings.archive, "work_dir": settings.work}
    film = film if film.is_file() else None
    there = load_results.load_results(results, stem, **folders, video=film, docs_folder=settings.docs_folder)
    if rttm and rttm.absolute() == (there.where / f"{there.stem}.rttm").absolute():
        raise UsageError(f"--rttm {rttm} is the result that is to be judged; expected who really speaks when")
    evaluation = scores.evaluate(known, there, turns)
    if as_json:
        print_json(evaluation.as_json())
    else:
        _show(evaluation)


def _show(evaluation: "Evaluation") -> None:
    from vidlib.cli import console

    console.show_table(evaluation.rows())
    for line in evaluation.missing:
        typer.echo(line, err=True)
