"""Invented people: embeddings that were drawn, so that no model runs."""

from datetime import UTC, datetime
from io import BytesIO

import numpy as np
from PIL import Image

from tests import sample_media
from vidlib.cast.records import Appearance, Embedding
from vidlib.corrections.anchors import SpeakerAnchor, TrackAnchor
from vidlib.files import sha256_text

ANNA, BERT = 1, 2
"""Two invented people."""

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def face(person: int, aside: float = 0.0) -> np.ndarray:
    """The face of an invented ``person`` (128,), moved ``aside`` by that distance. Two people are about 0.7 apart."""
    vector = np.random.default_rng(person).normal(size=128)
    other = np.random.default_rng(1000 + person + int(aside * 1000)).normal(size=128)
    return (vector / np.linalg.norm(vector) * 0.5 + other / np.linalg.norm(other) * aside).astype(np.float32)


def voice(person: int) -> np.ndarray:
    """The voice of an invented ``person`` (192,)."""
    return np.random.default_rng(500 + person).normal(size=192).astype(np.float32)


def appearance(
    person: int,
    video: str = "talk",
    *,
    aside: float = 0.0,
    number: int = 1,
    heard: int | None = None,
    project: str = "Spring",
    at: datetime = NOW,
) -> Appearance:
    """An invented ``person`` in a ``video``; ``heard`` is the person whose voice it has."""
    frames, box = range(0, 200, 5), (100 * number, 50, 100 * number + 90, 150)
    return Appearance(
        video=sha256_text(video),
        name=f"{video}.mp4",
        project=project,
        analysis="tracking-0123456789ab",
        person=number,
        speaker=None if heard is None else "SPEAKER_00",
        tracks=(TrackAnchor(start=0, stop=200, boxes=tuple((frame, *box) for frame in frames)),),
        speaker_at=SpeakerAnchor(spans=() if heard is None else ((0, 300),)),
        seen_s=8.0,
        heard_s=0.0 if heard is None else 12.0,
        face_px=100,
        face=Embedding.mean_of(face(person, aside)[None]),
        voice=None if heard is None else Embedding.mean_of(voice(heard)[None]),
        collected_at=at,
    )


def jpeg() -> bytes:
    """A small picture that stands for a face."""
    file = BytesIO()
    Image.fromarray(sample_media.picture(7)).save(file, "JPEG")
    return file.getvalue()


PICTURE = jpeg()
