"""Reads the voices of the people in a finished video."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vidlib.media.audio import SAMPLE_RATE, Waveform, read_waveform
from vidlib.timeline import Segment, Turn, Turns

if TYPE_CHECKING:
    from vidlib.engines.speech.diarization.embedding import SpeakerEmbedder

MIN_HEARD_S = 10.0
"""Seconds of a voice alone that an embedding needs: several sentences, as a single short one is no evidence."""

WINDOW_S = 3.0
"""Seconds of each window whose embeddings are averaged; CAM++ was trained on windows of three seconds."""

MIN_WINDOW_S = 1.5
"""Seconds of the shortest part of a turn that is used."""

MAX_WINDOWS = 20
"""Windows of a person that are embedded, the first of the longest turns."""


@dataclass
class VoiceReader:
    """Embeds the voices in audio ``tracks`` of a ``video``, whose sound is decoded when a voice is read."""

    video: Path
    tracks: Sequence[int]
    min_heard_s: float = MIN_HEARD_S

    @cached_property
    def _sound(self) -> Waveform:
        return read_waveform(self.video, tracks=self.tracks)

    @cached_property
    def _embedder(self) -> "SpeakerEmbedder":
        from vidlib.engines.speech.diarization.embedding import SpeakerEmbedder

        return SpeakerEmbedder()

    def read(self, turns: Turns, speaker: str | None) -> tuple[float, np.ndarray | None]:
        """Seconds in which ``speaker`` is heard alone, and unit embeddings (n, 192) of windows of them.

        There are none where that is less than ``min_heard_s``.
        """
        segments = alone(turns, speaker) if speaker else []
        heard_s = sum(segment.duration_s for segment in segments)
        if heard_s < self.min_heard_s:
            return heard_s, None
        vectors = [vector for window in _windows(segments) if (vector := self._embed(window)) is not None]
        return heard_s, np.stack(vectors) if vectors else None

    def _embed(self, window: Segment) -> np.ndarray | None:
        from vidlib.engines.speech.diarization.embedding import MIN_FRAMES
        from vidlib.engines.speech.features import log_mel

        features = log_mel(self._sound[round(window.start_s * SAMPLE_RATE) : round(window.stop_s * SAMPLE_RATE)])
        if len(features) < MIN_FRAMES:  # the sound ends before the picture
            return None
        vector = self._embedder.embed(features)
        unit: np.ndarray = vector / max(float(np.linalg.norm(vector)), 1e-9)
        return unit


def alone(turns: Sequence[Turn], speaker: str) -> list[Segment]:
    """The parts of the turns of ``speaker`` in which nobody else is heard, at least `MIN_WINDOW_S` long.

    >>> alone([Turn(0, 5, "A"), Turn(3, 3.5, "B")], "A")
    [Segment(start_s=0, stop_s=3), Segment(start_s=3.5, stop_s=5)]
    """
    parts = [turn.segment for turn in turns if turn.speaker == speaker]
    for other in (turn for turn in turns if turn.speaker != speaker):
        parts = [rest for part in parts for rest in _without(part, other.segment)]
    return [part for part in parts if part.duration_s >= MIN_WINDOW_S]


def _without(part: Segment, other: Segment) -> list[Segment]:
    if not part.overlaps(other):
        return [part]
    before, after = (part.start_s, other.start_s), (other.stop_s, part.stop_s)
    return [Segment(*edges) for edges in (before, after) if edges[0] < edges[1]]


def _windows(segments: Sequence[Segment]) -> list[Segment]:
    """`MAX_WINDOWS` windows of at most `WINDOW_S`, of the longest segments first."""
    windows: list[Segment] = []
    for segment in sorted(segments, key=lambda segment: -segment.duration_s):
        n = max(1, int(segment.duration_s // WINDOW_S))
        length_s = min(WINDOW_S, segment.duration_s)
        windows += [Segment(start_s := segment.start_s + k * WINDOW_S, start_s + length_s) for k in range(n)]
    return windows[:MAX_WINDOWS]
