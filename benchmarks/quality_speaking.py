"""Measure who speaks: with a video's own sound, and with others, for which the truth follows from the sound.

    python benchmarks/quality_speaking.py films/film-4.mp4=films/film-4.truth.json clip.mp4=clip.json --cache cache/
    python benchmarks/quality_speaking.py ... --cache cache/ --ablation
    python benchmarks/quality_speaking.py ... --cache cache/ --fit --reported film-4 film-5
    python benchmarks/quality_speaking.py ... --cache cache/ --maps --reported film-4 film-5

Each pair is a video and its truth: that of benchmarks/compose.py, or one of sampled frames with the turns of the
speakers in an RTTM file beside it (benchmarks/sampled_truth.py). Pictures are analysed once, which the folder CACHE
keeps. Then the sound is exchanged: with noise, early or late, mixed with that of the next video, with other labels, or
by that of the next video, so that nobody in sight speaks. docs/how-we-measure.md has the results.

The tables have precision and recall for each sound, over all videos and as the spread of them, the share of faces that
are taken for the speaker under a voice over, and how often a confidence is right. Shots and turns are those of the
truth. The weights of LR-ASD are needed: vidlib models fetch.

--fit prints the weights of the product as these videos give them. A clip with sampled frames is a kind of footage, and
so is a folder of other videos. Each kind is left out in turn, and the weights that the others give are scored on it.
Two versions of one video must not follow each other: they have one sound.

--maps prints how far confidence and share of right claims are apart on each kind: the mean, and in brackets the bin of
30 claims or more that is farthest. It does so for the confidence as it is, and after the best map of each kind.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
from dubbing import calibrating, fitting, truths
from dubbing.listening import Listened, listen
from dubbing.sounds import OWN
from dubbing.truths import KnownVideo

from vidlib.engines.active_speaker import open_active_speaker
from vidlib.errors import UsageError, VidlibError
from vidlib.evaluation.calibration import Claim, calibration_table
from vidlib.tracking import speaker_assignment, speaking

ABLATION = {
    "no competition": {speaking: {"UNHEARD_VOICE_ODDS": 1.0}},
    "one face per voice": {speaking: {"UNHEARD_VOICE_ODDS": 0.0}},
    "no other shots": {speaker_assignment: {"OWN_WEIGHT": 0.0, "RIVAL_WEIGHT": 0.0, "OTHER_WEIGHT": 0.0}},
    "no own movement": {speaking: {"WEIGHTS": {**speaking.WEIGHTS, "own_movement": 0.0}}},
    "no correlation": {speaking: {"WEIGHTS": {**speaking.WEIGHTS, "level": 0.0, "change": 0.0}}},
}
"""What is left out in each variant: constants of the product, and their values."""


def main() -> int:
    """Print the tables; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="+", metavar="VIDEO=TRUTH", help="two or more videos with their ground truth")
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps the analysed pictures")
    parser.add_argument("--ablation", action="store_true", help="also leave out one part after the other")
    parser.add_argument("--fit", action="store_true", help="print the weights that these videos give")
    parser.add_argument("--maps", action="store_true", help="print how far maps of the confidence calibrate it")
    parser.add_argument("--reported", nargs="+", default=[], metavar="STEM", help="videos that choose nothing")
    options = parser.parse_args()
    try:
        if len(options.pairs) < 2:
            raise UsageError(f"{options.pairs[0]} is one video; expected two or more, whose sounds are exchanged")
        videos = [truths.read(pair) for pair in options.pairs]
        with open_active_speaker("lr_asd") as model:
            if options.fit or options.maps:
                parts = split(videos, options.reported)
                choosing, reported = (list(listen(part, options.cache, model)) if part else [] for part in parts)
                print(fit(choosing, reported) if options.fit else maps(choosing, reported))
            else:
                report(*(list(listen(videos, options.cache, judge)) for judge in (model, None)), options.ablation)
    except VidlibError as error:
        print(f"quality_speaking: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def report(heard: Sequence[Listened], with_lips: Sequence[Listened], ablation: bool) -> None:
    """Print a table for each variant of the product."""
    print(text("with LR-ASD", outcomes(heard)))
    print(text("without", outcomes(with_lips)))
    for name, constants in ABLATION.items() if ablation else ():
        with ExitStack() as stack:
            for module, values in constants.items():
                stack.enter_context(patch.multiple(module, **values))
            print(text(name, outcomes(heard)))


def outcomes(heard: Sequence[Listened]) -> pd.DataFrame:
    """Every face in every frame where it is known whether it speaks, with every sound."""
    columns = ["sound", "video", "kind", "confidence", "speaks"]
    tables = [
        pd.DataFrame(
            {"sound": one.sound, "video": one.video, "kind": one.kind, "confidence": confidence, "speaks": speaks}
        )
        for one in heard
        for confidence, speaks in [one.confidence()]
    ]
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)
    return table.assign(said=table.confidence > speaking.SPEAKING_THRESHOLD)


def text(name: str, table: pd.DataFrame) -> str:
    """The table of one variant of the product, and that of its confidence with all sounds but a voice over."""
    measures = defaultdict(dict)
    for sound, of_sound in table.groupby("sound", sort=False):
        by_video = [precision_recall(of_video) for _, of_video in of_sound.groupby("video") if of_video.speaks.any()]
        if of_sound.speaks.any():
            measures["precision"][sound], measures["recall"][sound] = precision_recall(of_sound)
            measures["spread of precision"][sound], measures["spread of recall"][sound] = np.std(by_video, axis=0)
        else:
            measures["taken for the speaker"][sound] = of_sound.said.mean()
    own = table[table.sound.isin(measures["precision"]) & table.said]
    claims = [Claim(row.kind, row.confidence, row.speaks) for row in own.itertuples()]
    return "\n".join(
        [
            f"\n{name}",
            pd.DataFrame(measures).to_string(float_format="%.3f", na_rep="–"),
            calibration_table(claims).to_string(float_format="%.3f"),
        ]
    )


def precision_recall(rows: pd.DataFrame) -> tuple[float, float]:
    """Of the faces found speaking, the share that speaks; of those that speak, the share found."""
    right = (rows.speaks & rows.said).sum()
    return right / max(1, rows.said.sum()), right / max(1, rows.speaks.sum())


def split(videos: Sequence[KnownVideo], reported: Collection[str]) -> list[list[KnownVideo]]:
    """The videos that choose weights, and those of the ``reported`` stems; neither part hears a sound of the other."""
    unknown = set(reported) - {video.video.stem for video in videos}
    if unknown:
        raise UsageError(f"--reported {', '.join(sorted(unknown))} is none of the videos; expected stems of these")
    return [[video for video in videos if (video.video.stem in reported) == late] for late in (False, True)]


def fit(choosing: Sequence[Listened], reported: Sequence[Listened] = ()) -> str:
    """The weights by all kinds and without each of them, and how good they are on what has not chosen them.

    Raises UsageError where fewer than two kinds are left to choose on.
    """
    kinds = sorted({one.kind for one in choosing})
    if len(kinds) < 2:
        raise UsageError(
            f"only {', '.join(kinds) or 'nothing'} is left to choose on; expected two kinds of footage or more"
        )
    by_all = fitting.fit(choosing)
    rows, weights = {}, {"all": by_all}
    for kind, fitted in fitting.without(choosing):
        weights[f"without {kind}"] = fitted
        rows |= worth(kind, [one for one in choosing if one.kind == kind], fitted)
    for kind in sorted({one.kind for one in reported}):
        rows |= worth(f"{kind}, reported", [one for one in reported if one.kind == kind], by_all)
    constants = pd.DataFrame({name: {**fitted.weights, "bias": fitted.bias} for name, fitted in weights.items()}).T
    return f"{constants.to_string(float_format='%.2f')}\n\n{pd.DataFrame(rows).T.to_string(float_format='%.3f')}"


def worth(name: str, heard: Sequence[Listened], fitted: fitting.Weights) -> dict[tuple[str, str], dict[str, float]]:
    """How good ``fitted`` weights and those of the product are on these videos, which took no part in the fit."""
    product = fitting.Weights(speaking.WEIGHTS, speaking.BIAS)
    return {(name, "fitted"): measures(heard, fitted), (name, "product"): measures(heard, product)}


def measures(heard: Sequence[Listened], weights: fitting.Weights) -> dict[str, float]:
    """Precision and recall with the videos' own sound; over all sounds, F1, voice over taken for speech, log loss."""
    with weights.used():
        table = outcomes(heard)
    speech = table.groupby("sound").speaks.transform("any")
    own = table[table.sound == OWN]
    precision, recall = precision_recall(own) if own.speaks.any() else (np.nan, np.nan)
    by_sound = [precision_recall(rows) for _, rows in table[speech].groupby("sound")]
    return {
        "precision": precision,
        "recall": recall,
        "F1, all sounds": float(np.mean([2 * p * r / max(1e-9, p + r) for p, r in by_sound])) if by_sound else np.nan,
        "voice over": float(table[~speech].said.mean()),
        "log loss": fitting.loss(heard, weights),
    }


def maps(choosing: Sequence[Listened], reported: Sequence[Listened] = ()) -> str:
    """The distances of `calibrating.maps`, without the voice over and with it."""
    texts = []
    for name, kept in (("without voice over", True), ("all sounds", False)):
        tables = []
        for heard in (choosing, reported):
            table = outcomes(heard)
            speech = table.groupby("sound").speaks.transform("any")
            tables.append(table[table.said & (speech if kept else True)].rename(columns={"speaks": "right"}))
        texts.append(f"{name}\n{calibrating.maps(*tables).to_string()}")
    return "\n\n".join(texts)


if __name__ == "__main__":
    sys.exit(main())
