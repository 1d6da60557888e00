"""Measure how well tracks of one person are recognised as one, and what each part of the identification is worth.

    python benchmarks/quality_people.py CACHE natural/*.mp4 films/film-*.mp4

Each video has 25 frames per second, as `vidlib convert` writes it. Beside it lies its truth: STEM.truth.json of a
composed video (benchmarks/compose.py), or STEM.json of a natural clip, with "frames", "size", "cuts", "gradual", and
the "faces" of some frames: id, x and y in percent. Every natural clip is a kind of footage, and so is a folder of
composed videos.

The tracks of a clip hold few pairs of one person. So each is cut into pieces of two to seven views, clear and unclear
views apart, and each piece stands for a track in a shot of its own. The folder CACHE keeps the embeddings.
docs/how-we-measure.md explains the tables.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from ablation.statistics import Errors, Scores, chosen_scores, interval, leave_one_out, pooled
from people.labelled import labelled
from people.variants import DISTANCES, DRAWS, VARIANTS, Piece, Variant, pair_errors, pieces
from people.views import views_of

from vidlib.errors import UsageError, VidlibError

Cuts = Mapping[str, Sequence[Sequence[Piece]]]
"""The pieces of each video, in each of its draws, by kind of footage."""


def main() -> int:
    """Print the tables; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path, help="folder that keeps the embeddings")
    parser.add_argument("videos", type=Path, nargs="+", help="videos with their truth beside them")
    options = parser.parse_args()
    try:
        print(ablation(options.videos, options.cache))
    except VidlibError as error:
        print(f"quality_people: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def ablation(videos: Sequence[Path], cache: Path) -> str:
    """The table of the variants, and the distances that leave-one-out chooses.

    Raises UsageError for fewer than two kinds of footage.
    """
    cuts: dict[str, list[list[Piece]]] = defaultdict(list)
    for video in map(labelled, videos):
        cuts[video.kind] += [pieces(views_of(video, cache), draw) for draw in range(DRAWS)]
    if len(cuts) < 2:
        raise UsageError(f"only {', '.join(cuts)} was given; expected two kinds of footage, as one is left out in turn")
    base, _ = measure(VARIANTS["now"], cuts)
    rows = pd.DataFrame({name: row(variant, cuts, base) for name, variant in VARIANTS.items()}).T
    return f"{rows.to_string()}\n\n{chosen(cuts)}"


def measure(variant: Variant, cuts: Cuts) -> tuple[Scores, dict[str, tuple[float, float]]]:
    """The errors of each kind, per pair of one person, and its precision and recall."""
    scores: dict[str, list[Errors]] = {}
    shares: dict[str, tuple[float, float]] = {}
    for kind, draws in cuts.items():
        counted = [pair_errors(cut, variant) for cut in draws]
        missed, false, _, true, *_ = np.sum([errors for errors, _ in counted], axis=0)
        joined = sum(n for _, n in counted)
        scores[kind] = [Errors(missed / true, false / true, 0, 1, 0, 0)]  # every kind counts the same
        shares[kind] = (joined - false) / joined if joined else 1.0, 1 - missed / true
    return scores, shares


def row(variant: Variant, cuts: Cuts, base: Scores) -> dict[str, str]:
    """A row of the table: means and spread over the kinds, and the bootstrap of the difference from ``base``."""
    scores, shares = measure(variant, cuts)
    precision, recall = np.array(list(shares.values())).T
    low, high = interval(scores, base)
    return {
        "precision": f"{precision.mean():.3f} ± {precision.std():.3f}",
        "recall": f"{recall.mean():.3f} ± {recall.std():.3f}",
        "errors": f"{pooled(scores) - pooled(base):+.3f} [{low:+.3f}, {high:+.3f}]",
        **{kind: f"{p:.2f} {r:.2f}" for kind, (p, r) in shares.items()},
    }


def chosen(cuts: Cuts) -> str:
    """The distance that is chosen without each kind, and the errors of these choices."""
    candidates = {name: measure(variant, cuts)[0] for name, variant in DISTANCES.items()}
    choice = leave_one_out(candidates)
    lines = [f"{name}: errors {pooled(scores):.3f}" for name, scores in candidates.items()]
    outcome = pooled(chosen_scores(candidates, choice))
    return "\n".join([*lines, f"leave-one-out: errors {outcome:.3f}, chosen without each kind: {choice}"])


if __name__ == "__main__":
    sys.exit(main())
