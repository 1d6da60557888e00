"""Who speaks, over a whole video: what the other shots say of a face's voice, beside how its mouth moves in this one.

A mouth that moves in time with the sound is mostly that of the speaker. But if this voice has been that of somebody
else in other shots, or this face has had another voice there, it is somebody who is dubbed, or who talks unheard.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vidlib.tracking.identities import people, sureness
from vidlib.tracking.speaking import SPEAKS, Sound, Voice, speaking, voice_of

OWN_WEIGHT, RIVAL_WEIGHT, OTHER_WEIGHT = 0.8, 0.4, 0.2
"""Log-odds that a face speaks, for each unit of evidence in other shots that the voice is its own, is that of another
face, or that its own is another one. Near those of a logistic regression (0.81, -0.46, -0.25) on films of people who
talk, listen and are dubbed, and the best by F1 of two dozen tried on them; see docs/tracking.md."""

MOST_EVIDENCE = 6.0
"""More evidence counts no more: it is what two or three shots give, and voices may have been mixed up."""

MOST_ODDS = 3.0
"""Log-odds of a single frame beyond which it is not surer for this purpose."""

FULL_FRAMES, FEWEST_FRAMES = 25, 5
"""Frames with a voice (1 s) that make full evidence of a shot; with fewer than 0.2 s there is none."""


@dataclass(frozen=True)
class Face:
    """A track of a face: from frame ``start`` on, ``odds`` (n,) are those that it speaks, by its mouth alone.

    ``print`` is its mean face print, (128,), if there is any.
    """

    track_id: int
    start: int
    odds: np.ndarray
    print: np.ndarray | None

    @property
    def span(self) -> range:
        return range(self.start, self.start + len(self.odds))


@dataclass(frozen=True)
class Scene:
    """A shot: what is heard, and the faces that it shows. Of the ``sound``, samples are not used."""

    sound: Sound
    faces: Sequence[Face]


@dataclass(frozen=True)
class Spoken:
    """A face, whose it is (from 0; how surely, in [0, 1]), how surely it speaks in each of its frames, (n,) float32 in
    [0, 1), and its voice: the person's, in all shots together.
    """

    face: Face
    person: int
    person_confidence: float
    sure: np.ndarray
    voice: Voice | None

    @property
    def is_speaking(self) -> np.ndarray:
        return self.sure > SPEAKS


def conversation(scenes: Sequence[Scene]) -> list[list[Spoken]]:
    """Who speaks when, of all faces of a video; a list for each of its shots, in the order of its faces."""
    faces = [face for scene in scenes for face in scene.faces]
    prints, spans = [face.print for face in faces], [face.span for face in faces]
    numbered = people(prints, spans)
    tracks = [face.track_id for face in faces]
    who = dict(zip(tracks, numbered, strict=True))
    known = dict(zip(tracks, sureness(prints, numbered), strict=True))
    sure = _sure(scenes, who)
    voices = _voices(scenes, sure, who)
    return [
        [
            Spoken(face, who[face.track_id], known[face.track_id], row, voices[who[face.track_id]])
            for face, row in zip(scene.faces, rows, strict=True)
        ]
        for scene, rows in zip(scenes, sure, strict=True)
    ]


def _sure(scenes: Sequence[Scene], who: dict[int, int]) -> list[list[np.ndarray]]:
    """How surely each face of each shot speaks, (n,) each; ``who`` is the person of each track."""
    labels = sorted({label for scene in scenes for labels in scene.sound.voices for label in labels})
    numbers = {label: number for number, label in enumerate(labels)}
    evidence = [_evidence(scene, who, numbers) for scene in scenes]
    whole = np.zeros((1 + max(who.values(), default=-1), len(numbers)))
    for own in evidence:
        for person, odds_of in own.items():
            whole[person] += odds_of
    sure = []
    for scene, own in zip(scenes, evidence, strict=True):
        others = whole.copy()
        for person, odds_of in own.items():
            others[person] -= odds_of
        speaks_for = _speaks_for(others)
        odds = [face.odds + _heard(scene.sound, face, speaks_for[who[face.track_id]], numbers) for face in scene.faces]
        sure.append(speaking([face.start for face in scene.faces], odds, scene.sound))
    return sure


def _evidence(scene: Scene, who: dict[int, int], numbers: dict[str, int]) -> dict[int, np.ndarray]:
    """What one shot says of the voices of each person whom it shows: log-odds, (voices,), 0 where it says nothing."""
    found: dict[int, np.ndarray] = defaultdict(lambda: np.zeros(len(numbers)))
    speech = scene.sound.may_be_speech
    for face in scene.faces:
        during = slice(face.start - scene.sound.start, face.span.stop - scene.sound.start)
        heard = np.zeros((len(face.odds), len(numbers)), bool)
        for frame, voices in enumerate(scene.sound.voices[during]):
            heard[frame, [numbers[voice] for voice in voices]] = True
        heard &= speech[during, None]
        n_frames = heard.sum(axis=0)
        mean = np.clip(face.odds, -MOST_ODDS, MOST_ODDS) @ heard / np.maximum(n_frames, 1)
        enough = n_frames >= FEWEST_FRAMES
        found[who[face.track_id]] += np.where(enough, mean * np.minimum(1, n_frames / FULL_FRAMES), 0)
    return found


def _speaks_for(evidence: np.ndarray) -> np.ndarray:
    """What the evidence of other shots adds to the log-odds that a person speaks with a voice: (people, voices)."""
    own = np.clip(evidence, -MOST_EVIDENCE, MOST_EVIDENCE)
    rival = np.minimum(_most_of_others(evidence), MOST_EVIDENCE)
    other = np.minimum(_most_of_others(evidence.T).T, MOST_EVIDENCE)
    return OWN_WEIGHT * own - RIVAL_WEIGHT * rival - OTHER_WEIGHT * other


def _most_of_others(table: np.ndarray) -> np.ndarray:
    """The greatest value of each column in any other row, at least 0: (n, m) -> (n, m)."""
    if not len(table):
        return table
    with_none = np.vstack([table, np.zeros(table.shape[1])])
    second, first = np.sort(with_none, axis=0)[-2:]
    return np.where(np.arange(len(table))[:, None] == with_none.argmax(axis=0), second, first)


def _heard(sound: Sound, face: Face, speaks_for: np.ndarray, numbers: dict[str, int]) -> np.ndarray:
    """What is added to a face's log-odds in each of its frames, (n,): for the voice that speaks for it most."""
    voices = sound.voices[face.start - sound.start : face.span.stop - sound.start]
    return np.array([max((speaks_for[numbers[label]] for label in labels), default=0.0) for labels in voices])


def _voices(
    scenes: Sequence[Scene], sure: Sequence[Sequence[np.ndarray]], who: dict[int, int]
) -> dict[int, Voice | None]:
    """The voice of each person, by all that shows them."""
    speaks: dict[int, list[np.ndarray]] = defaultdict(list)
    heard: dict[int, list[Sequence[str]]] = defaultdict(list)
    for scene, rows in zip(scenes, sure, strict=True):
        for face, row in zip(scene.faces, rows, strict=True):
            speaks[who[face.track_id]].append(row > SPEAKS)
            heard[who[face.track_id]] += scene.sound.during(face.start, len(row)).voices
    return {person: voice_of(np.concatenate(rows), heard[person]) for person, rows in speaks.items()}
