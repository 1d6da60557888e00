"""How good shots, faces, speakers and voices are, beside the truth: the real steps, on real or composed films.

    python benchmarks/quality.py film.mp4 film.truth.json film.rttm
    python benchmarks/quality.py film.mp4 film.truth.json --results workspace/projects/film
    python benchmarks/quality.py --from film.mp4 film.truth.json --seeds 4 5 6 7
    python benchmarks/quality.py

The first runs the steps scenes, audio and tracking with their defaults, or what --set says; the second judges results
that are there already; the third composes films first (benchmarks/compose.py says what is in them, and which seeds are
for tuning); the last composes one of what two packages carry, with one face that is never heard.

All end with one table, a column for each film, and one that says how often what was claimed with a confidence is right.
With --given-truth the tracking step is given the truth's shots and voices, so that its figures are those of tracking
alone. What each figure means: docs/use/evaluate.md.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pandas as pd
from compose import TUNING, add_source, source
from composing.anywhere import anywhere
from composing.film import compose, write

from vidlib.errors import UsageError, VidlibError
from vidlib.evaluation import calibration, ground_truth, load_results
from vidlib.evaluation.calibration import Claim
from vidlib.evaluation.ground_truth import Truth
from vidlib.evaluation.load_results import Results
from vidlib.evaluation.scores import Evaluation, evaluate
from vidlib.params import Frozen, read_params
from vidlib.results.exports import people_json, rttm, shots_json, speech_table, tracking_table
from vidlib.settings import settings
from vidlib.steps import PARAMS, audio, scenes, tracking
from vidlib.timeline import Shot

Film = tuple[Path, Path, Path | None]
"""A film, its truth, and who really speaks when (None: as its truth says)."""


def main() -> int:
    """Judge every film, print the table."""
    given = arguments().parse_args()
    try:
        with TemporaryDirectory() as folder:
            params = read_params(PARAMS, (), given.set).of()
            judgements = [judged(film, params, given) for film in films(given, given.keep or Path(folder))]
    except VidlibError as error:
        print(f"quality: {error}", file=sys.stderr)
        return error.exit_code
    evaluations = [evaluation for evaluation, _ in judgements]
    if given.json:
        print(json.dumps([one.as_json() for one in evaluations], indent=2))
    else:
        how_sure = calibration.calibration_table([claim for _, claims in judgements for claim in claims])
        print(text(evaluations), how_sure.to_string(float_format="%.3f"), sep="\n\n")
    return 0


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path, nargs="?", help="a film at 25 frames per second")
    parser.add_argument("truth", type=Path, nargs="?", help="what is really in it")
    parser.add_argument("rttm", type=Path, nargs="?", help="who really speaks when (default: what TRUTH says)")
    parser.add_argument("--results", type=Path, help="judge what lies there instead of running the steps")
    add_source(parser)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep composed films there")
    parser.add_argument("--set", action="append", default=[], metavar="STEP.NAME=VALUE", help="one parameter")
    parser.add_argument("--given-truth", action="store_true", help="give the tracking step true shots and voices")
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")
    return parser


def films(given: argparse.Namespace, folder: Path) -> Iterator[Film]:
    """The film that was named, and those that are to be composed."""
    if given.seeds and not given.source:
        raise UsageError(f"--seeds {given.seeds[0]} names a film that is composed; expected --from FILM TRUTH as well")
    if given.video:
        if not given.truth:
            raise UsageError(f"{given.video} was given without a truth; expected VIDEO TRUTH [RTTM]")
        yield given.video, given.truth, given.rttm
    if given.source:
        made_from = source(given.source)
        for seed in given.seeds or TUNING:
            yield compose(made_from, seed, folder)
    elif not given.video:
        made_from, shots = anywhere()
        yield write(shots, made_from, folder / "film-anywhere", Random(0))


def judged(film: Film, params: dict[str, Frozen], given: argparse.Namespace) -> tuple[Evaluation, list[Claim]]:
    """The figures of one film, and how sure each thing in it was, and whether rightly."""
    video, truth_file, rttm_file = film
    truth = ground_truth.read(truth_file)
    stem = ground_truth.stem_of(truth_file)
    turns = ground_truth.read_turns(rttm_file, stem) if rttm_file else truth.turns()
    with TemporaryDirectory() as folder:
        if given.results:
            folders = {"archive_dir": settings().archive, "work_dir": settings().work}
            found = load_results.load_results(given.results, stem, **folders, video=video)
        else:
            found = run_steps(video, truth, params, Path(folder), given.given_truth)
        return evaluate(truth, found, turns), list(calibration.claims(truth, found, turns))


def run_steps(video: Path, truth: Truth, params: dict[str, Frozen], folder: Path, given_truth: bool) -> Results:
    """What the three steps find; how long each took is said on stderr."""
    about = {"video": video, "frames": truth.frames}
    shots = timed(scenes, scenes.Inputs(**about, out_dir=folder / "scenes"), params)
    heard = timed(audio, audio.Inputs(**about, out_dir=folder / "audio"), params)
    shown = {"shots": shots.shots, "speech": heard.table, "turns": heard.turns}
    if given_truth:
        shown = {
            "shots": shots_json.write(folder / "shots.json", true_shots(truth), engine="truth"),
            "speech": speech_table.write(folder / "speech.parquet", truth.frames, [], truth.turns()),
            "turns": rttm.write(folder / "speech.rttm", truth.turns()),
        }
    tracks = timed(tracking, tracking.Inputs(**about, **shown, out_dir=folder / "tracking"), params)
    return Results(
        stem=video.stem,
        where=folder,
        shots=shots_json.read(shots.shots),
        kinds_known=True,
        tracks=tracking_table.read(tracks.tracks),
        turns=rttm.read(tracks.turns),
        people=people_json.read(tracks.people),
        video=video,
    )


def timed(step: object, inputs: Frozen, params: dict[str, Frozen]) -> object:
    """The outputs of a step."""
    started = time.monotonic()
    outputs = step.run(inputs, params[step.NAME])
    spent = f"{time.monotonic() - started:.1f} s with {outputs.engine} on {outputs.device}"
    print(f"{inputs.video.name}: {step.NAME} took {spent}", file=sys.stderr, flush=True)
    return outputs


def true_shots(truth: Truth) -> list[Shot]:
    """The truth's shots as the step *scenes* would leave them."""
    return [Shot(span, shot.boundary) for span, shot in zip(truth.spans(), truth.shots, strict=True)]


def text(evaluations: list[Evaluation]) -> str:
    """One table: a row for each figure, a column for each film, and their mean where there are several."""
    table = pd.concat([one.table() for one in evaluations])
    index = ["part", "measure", "subset", "unit"]
    wide = table.pivot_table("value", index, "film", sort=False, dropna=False)
    wide = wide.loc[table[index].drop_duplicates().itertuples(index=False, name=None)]
    if len(evaluations) > 1:
        wide["mean"] = wide.mean(axis=1)
    lines = [wide.to_string(float_format="%.3f", na_rep="–")]
    return "\n".join([*lines, *sorted({line for one in evaluations for line in one.missing})])


if __name__ == "__main__":
    sys.exit(main())
