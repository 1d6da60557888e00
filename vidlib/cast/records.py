"""What the cast keeps about a person in one video."""

import base64
from datetime import datetime
from typing import Annotated

import numpy as np
from pydantic import Field

from vidlib.corrections.anchors import SpeakerAnchor, TrackAnchor
from vidlib.params import Frozen

MAX_TRACKS = 12
"""Tracks of a person that are kept as places, the longest ones."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Embedding(Frozen):
    """A mean embedding: n float32 numbers in base64, and how many faces or windows of sound it is the mean of."""

    values: str
    n: int

    @classmethod
    def mean_of(cls, vectors: np.ndarray) -> "Embedding":
        """The mean of ``vectors`` (n, d)."""
        mean = vectors.mean(axis=0).astype("<f4")
        return cls(values=base64.b64encode(mean.tobytes()).decode(), n=len(vectors))

    @property
    def vector(self) -> np.ndarray:
        """The numbers, (d,) float32."""
        return np.frombuffer(base64.b64decode(self.values), "<f4")


class Appearance(Frozen):
    """A person in one video, in ``analysis``, the name of the folder with the result of *tracking*.

    ``person`` is the number in people.json; None where another analysis of the video shows nobody there. ``speaker`` is
    the label of the voice, if the person speaks. ``seen_s`` and ``heard_s`` are the seconds that embeddings may come
    from, ``face_px`` the height of the largest face in pixels.
    """

    video: Sha256
    name: str
    project: str
    analysis: str
    person: int | None
    speaker: str | None
    tracks: tuple[TrackAnchor, ...] = Field(min_length=1, max_length=MAX_TRACKS)
    speaker_at: SpeakerAnchor = SpeakerAnchor()
    seen_s: float
    heard_s: float
    face_px: int
    face: Embedding
    voice: Embedding | None
    collected_at: datetime
