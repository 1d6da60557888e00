"""Measure what to check: which errors of a video the first items of its list name.

    vidlib run films/*.mp4 --workspace ws
    python benchmarks/quality_review.py ws films/*.truth.json natural/*.json

WORKSPACE holds the results; nothing runs here. A truth is that of a composed video, as docs/use/evaluate.md describes,
or of a natural clip (benchmarks/sampled_truth.py); its name tells the video. For more errors of more kinds, run the
videos with bad parameters in another workspace, such as --set scenes.threshold=0.12, or degrade them first.

It prints a table of errors by kind, one by video, and one of items by kind: how many are expected to be wrong, and how
many are. The errors by kind end with a 95 % interval, from 2,000 draws of whole videos.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import sampled_truth

from vidlib import Workspace
from vidlib.api.results import VideoResults
from vidlib.errors import UsageError, VidlibError
from vidlib.evaluation import ground_truth
from vidlib.evaluation.errors import ResultError, find_errors, is_named, rank
from vidlib.evaluation.load_results import Results
from vidlib.results.exports import people_json, rttm, shots_json, tracking_table
from vidlib.results.review import FIRST, Question, ReviewItem, questions

DRAWS, SEED = 2000, 0

ASKING = ("scenes", "audio", "tracking")
"""The steps whose results the truth tells of."""


class Judged(NamedTuple):
    """One video: its errors, each with its place in the list (None: nowhere) and in a list without alike items."""

    video: str
    errors: list[tuple[ResultError, int | None, int | None]]
    listed: list[Question]

    def count(self, kind: str | None = None) -> np.ndarray:
        """Errors of a kind (None: all), named by the first items, by their own place alone, anywhere: (4,)."""
        own = [(place, alone) for error, place, alone in self.errors if kind in (None, error.kind)]
        first = [place is not None and place <= FIRST for place, _ in own]
        alone = [place is not None and place <= FIRST for _, place in own]
        return np.array([len(own), sum(first), sum(alone), sum(place is not None for place, _ in own)])


def main() -> int:
    """Judge every video and print the tables; returns the exit code."""
    options = arguments().parse_args()
    try:
        judged = [judge_file(Workspace(options.workspace), path) for path in options.truth]
    except VidlibError as error:
        print(f"quality_review: {error}", file=sys.stderr)
        return error.exit_code
    print(*tables(judged), sep="\n\n")
    return 0


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path, help="workspace with the results")
    parser.add_argument("truth", type=Path, nargs="+", help="truth files, each named as its video")
    return parser


def judge_file(workspace: Workspace, truth: Path) -> Judged:
    """The errors of the video that a truth file describes."""
    video = workspace.open(ground_truth.stem_of(truth))
    results = video.results_at_hand()
    if results is None or not results.folders.keys() >= {"convert", *ASKING}:
        raise UsageError(f"{video.name} has no complete results in {workspace.path}; process it first: vidlib run")
    asked = [(step, ReviewItem.model_validate(item)) for step in ASKING for item in results.outputs(step)["doubts"]]
    return judge(video.name, load(results), truth, questions(asked, results.outputs("convert")["frames"]))


def load(results: VideoResults) -> Results:
    """The results of one video, for its evaluation."""
    return Results(
        stem=results.name,
        where=results.folders["tracking"],
        shots=shots_json.read(results.needed_file("scenes", "shots")),
        kinds_known=True,
        tracks=tracking_table.read(results.needed_file("tracking", "tracks")),
        turns=rttm.read(results.needed_file("tracking", "turns")),
        people=people_json.read(results.needed_file("tracking", "people")),
        video=results.needed_file("convert", "video"),
    )


def judge(name: str, results: Results, truth: Path, listed: list[Question]) -> Judged:
    """The errors in ``results``, each with its place in the list."""
    alone = [Question(one.asked[:1], one.harm) for one in listed]
    return Judged(name, [(e, rank(e, listed), rank(e, alone)) for e in errors_of(truth, results)], listed)


def errors_of(path: Path, results: Results) -> Iterator[ResultError]:
    if sampled_truth.is_sampled(path):
        return sampled_truth.find_errors(path, results)
    truth, stem = ground_truth.read(path), ground_truth.stem_of(path)
    spoken = path.with_name(f"{stem}.rttm")
    turns = ground_truth.read_turns(spoken, stem) if spoken.is_file() else truth.turns()
    return find_errors(truth, results, turns)


def tables(judged: Sequence[Judged]) -> Iterator[str]:
    """The errors by kind and by video, and the items by kind."""
    columns = ["errors", f"in the first {FIRST}", "without alike items", "anywhere"]
    kinds = sorted({error.kind for one in judged for error, *_ in one.errors})
    by_kind = {kind: sum(one.count(kind) for one in judged) for kind in kinds}
    table = pd.DataFrame.from_dict(by_kind | {"all": sum(one.count() for one in judged)}, "index", columns=columns)
    yield f"{table.to_string()}\n{interval([one.count() for one in judged])}"
    by_video = pd.DataFrame([one.count() for one in judged], [one.video for one in judged], columns)
    yield by_video.assign(items=[len(one.listed) for one in judged]).to_string()
    yield items(judged).to_string(float_format="%.2f")


def interval(counts: Sequence[np.ndarray]) -> str:
    """The share of errors that the first items name, with its 95 % interval over videos."""
    chosen = np.random.default_rng(SEED).integers(len(counts), size=(DRAWS, len(counts)))
    errors, named = np.array(counts)[:, :2].T
    drawn = errors[chosen].sum(axis=1)
    shares = named[chosen].sum(axis=1)[drawn > 0] / drawn[drawn > 0]
    if not len(shares):
        return "no errors"
    low, high = np.quantile(shares, [0.025, 0.975])
    return f"named in the first {FIRST}: {named.sum() / errors.sum():.2f} [{low:.2f}, {high:.2f}]"


def items(judged: Iterable[Judged]) -> pd.DataFrame:
    """For each kind of item: how many there are, the share expected to be wrong, and the share that names an error."""
    rows = [
        (item.kind, 1 - item.confidence, any(is_named(error, item) for error, *_ in one.errors))
        for one in judged
        for question in one.listed
        for item in question.items
    ]
    known = pd.DataFrame(rows, columns=["kind", "expected", "wrong"]).astype({"wrong": float})
    return known.groupby("kind").agg(items=("wrong", "size"), expected=("expected", "mean"), wrong=("wrong", "mean"))


if __name__ == "__main__":
    sys.exit(main())
