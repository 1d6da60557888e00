"""Material for composed videos: panels with one person, and footage without faces, from a video with ground truth."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np

from vidlib.errors import UsageError
from vidlib.evaluation.ground_truth import TrueFace, Truth
from vidlib.machine import commands
from vidlib.media import ffmpeg
from vidlib.timeline import seconds

Panel = tuple[int, int, int, int]
"""Left, top, width and height in pixels."""

LEAST_FRAMES = 40
"""Shorter pieces are not used: their shots would end at once after a dissolve."""

FOOTAGE = "broll"
"""The kind of a shot without people."""


@dataclass(frozen=True)
class Clip:
    """The ``panel`` of ``frames`` consecutive frames of a video, ``film``, from frame ``start`` on.

    ``speaker`` is the visible person. ``talks`` means that this person is heard, ``lips_move`` that the lips move.
    ``name`` is that of the ground truth.
    """

    film: Path
    start: int
    frames: int
    panel: Panel
    speaker: str = ""
    talks: bool = False
    lips_move: bool = False
    name: str = ""

    def pictures(self) -> np.ndarray:
        """All pictures: (frames, height, width, 3) uint8 RGB."""
        left, top, width, height = self.panel
        # half a frame early, so that rounding never skips the first frame
        from_s = max(0.0, float(seconds(self.start)) - 0.02)
        crop = f"format=rgb24,crop={width}:{height}:{left}:{top}:exact=1"
        args = ffmpeg.input_args(self.film, "-an", "-ss", f"{from_s:.3f}")
        frames = ["-vf", crop, "-fps_mode", "passthrough", "-frames:v", str(self.frames)]
        output = [*frames, "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
        with commands.stream_stdout(ffmpeg.command(*args, *output)) as stream:
            data = stream.read(self.frames * height * width * 3)
        return np.frombuffer(data, np.uint8).reshape(self.frames, height, width, 3)


@dataclass(frozen=True)
class Material:
    """Clips of people who talk, of people who listen with still lips, and of footage without faces."""

    size: tuple[int, int]
    talkers: tuple[Clip, ...]
    listeners: tuple[Clip, ...]
    footage: tuple[Clip, ...]


def material(film: Path, truth: Truth) -> Material:
    """The material of a video; raises UsageError if it shows too few people who talk."""
    clips = [clip for clip in clips_of(film, truth) if clip.frames >= LEAST_FRAMES]
    talkers = tuple(clip for clip in clips if clip.talks)
    listeners = tuple(clip for clip in clips if clip.speaker and not clip.lips_move)
    footage = tuple(clip for clip in clips if not clip.speaker)
    people = {clip.speaker for clip in talkers}
    if len(people) < 3 or not listeners or not footage:
        raise UsageError(
            f"{film} has {len(people)} people who talk, {len(listeners)} listeners, {len(footage)} pieces of footage; "
            f"expected 3, 1 and 1, of at least {LEAST_FRAMES} frames each, in its ground truth"
        )
    return Material(truth.size, talkers, listeners, footage)


def clips_of(film: Path, truth: Truth) -> Iterator[Clip]:
    """Clips of each face, and of footage, each for as long as nothing changes."""
    unclear = truth.unclear()
    clear = (moment for moment in truth.moments() if moment.frame not in unclear)
    for part, moments in groupby(clear, key=lambda moment: moment.part):
        frames = [moment.frame for moment in moments]
        if any(b != a + 1 for a, b in pairwise(frames)):
            continue  # a flash interrupts it
        whole = Clip(film, frames[0], len(frames), (0, 0, *truth.size))
        for face in part.faces:
            yield _of_face(whole, face, part.audible)
        if not part.faces:
            yield whole


def _of_face(whole: Clip, face: TrueFace, audible: str | None) -> Clip:
    talks = face.speaking and audible == face.speaker
    fields = {"speaker": face.speaker, "talks": talks, "lips_move": face.lips_move, "name": face.clip}
    return replace(whole, panel=face.panel, **fields)
