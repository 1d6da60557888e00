"""Measure the quality of shots, faces, active speakers and turns: the real steps, on real or composed videos.

    python benchmarks/quality.py film.mp4 film.truth.json film.rttm
    python benchmarks/quality.py film.mp4 film.truth.json --results workspace/projects/film
    python benchmarks/quality.py --from film.mp4 film.truth.json --seeds 4 5 6 7
    python benchmarks/quality.py

The first command runs the steps scenes, audio and tracking with their defaults, or with the values of --set. The second
evaluates existing results. The third composes videos first; benchmarks/compose.py describes them and names the seeds
for tuning. The last composes a video from the media of two packages, with one face that never speaks.

Each command prints a table with a column per video. A second table compares confidence with correctness. With
--given-truth, the tracking step gets the true shots and turns, so its figures are those of tracking alone.
docs/use/evaluate.md explains each figure.
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
"""A video, its ground truth, and the RTTM of the true turns (None: those of the ground truth)."""


def main() -> int:
    """Evaluate every video and print the tables; returns the exit code."""
    options = arguments().parse_args()
    try:
        with TemporaryDirectory() as folder:
            params = read_params(PARAMS, (), options.set).for_project()
            judged = [judge(film, params, options) for film in films(options, options.keep or Path(folder))]
    except VidlibError as error:
        print(f"quality: {error}", file=sys.stderr)
        return error.exit_code
    evaluations = [evaluation for evaluation, _ in judged]
    if options.json:
        print(json.dumps([evaluation.as_json() for evaluation in evaluations], indent=2))
    else:
        confidence = calibration.calibration_table([claim for _, claims in judged for claim in claims])
        print(text(evaluations), confidence.to_string(float_format="%.3f"), sep="\n\n")
    return 0


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path, nargs="?", help="video at 25 frames per second")
    parser.add_argument("truth", type=Path, nargs="?", help="its ground truth")
    parser.add_argument("rttm", type=Path, nargs="?", help="its true turns (default: those of TRUTH)")
    parser.add_argument("--results", type=Path, help="folder of results to evaluate instead of running the steps")
    add_source(parser)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="folder for composed videos (default: temporary)")
    parser.add_argument("--set", action="append", default=[], metavar="STEP.NAME=VALUE", help="a parameter's value")
    parser.add_argument("--given-truth", action="store_true", help="give the tracking step the true shots and turns")
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")
    return parser


def films(options: argparse.Namespace, folder: Path) -> Iterator[Film]:
    """The video of the command line, and the composed ones."""
    if options.seeds and not options.source:
        raise UsageError(f"--seeds {options.seeds[0]} has no source video; expected --from FILM TRUTH as well")
    if options.video:
        if not options.truth:
            raise UsageError(f"{options.video} was given without a truth; expected VIDEO TRUTH [RTTM]")
        yield options.video, options.truth, options.rttm
    if options.source:
        material = source(options.source)
        for seed in options.seeds or TUNING:
            yield compose(material, seed, folder)
    elif not options.video:
        material, shots = anywhere()
        yield write(shots, material, folder / "film-anywhere", Random(0))


def judge(film: Film, params: dict[str, Frozen], options: argparse.Namespace) -> tuple[Evaluation, list[Claim]]:
    """The figures of one video, and its claims: the confidence of each, and whether it is right."""
    video, truth_file, rttm_file = film
    truth = ground_truth.read(truth_file)
    stem = ground_truth.stem_of(truth_file)
    turns = ground_truth.read_turns(rttm_file, stem) if rttm_file else truth.turns()
    with TemporaryDirectory() as folder:
        if options.results:
            folders = {"archive_dir": settings().archive, "work_dir": settings().work}
            results = load_results.load_results(options.results, stem, **folders, video=video)
        else:
            results = run_steps(video, truth, params, Path(folder), options.given_truth)
        return evaluate(truth, results, turns), list(calibration.claims(truth, results, turns))


def run_steps(video: Path, truth: Truth, params: dict[str, Frozen], folder: Path, given_truth: bool) -> Results:
    """Run the three steps; the seconds of each are printed on stderr."""
    inputs = {"video": video, "frames": truth.frames}
    shots = timed(scenes, scenes.Inputs(**inputs, out_dir=folder / "scenes"), params)
    diarization = timed(audio, audio.Inputs(**inputs, out_dir=folder / "audio"), params)
    evidence = {"shots": shots.shots, "speech": diarization.table, "turns": diarization.turns}
    if given_truth:
        evidence = {
            "shots": shots_json.write(folder / "shots.json", true_shots(truth), engine="truth"),
            "speech": speech_table.write(folder / "speech.parquet", truth.frames, [], truth.turns()),
            "turns": rttm.write(folder / "speech.rttm", truth.turns()),
        }
    tracks = timed(tracking, tracking.Inputs(**inputs, **evidence, out_dir=folder / "tracking"), params)
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
    """Run a step and print its seconds on stderr; returns its outputs."""
    started = time.monotonic()
    outputs = step.run(inputs, params[step.NAME])
    cost = f"{time.monotonic() - started:.1f} s with {outputs.engine} on {outputs.device}"
    print(f"{inputs.video.name}: {step.NAME} took {cost}", file=sys.stderr, flush=True)
    return outputs


def true_shots(truth: Truth) -> list[Shot]:
    """The true shots, in the form of the step *scenes*."""
    return [Shot(span, shot.boundary) for span, shot in zip(truth.spans(), truth.shots, strict=True)]


def text(evaluations: list[Evaluation]) -> str:
    """One table: a row per figure, a column per video, and the mean of several videos."""
    table = pd.concat([evaluation.table() for evaluation in evaluations])
    index = ["part", "measure", "subset", "unit"]
    wide = table.pivot_table("value", index, "video", sort=False, dropna=False)
    wide = wide.loc[table[index].drop_duplicates().itertuples(index=False, name=None)]
    if len(evaluations) > 1:
        wide["mean"] = wide.mean(axis=1)
    lines = [wide.to_string(float_format="%.3f", na_rep="–")]
    return "\n".join([*lines, *sorted({line for evaluation in evaluations for line in evaluation.missing})])


if __name__ == "__main__":
    sys.exit(main())
