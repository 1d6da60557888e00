"""Measure how well the offset between sound and picture is found: the sound of each video is shifted, then exchanged.

    vidlib run films/ --workspace workspace
    python benchmarks/sound_offset.py workspace

The videos of the workspace should be in sync, and show people who talk. Each is measured with its own sound at eleven
offsets, from 1 s early to 1 s late, and with the sound of every other video, where no offset is right.
"""

import argparse
import sys
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vidlib import Workspace
from vidlib.api.casting import finished
from vidlib.errors import VidlibError
from vidlib.media.audio import SAMPLES_PER_FRAME, read_by_frame
from vidlib.results.exports import speech_table, tracking_table
from vidlib.tracking.blendshapes import BLENDSHAPES
from vidlib.tracking.sound_offset import SoundOffset, compensated
from vidlib.tracking.speaking import Mouth

SHIFTS = range(-25, 26, 5)
"""Frames by which a sound is shifted."""

CLOSE = 3
"""An offset that is found is right if it is at most so many frames wrong."""


class Seen(NamedTuple):
    """A video: its sound, (frames, 640) at 16 kHz, and the mouths of its faces."""

    name: str
    samples: np.ndarray
    mouths: list[Mouth]


def main() -> int:
    """Print the figures; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path, nargs="?", help="a workspace with finished videos")
    options = parser.parse_args()
    if not options.workspace:
        print("sound_offset: no workspace was given; expected one with finished videos (see --help)")
        return 0
    try:
        videos = list(read(Workspace(options.workspace)))
    except VidlibError as error:
        print(f"sound_offset: {error}", file=sys.stderr)
        return error.exit_code
    for video in videos:
        found = {shift: offset_of(video.mouths, np.roll(video.samples, shift, axis=0)) for shift in SHIFTS}
        right = [shift for shift, offset in found.items() if offset is not None and abs(offset - shift) <= CLOSE]
        wrong = [shift for shift, offset in found.items() if offset is not None and abs(offset - shift) > CLOSE]
        print(f"{video.name}: {len(right)} of {len(found)} offsets found, {len(wrong)} wrong; in sync: {found[0]}")
    foreign = [
        offset_of(video.mouths, np.resize(other.samples, video.samples.shape))
        for video, other in permutations(videos, 2)
    ]
    print(f"foreign sound: {sum(bool(compensated(offset)) for offset in foreign)} of {len(foreign)} would be shifted")
    return 0


def read(workspace: Workspace) -> Iterator[Seen]:
    """All videos of the workspace."""
    for sha256 in workspace.videos()["sha256"]:
        files = finished(workspace.open(sha256))
        table = tracking_table.read(files.tracks)
        samples = np.zeros((len(speech_table.read(files.speech)), SAMPLES_PER_FRAME), np.float32)
        for frame, decoded in zip(
            samples, read_by_frame(files.video, speech_table.read_tracks(files.speech)), strict=False
        ):
            frame[: len(decoded)] = decoded
        faces = table[table.source == "face_landmarker"].groupby("track_id")
        mouths = [
            Mouth.from_blendshapes(int(face.frame.iloc[0]) - 1, face[list(BLENDSHAPES)].to_numpy(float))
            for _, face in faces
        ]
        yield Seen(files.name, samples, mouths)


def offset_of(mouths: list[Mouth], samples: np.ndarray) -> int | None:
    """The offset that is found: frames by which the sound is late."""
    offset = SoundOffset()
    offset.add_shot(samples, mouths)
    return offset.frames()


if __name__ == "__main__":
    sys.exit(main())
