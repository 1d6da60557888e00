"""Speaker assignment over a whole video: which face speaks when, and which speaker label belongs to which person.

A mouth that moves in time with the sound is mostly that of the speaker. The evidence of the other shots is added: if
the label belongs to somebody else there, or the person has another label there, the face is dubbed or talks unheard.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vidlib.tracking.face_views import FaceView
from vidlib.tracking.identities import identify
from vidlib.tracking.speaking import SPEAKING_THRESHOLD, Sound, SpeakerMatch, match_speaker, speaking_confidence

OWN_WEIGHT, RIVAL_WEIGHT, OTHER_WEIGHT = 1.0, 0.3, 0.3
"""Weights of the evidence of other shots in the log-odds that a face speaks: that the label belongs to this person,
that it belongs to another person, and that another label belongs to this person. A logistic regression on composed
videos and natural clips, some with wrong labels, gives 1.0 to 1.1, 0.3 and 0.3; see docs/how/tracking.md. It gives 0 to
evidence that the label does not belong to this person: a label often holds two speakers."""

MAX_EVIDENCE = 8.0
"""Limit of the evidence, in log-odds: two or three shots give as much, and diarization may confuse speakers."""

MAX_FRAME_LOG_ODDS = 4.0
"""Limit of the log-odds of a single frame, as evidence."""

FULL_FRAMES, MIN_FRAMES = 25, 5
"""Frames with a label that make a shot full evidence (1 s), and those below which it is none (0.2 s)."""


@dataclass(frozen=True)
class FaceEvidence:
    """What one track of a face contributes.

    ``log_odds`` (n,), from frame ``start`` on, are those that the face speaks, by its mouth alone. ``view`` is the mean
    of its clear views, if it has any.
    """

    track_id: int
    start: int
    log_odds: np.ndarray
    view: FaceView | None

    @property
    def span(self) -> range:
        """The frames of the track."""
        return range(self.start, self.start + len(self.log_odds))


@dataclass(frozen=True)
class ShotEvidence:
    """The sound of one shot, whose samples are not needed, and the faces in it."""

    sound: Sound
    faces: Sequence[FaceEvidence]


@dataclass(frozen=True)
class SpeakerAssignment:
    """Whose face a track shows, and when that face speaks.

    ``person`` counts from 0, with ``person_confidence`` in [0, 1]. ``confidence`` (n,) float32 in [0, 1) is that of
    the face speaking in each of its frames. ``speaker`` is the match of the person over all shots.
    """

    face: FaceEvidence
    person: int
    person_confidence: float
    confidence: np.ndarray
    speaker: SpeakerMatch | None

    @property
    def is_speaking(self) -> np.ndarray:
        """Whether the face speaks in each of its frames: (n,) bool."""
        return self.confidence > SPEAKING_THRESHOLD


def assign_speakers(shots: Sequence[ShotEvidence]) -> list[list[SpeakerAssignment]]:
    """An assignment for each face of a video: a list per shot, in the order of its faces."""
    faces = [face for shot in shots for face in shot.faces]
    identities = identify([face.view for face in faces], [face.span for face in faces])
    identity_of = dict(zip((face.track_id for face in faces), identities, strict=True))
    person_of = {track_id: identity.person for track_id, identity in identity_of.items()}
    confidence = _speaking_confidence(shots, person_of)
    speakers = _match_speakers(shots, confidence, person_of)
    return [
        [
            SpeakerAssignment(
                face,
                *identity_of[face.track_id],
                face_confidence,
                speakers[person_of[face.track_id]],
            )
            for face, face_confidence in zip(shot.faces, shot_confidence, strict=True)
        ]
        for shot, shot_confidence in zip(shots, confidence, strict=True)
    ]


def _speaking_confidence(shots: Sequence[ShotEvidence], person_of: Mapping[int, int]) -> list[list[np.ndarray]]:
    """The confidence (n,) that each face of each shot speaks; ``person_of`` maps track ids to people."""
    labels = sorted({label for shot in shots for labels in shot.sound.speakers for label in labels})
    column = {label: index for index, label in enumerate(labels)}
    by_shot = [_evidence(shot, person_of, column) for shot in shots]
    total = np.zeros((1 + max(person_of.values(), default=-1), len(column)))
    for evidence in by_shot:
        for person, row in evidence.items():
            total[person] += row
    confidence = []
    for shot, evidence in zip(shots, by_shot, strict=True):
        other_shots = total.copy()
        for person, row in evidence.items():
            other_shots[person] -= row
        bonus = _log_odds_bonus(other_shots)
        log_odds = [
            face.log_odds + _best_bonus(shot.sound, face, bonus[person_of[face.track_id]], column)
            for face in shot.faces
        ]
        confidence.append(speaking_confidence([face.start for face in shot.faces], log_odds, shot.sound))
    return confidence


def _evidence(shot: ShotEvidence, person_of: Mapping[int, int], column: Mapping[str, int]) -> dict[int, np.ndarray]:
    """The evidence of one shot for each person in it: log-odds (labels,) that a label belongs to the person."""
    evidence: dict[int, np.ndarray] = defaultdict(lambda: np.zeros(len(column)))
    speech = shot.sound.possible_speech
    for face in shot.faces:
        frames = slice(face.start - shot.sound.start, face.span.stop - shot.sound.start)
        is_heard = np.zeros((len(face.log_odds), len(column)), bool)
        for frame, labels in enumerate(shot.sound.speakers[frames]):
            is_heard[frame, [column[label] for label in labels]] = True
        is_heard &= speech[frames, None]
        n_frames = is_heard.sum(axis=0)
        clipped = np.clip(face.log_odds, -MAX_FRAME_LOG_ODDS, MAX_FRAME_LOG_ODDS)
        mean = clipped @ is_heard / np.maximum(n_frames, 1)
        weight = np.minimum(1, n_frames / FULL_FRAMES)
        evidence[person_of[face.track_id]] += np.where(n_frames >= MIN_FRAMES, mean * weight, 0)
    return evidence


def _log_odds_bonus(evidence: np.ndarray) -> np.ndarray:
    """What evidence (people, labels) adds to the log-odds that a person speaks while a label is heard: same shape."""
    own = np.clip(evidence, 0, MAX_EVIDENCE)
    rival = np.minimum(_max_of_other_rows(evidence), MAX_EVIDENCE)
    other = np.minimum(_max_of_other_rows(evidence.T).T, MAX_EVIDENCE)
    return OWN_WEIGHT * own - RIVAL_WEIGHT * rival - OTHER_WEIGHT * other


def _max_of_other_rows(table: np.ndarray) -> np.ndarray:
    """For each value, the maximum of its column in the other rows, at least 0: (n, m) -> (n, m)."""
    if not len(table):
        return table
    with_zeros = np.vstack([table, np.zeros(table.shape[1])])
    second, first = np.sort(with_zeros, axis=0)[-2:]
    return np.where(np.arange(len(table))[:, None] == with_zeros.argmax(axis=0), second, first)


def _best_bonus(sound: Sound, face: FaceEvidence, bonus: np.ndarray, column: Mapping[str, int]) -> np.ndarray:
    """What is added to a face's log-odds in each of its frames, (n,): the highest bonus of the labels heard there."""
    speakers = sound.speakers[face.start - sound.start : face.span.stop - sound.start]
    return np.array([max((bonus[column[label]] for label in labels), default=0.0) for labels in speakers])


def _match_speakers(
    shots: Sequence[ShotEvidence], confidence: Sequence[Sequence[np.ndarray]], person_of: Mapping[int, int]
) -> dict[int, SpeakerMatch | None]:
    """The speaker label of each person, by all tracks of the person."""
    is_speaking: dict[int, list[np.ndarray]] = defaultdict(list)
    heard: dict[int, list[Sequence[str]]] = defaultdict(list)
    for shot, shot_confidence in zip(shots, confidence, strict=True):
        for face, face_confidence in zip(shot.faces, shot_confidence, strict=True):
            person = person_of[face.track_id]
            is_speaking[person].append(face_confidence > SPEAKING_THRESHOLD)
            heard[person] += shot.sound.crop(face.start, len(face_confidence)).speakers
    return {person: match_speaker(np.concatenate(rows), heard[person]) for person, rows in is_speaking.items()}
