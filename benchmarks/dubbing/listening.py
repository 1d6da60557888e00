"""The faces of a video with one sound: what tells whether each speaks, who does by the product, and who truly does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dubbing.pictures import Face, Pictures, look
from dubbing.sounds import Variant, variants
from dubbing.truths import Answers, KnownVideo
from vidlib.errors import UsageError
from vidlib.protocols import ActiveSpeakerModel
from vidlib.tracking.speaker_assignment import FaceEvidence, ShotEvidence, assign_speakers
from vidlib.tracking.speaking import Mouth, Sound, speaking_terms, weigh

Terms = Mapping[str, np.ndarray]
"""What `speaking_terms` returns."""


@dataclass(frozen=True)
class HeardFace:
    """A face with one sound: its ``evidence``, and its ``terms`` with the mouth as it is and with a ``hidden`` one.

    ``may_speak`` (n,) bool is where there is speech; ``answer`` (n,) whether the face speaks, 1 or 0, NaN if unknown.
    """

    evidence: FaceEvidence
    terms: Terms
    hidden: Terms
    may_speak: np.ndarray
    answer: np.ndarray


@dataclass(frozen=True)
class Listened:
    """A video of a ``kind`` with one ``sound``: the sound and the faces of each shot."""

    video: str
    kind: str
    sound: str
    shots: Sequence[tuple[Sound, Sequence[HeardFace]]]

    @property
    def faces(self) -> list[HeardFace]:
        return [face for _, shown in self.shots for face in shown]

    def confidence(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the answer is known: the confidence that a face speaks, and whether it does."""
        evidence = [
            ShotEvidence(sound, [replace(face.evidence, log_odds=weigh(face.terms)) for face in shown])
            for sound, shown in self.shots
        ]
        assigned = [assignment for of_shot in assign_speakers(evidence) for assignment in of_shot]
        confidence = np.concatenate([assignment.confidence for assignment in assigned] or [np.zeros(0)])
        answer = np.concatenate([face.answer for face in self.faces] or [np.zeros(0)])
        known = np.isfinite(answer)
        return confidence[known], answer[known] > 0


def listen(videos: Sequence[KnownVideo], cache: Path, model: ActiveSpeakerModel | None) -> Iterator[Listened]:
    """Every video with every sound. A voice over is the sound of the next video with speech; the faces are then silent.

    They are judged in the same frames as with their own sound, or in all where that tells nothing.

    Raises UsageError where fewer than two videos have speech.
    """
    pictures = [look(video, cache) for video in videos]
    sounds = [video.sound(seen.samples) for video, seen in zip(videos, pictures, strict=True)]
    with_speech = [index for index, sound in enumerate(sounds) if sound.speech.any()]
    if len(with_speech) < 2:
        raise UsageError(
            f"{len(with_speech)} of {', '.join(str(video.video) for video in videos)} has speech;"
            " expected two videos with speech, whose sounds are exchanged"
        )
    for index, (video, seen, own) in enumerate(zip(videos, pictures, sounds, strict=True)):
        answers = video.answers(seen.table(), seen.samples)
        silence = dict.fromkeys(answers, False) or None
        following = next((later for later in with_speech if later > index), with_speech[0])
        for variant in variants(own, sounds[following], seed=index):
            if variant.sound.speech.any():
                yield Listened(
                    video.video.stem,
                    video.kind,
                    variant.name,
                    _shots(seen, variant, answers if variant.is_own else silence, model),
                )


def _shots(
    seen: Pictures, variant: Variant, answers: Answers | None, model: ActiveSpeakerModel | None
) -> list[tuple[Sound, list[HeardFace]]]:
    shots = []
    for span, shown in zip(seen.shots, seen.faces, strict=True):
        part = variant.sound.crop(span.start, len(span))
        encoded = model.encode_sound(part.samples.ravel()) if model and shown else None
        faces = [_heard(face, part, answers, model, encoded) for face in shown]
        shots.append((replace(part, samples=part.samples[:0]), faces))
    return shots


def _heard(
    face: Face, sound: Sound, answers: Answers | None, model: ActiveSpeakerModel | None, encoded: np.ndarray | None
) -> HeardFace:
    """One face; without ``answers`` it is silent."""
    start, n_frames = face.rows.start, len(face.rows.boxes)
    frames = slice(start - sound.start, start - sound.start + n_frames)
    judged = model.score(face.mouth, encoded[frames]) if model is not None and encoded is not None else None
    mouth = Mouth.from_blendshapes(start, face.rows.blendshapes)
    hidden = Mouth(start, np.full_like(mouth.shapes, np.nan))
    known = {frame: answers.get((face.rows.track_id, start + frame)) for frame in range(n_frames)} if answers else {}
    return HeardFace(
        face.evidence,
        speaking_terms(mouth, sound, judged),
        speaking_terms(hidden, sound, judged),
        sound.possible_speech[frames],
        np.array([known.get(frame) for frame in range(n_frames)], float) if answers is not None else np.zeros(n_frames),
    )
