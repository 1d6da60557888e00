"""Measure who speaks: with a video's own sound, and with others, for which the truth follows from the sound.

    python benchmarks/quality_speaking.py film-4.mp4=film-4.truth.json film-5.mp4=film-5.truth.json --cache cache/
    python benchmarks/quality_speaking.py ... --cache cache/ --ablation

Each pair is a video of benchmarks/compose.py, or any other, and its ground truth. Its pictures are analysed once, which
the folder CACHE keeps. Then its sound is exchanged: with noise, early or late, mixed with that of the next video, with
other labels, or by that of the next video, so that nobody in sight speaks. docs/how-we-measure.md has the results.

The tables have precision and recall for each sound, over all videos and as the spread of them, the share of faces that
are taken for the speaker under a voice over, and how often a confidence is right. Shots and turns are those of the
truth. The weights of LR-ASD are needed: vidlib models fetch.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
from dubbing.pictures import look
from dubbing.sounds import own_sound, variants

from vidlib.engines.active_speaker import open_active_speaker
from vidlib.errors import UsageError, VidlibError
from vidlib.evaluation import ground_truth
from vidlib.evaluation.calibration import Claim, calibration_table
from vidlib.evaluation.matching import match_faces
from vidlib.evaluation.speaking import audible
from vidlib.protocols import ActiveSpeakerModel
from vidlib.tracking import speaker_assignment, speaking

ABLATION = {
    "no competition": {speaking: {"UNHEARD_VOICE_ODDS": 1.0}},
    "one face per voice": {speaking: {"UNHEARD_VOICE_ODDS": 0.0}},
    "no other shots": {speaker_assignment: {"OWN_WEIGHT": 0.0, "RIVAL_WEIGHT": 0.0, "OTHER_WEIGHT": 0.0}},
    "no own movement": {speaking: {"OWN_MOVEMENT_WEIGHT": 0.0}},
    "no correlation": {speaking: {"LEVEL_WEIGHT": 0.0, "CHANGE_WEIGHT": 0.0}},
}
"""What is left out in each variant: constants of the product, and their values."""

Outcome = tuple[str, str, bool, bool, float]
"""One face in one frame: the sound, the video, whether the face speaks, whether it was found to, the confidence."""


def main() -> int:
    """Print the tables; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="+", metavar="VIDEO=TRUTH", help="two or more videos with their ground truth")
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps the analysed pictures")
    parser.add_argument("--ablation", action="store_true", help="also leave out one part after the other")
    options = parser.parse_args()
    try:
        if len(options.pairs) < 2:
            raise UsageError(f"{options.pairs[0]} is one video; expected two or more, whose sounds are exchanged")
        report([pair(text) for text in options.pairs], options.cache, options.ablation)
    except VidlibError as error:
        print(f"quality_speaking: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def pair(text: str) -> tuple[Path, Path]:
    """The video and the truth of one argument."""
    video, separator, truth = text.partition("=")
    if not separator or not Path(video).is_file():
        raise UsageError(f"{text!r} is no video with its truth; expected as in film.mp4=film.truth.json")
    return Path(video), Path(truth)


def report(videos: Sequence[tuple[Path, Path]], cache: Path, ablation: bool) -> None:
    """Print a table for each variant of the product."""
    with open_active_speaker("lr_asd") as model:
        print(text("with LR-ASD", list(outcomes(videos, cache, model))))
        print(text("without", list(outcomes(videos, cache, None))))
        for name, constants in ABLATION.items() if ablation else ():
            with ExitStack() as stack:
                for module, values in constants.items():
                    stack.enter_context(patch.multiple(module, **values))
                print(text(name, list(outcomes(videos, cache, model))))


def outcomes(videos: Sequence[tuple[Path, Path]], cache: Path, model: ActiveSpeakerModel | None) -> Iterator[Outcome]:
    """Every detected face in every frame, with every sound; not where a speaking face is not heard."""
    truths = [ground_truth.read(truth) for _, truth in videos]
    pictures = [look(video, truth, cache) for video, truth in videos]
    sounds = [own_sound(truth, seen.samples) for truth, seen in zip(truths, pictures, strict=True)]
    for index, ((video, _), truth, seen) in enumerate(zip(videos, truths, pictures, strict=True)):
        heard = audible(sounds[index].loudness)
        for variant in variants(sounds[index], sounds[(index + 1) % len(sounds)], seed=index):
            for match in match_faces(truth, seen.with_sound(variant.sound, model)).detected():
                speaks = match.face.speaking and variant.is_own
                if not speaks or heard[match.frame]:
                    row = match.row
                    yield variant.name, video.stem, speaks, bool(row.is_speaking), float(row.speaking_confidence)


def text(name: str, rows: Sequence[Outcome]) -> str:
    """The table of one variant of the product, and that of its confidence with all sounds but a voice over."""
    table = pd.DataFrame(rows, columns=["sound", "video", "speaks", "said", "confidence"])
    measures = defaultdict(dict)
    for sound, of_sound in table.groupby("sound", sort=False):
        by_video = [precision_recall(of_video) for _, of_video in of_sound.groupby("video")]
        if of_sound.speaks.any():
            measures["precision"][sound], measures["recall"][sound] = precision_recall(of_sound)
            measures["spread of precision"][sound], measures["spread of recall"][sound] = np.std(by_video, axis=0)
        else:
            measures["taken for the speaker"][sound] = of_sound.said.mean()
    own = table[table.sound.isin(measures["precision"]) & table.said]
    claims = [Claim("speaking", row.confidence, row.speaks) for row in own.itertuples()]
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


if __name__ == "__main__":
    sys.exit(main())
