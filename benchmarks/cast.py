"""Measure how alike the faces and voices of people are, beside the thresholds that the cast suggests by.

    python benchmarks/cast.py meetings/
    python benchmarks/cast.py meetings/ --workspace workspace

Voices: each speaker of each recording, by the true turns of an RTTM; a label means one person in all recordings. Faces:
each person of all finished videos of a workspace, once from the first half of the faces and once from the rest. All
people found are taken for different ones: look at them before you believe the figures. The default is the sample of the
package pyannote.audio.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import combinations
from pathlib import Path

import numpy as np
from quality_voices import pairs, sample

from vidlib import Workspace
from vidlib.api.casting import finished
from vidlib.cast.collecting import MIN_SEEN_S, FaceReader, large_faces
from vidlib.cast.suggestions import MAX_DISTANCE, MIN_VOICE_SIMILARITY
from vidlib.cast.voices import MIN_HEARD_S, VoiceReader
from vidlib.engines import faces
from vidlib.errors import VidlibError
from vidlib.evaluation.ground_truth import read_turns
from vidlib.media.mixdown import FIRST_TRACK
from vidlib.timeline import Turns

Point = tuple[str, np.ndarray]
"""A person, and a mean embedding."""


def main() -> int:
    """Print the figures; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help="SOUND=RTTM, or a folder of .wav and .rttm files")
    parser.add_argument("--workspace", type=Path, help="a workspace with finished videos")
    parser.add_argument("--heard", type=float, default=MIN_HEARD_S, help="seconds of a voice, at least (%(default)g)")
    options = parser.parse_args()
    try:
        voices = list(voice_points(pairs(options.what or [sample()]), options.heard))
        alike = [(one == other, float(a @ b)) for (one, a), (other, b) in combinations(voices, 2)]
        show("voices", "cosine", alike, lambda value: value >= MIN_VOICE_SIMILARITY)
        if options.workspace:
            found = list(face_points(options.workspace))
            apart = [(one == other, float(np.linalg.norm(a - b))) for (one, a), (other, b) in combinations(found, 2)]
            show("faces", "distance", apart, lambda value: value <= MAX_DISTANCE)
    except VidlibError as error:
        print(f"cast: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def voice_points(files: Iterable[tuple[Path, Path]], min_heard_s: float) -> Iterator[Point]:
    """The mean voice, a unit vector, of each speaker who is heard alone for ``min_heard_s`` seconds."""
    for sound, truth in files:
        turns, reader = Turns(read_turns(truth, sound.stem)), VoiceReader(sound, FIRST_TRACK, min_heard_s)
        for speaker in turns.speakers:
            _, vectors = reader.read(turns, speaker)
            if vectors is not None:
                mean = vectors.mean(axis=0)
                yield speaker, mean / np.linalg.norm(mean)


def face_points(workspace: Path) -> Iterator[Point]:
    """The mean face of each person, of the first half of the faces and of the rest."""
    ws = Workspace(workspace)
    with ExitStack() as stack:
        engines = stack.enter_context(faces.open_landmarker()), stack.enter_context(faces.open_embedder())
        for sha256 in ws.videos()["sha256"]:
            source = finished(ws.open(sha256))
            for person in source.people:
                seen_s, samples = large_faces(source, person)
                face = FaceReader(source.video, *engines).read(samples) if seen_s >= MIN_SEEN_S else None
                if face is not None:
                    half = len(face[0]) // 2
                    for part in (face[0][:half], face[0][half:]):
                        yield f"{source.name} {person.person}", part.mean(axis=0)


def show(what: str, unit: str, compared: list[tuple[bool, float]], passes) -> None:
    """Print how many pairs there are of one person and of two, their range, and how many pass the threshold."""
    for title, same in (("one person", True), ("two people", False)):
        values = [value for is_same, value in compared if is_same == same]
        spread = f"{unit} {min(values):.2f} to {max(values):.2f}, median {np.median(values):.2f}" if values else ""
        print(f"{what}, {title}: {len(values)} pairs, {sum(map(passes, values))} pass  {spread}".rstrip())


if __name__ == "__main__":
    sys.exit(main())
