"""What is known of a video: its shots, who is heard, and which face speaks, everywhere or in sampled frames."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sampled_truth

from vidlib.errors import UsageError
from vidlib.evaluation import ground_truth
from vidlib.evaluation.matching import match_faces
from vidlib.evaluation.speaking import audible
from vidlib.results.exports import rttm
from vidlib.timeline import Shot, Span, seconds
from vidlib.tracking.speaking import Sound

Answers = Mapping[tuple[int, int], bool]
"""Whether a face speaks, by track and frame (from 0); where it is not known, the key is missing."""


@dataclass(frozen=True)
class KnownVideo(ABC):
    """A ``video`` and the file of its truth."""

    video: Path
    truth: Path

    @property
    @abstractmethod
    def kind(self) -> str:
        """The kind of footage: videos of one kind are left out together."""

    @property
    @abstractmethod
    def shots(self) -> list[Shot]:
        """The true shots."""

    @abstractmethod
    def sound(self, samples: np.ndarray) -> Sound:
        """The video's own sound, ``samples`` (frames, 640), with its speakers."""

    @abstractmethod
    def answers(self, tracks: pd.DataFrame, samples: np.ndarray) -> Answers:
        """Which of the faces in ``tracks`` speak, as far as it is known, with the video's own sound."""

    @property
    def n_frames(self) -> int:
        return self.shots[-1].span.stop


class Composed(KnownVideo):
    """A video with a truth file of `vidlib.evaluation.ground_truth`. Its kind is its folder."""

    @property
    def kind(self) -> str:
        return self.video.absolute().parent.name

    @cached_property
    def known(self) -> ground_truth.Truth:
        return ground_truth.read(self.truth)

    @property
    def shots(self) -> list[Shot]:
        return [Shot(span, shot.boundary) for span, shot in zip(self.known.spans(), self.known.shots, strict=True)]

    def sound(self, samples: np.ndarray) -> Sound:
        labels = [(moment.part.audible,) if moment.part.audible else () for moment in self.known.moments()]
        speech = _audible(samples) & np.array([bool(label) for label in labels])
        return Sound(0, speech, [label if heard else () for label, heard in zip(labels, speech, strict=True)], samples)

    def answers(self, tracks: pd.DataFrame, samples: np.ndarray) -> Answers:
        heard = _audible(samples)
        return {
            (match.row.track_id, match.frame): match.face.speaking
            for match in match_faces(self.known, tracks).detected()
            if heard[match.frame] or not match.face.speaking
        }


class Sampled(KnownVideo):
    """A video with a truth of sampled frames (`sampled_truth`). It is a kind of its own.

    Who is heard is in an RTTM file beside the truth, such as *audio* writes it.
    """

    @property
    def kind(self) -> str:
        return self.video.stem

    @cached_property
    def known(self) -> dict[str, Any]:
        return json.loads(self.truth.read_text())

    @property
    def shots(self) -> list[Shot]:
        gradual = [((first + last) // 2, "dissolve") for first, last, _ in self.known["gradual"]]
        starts = [(0, "start"), *sorted([*((cut, "cut") for cut in self.known["cuts"]), *gradual])]
        stops = [*(start for start, _ in starts[1:]), self.known["frames"]]
        return [Shot(Span(start, stop), kind) for (start, kind), stop in zip(starts, stops, strict=True)]

    def sound(self, samples: np.ndarray) -> Sound:
        file = self.truth.with_suffix(".rttm")
        if not file.is_file():
            raise UsageError(
                f"{file} is missing; expected the turns of {self.video}, as vidlib's audio step writes them"
            )
        turns = rttm.read(file)
        middles_s = [float(seconds(frame)) + 0.02 for frame in range(len(samples))]
        speakers = [
            tuple(sorted({turn.speaker for turn in turns if turn.start_s <= middle_s < turn.stop_s}))
            for middle_s in middles_s
        ]
        return Sound(0, np.array([bool(heard) for heard in speakers]), speakers, samples)

    def answers(self, tracks: pd.DataFrame, samples: np.ndarray) -> Answers:
        rows = sampled_truth.by_frame(tracks)
        return {(row.track_id, frame): speaks for _, frame, row, speaks in sampled_truth.judged(self.known, rows)}


def read(text: str) -> KnownVideo:
    """The video and the truth of an argument ``VIDEO=TRUTH``."""
    video, separator, truth = text.partition("=")
    if not separator or not Path(video).is_file():
        raise UsageError(f"{text!r} is no video with its truth; expected as in film.mp4=film.truth.json")
    if not Path(truth).is_file():
        raise UsageError(f"there is no file {truth!r}; expected the truth of {video}")
    kind = Sampled if sampled_truth.is_sampled(Path(truth)) else Composed
    return kind(Path(video), Path(truth))


def _audible(samples: np.ndarray) -> np.ndarray:
    return audible(np.sqrt(np.mean(samples**2, axis=1)))
