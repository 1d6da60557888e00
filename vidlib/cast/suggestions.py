"""Who may be who: suggestions for a person to confirm. Nothing here decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vidlib.cast.operations import Cast
from vidlib.cast.records import Appearance

MAX_DISTANCE = 0.38
"""Distance of mean face embeddings up to which two may be one person. In six people filmed once, those of one person
were at most 0.36 apart, those of two at least 0.43 (docs/decisions/0009)."""

MIN_MARGIN = 0.08
"""How much nearer the best person must be than the second."""

MIN_VOICE_SIMILARITY = 0.5
"""Cosine of mean voice embeddings from which two voices agree; about the value that the authors of CAM++ advise."""

REJECTED_MARGIN = 0.01
"""How far below the distance of an appearance that is not a person the radius of that person ends, as in PhotoPrism."""


@dataclass(frozen=True)
class Suggestion:
    """``appearance`` may show ``person``, with the reasons.

    ``distance`` is that of the mean face embeddings. ``margin`` is how much farther the second person is; None where
    the cast has no other. ``voice`` is the cosine similarity of the voices; None where one of them is not known.
    """

    appearance: int
    person: int
    distance: float
    margin: float | None
    voice: float | None
    same_project: bool


@dataclass(frozen=True)
class Compared:
    """The people of the cast as points: ``people`` (m,), their ``faces`` (m, 128), and how near a face must be."""

    people: list[int]
    faces: np.ndarray
    radius: np.ndarray

    @classmethod
    def from_cast(cls, cast: Cast, appearances: Mapping[int, Appearance]) -> "Compared":
        """The mean face of each person; a rejected appearance lowers the radius to just below its distance."""
        people, faces, radii = [], [], []
        for person, numbers in cast.people().items():
            if known := [appearances[number].face.vector for number in numbers if number in appearances]:
                face = np.mean(known, axis=0)
                rejected = [appearances[one].face.vector for one in cast.rejected(person) if one in appearances]
                nearest = min((float(np.linalg.norm(face - other)) for other in rejected), default=np.inf)
                people.append(person)
                faces.append(face)
                radii.append(min(MAX_DISTANCE, nearest - REJECTED_MARGIN))
        return cls(people, np.stack(faces) if faces else np.zeros((0, 128)), np.array(radii))

    def distances(self, face: np.ndarray) -> np.ndarray:
        """The distance of a face (128,) from each person, (m,)."""
        distances: np.ndarray = np.linalg.norm(self.faces - face, axis=1)
        return distances


def suggest(cast: Cast, appearances: Mapping[int, Appearance]) -> list[Suggestion]:
    """A suggestion for each appearance of nobody that is like one person of the cast, the nearest first.

    The face must be near, the second person clearly farther, and another fact must agree: the voice, or the project.
    """
    compared, members = Compared.from_cast(cast, appearances), cast.people()
    found = []
    for number, one in appearances.items():
        if cast.person(number) is not None or not compared.people:
            continue
        distances = compared.distances(one.face.vector)
        best = int(distances.argmin())
        person = compared.people[best]
        margin = float(np.delete(distances, best).min() - distances[best]) if len(distances) > 1 else None
        near = distances[best] <= compared.radius[best] and (margin is None or margin >= MIN_MARGIN)
        if not near or cast.are_different(f"A{number}", f"P{person}"):
            continue
        known = [appearances[shown] for shown in members[person] if shown in appearances]
        voice = voice_similarity(one, known)
        same_project = any(other.project == one.project for other in known)
        if same_project or (voice is not None and voice >= MIN_VOICE_SIMILARITY):
            found.append(Suggestion(number, person, float(distances[best]), margin, voice, same_project))
    return sorted(found, key=lambda suggestion: suggestion.distance)


def voice_similarity(one: Appearance, others: Sequence[Appearance]) -> float | None:
    """The cosine similarity of a voice and the mean voice of ``others``; None where either is not known."""
    voices = [other.voice.vector for other in others if other.voice]
    if one.voice is None or not voices:
        return None
    own, mean = one.voice.vector, np.mean(voices, axis=0)
    return float(own @ mean / max(float(np.linalg.norm(own) * np.linalg.norm(mean)), 1e-9))
