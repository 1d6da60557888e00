"""Calibration: how often a result with a given confidence is right. 0.9 should be right nine times out of ten."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from vidlib.evaluation import shots
from vidlib.evaluation.faces import persons_of_tracks
from vidlib.evaluation.ground_truth import Truth
from vidlib.evaluation.load_results import Results
from vidlib.evaluation.matching import FACES, FaceMatches, match_faces
from vidlib.evaluation.voices import speaker_mapping
from vidlib.timeline import Turn, Turns, seconds

if TYPE_CHECKING:
    import pandas as pd

BINS = (0.0, 0.5, 0.7, 0.9, 0.97, 1.0)
"""Edges of the confidence bins. Nobody checks a result above 0.9 again, so these bins are narrow."""


class Claim(NamedTuple):
    """One result: its ``kind``, its confidence in [0, 1], and whether it is ``right``."""

    kind: str
    confidence: float
    right: bool


def claims(truth: Truth, results: Results, true_turns: Sequence[Turn]) -> Iterator[Claim]:
    """Every result with a confidence: boundaries, turns, tracks, speaking in each frame, people, speakers."""
    if results.shots is not None:
        right = set(shots.match_boundaries(truth.shots[1:], results.shots[1:]).values())
        for index, shot in enumerate(results.shots[1:]):
            yield Claim("boundary", shot.confidence, index in right)
    names = (
        speaker_mapping(true_turns, results.turns, float(seconds(truth.frames))) if results.turns is not None else {}
    )
    reference = Turns(true_turns)
    for turn in results.turns or ():
        yield Claim("turn", turn.confidence, names.get(turn.speaker) == reference.dominant_speaker(turn.segment))
    if results.tracks is not None:
        matches = match_faces(truth, results.tracks)
        yield from _tracks(matches, results.tracks)
        yield from _speaking(matches)
        yield from _people(matches, results, names)


def calibration_table(claims: Sequence[Claim]) -> "pd.DataFrame":
    """A row for each kind and bin: ``n``, the mean confidence, and the share that is right."""
    import pandas as pd

    rows = pd.DataFrame(claims, columns=Claim._fields).astype({"right": float})
    rows["group"] = pd.cut(rows.confidence, BINS, include_lowest=True)
    grouped = rows.groupby(["kind", "group"], observed=True, sort=True)
    return grouped.agg(n=("right", "size"), confidence=("confidence", "mean"), right=("right", "mean"))


def _tracks(matches: FaceMatches, tracks: "pd.DataFrame") -> Iterator[Claim]:
    """Each face track. It is right if most of its evaluated rows match a true face."""
    shown = {track: counts.total() for track, counts in persons_of_tracks(matches).items()}
    judged = {match.frame + 1 for match in matches.matches}
    faces = tracks[(tracks.source == FACES) & tracks.frame.isin(judged)]
    for track, rows in faces.groupby("track_id"):
        yield Claim("track", float(rows.confidence.mean()), 2 * shown.get(track, 0) > len(rows))


def _speaking(matches: FaceMatches) -> Iterator[Claim]:
    """Each face with ``is_speaking`` in each frame."""
    for match in matches.detected():
        if match.row.is_speaking:
            yield Claim("speaking", float(match.row.speaking_confidence), match.face.speaking)


def _people(matches: FaceMatches, results: Results, names: Mapping[str, str]) -> Iterator[Claim]:
    """Each track of a person with several tracks, and the speaker of each person.

    The true person is the one in most frames of the tracks.
    """
    shown = persons_of_tracks(matches)
    for person in results.people or ():
        of_person: Counter[str] = sum((shown[track] for track in person.tracks if track in shown), Counter())
        if not of_person:
            continue
        name = of_person.most_common(1)[0][0]
        if person.voice is not None and person.voice_confidence is not None:
            yield Claim("voice", person.voice_confidence, names.get(person.voice) == name)
        if len(person.tracks) > 1:
            for track, confidence in person.tracks.items():
                if track in shown:
                    yield Claim("person", confidence, shown[track].most_common(1)[0][0] == name)
