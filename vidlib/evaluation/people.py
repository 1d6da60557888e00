"""Scores of re-identification: for each pair of tracks, whether both show the same person."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from vidlib.evaluation.faces import persons_of_tracks
from vidlib.evaluation.matching import FaceMatches
from vidlib.evaluation.score import Score, count, share
from vidlib.results.exports.people_json import Person

PART = "people"


def scores(matches: FaceMatches, people: Sequence[Person]) -> Iterator[Score]:
    """Precision and recall of pairs of tracks of one person, and the number of persons.

    A track belongs to the person that it shows most. Tracks without a true face are left out.
    """
    true = {track: shown.most_common(1)[0][0] for track, shown in persons_of_tracks(matches).items()}
    predicted = {track: person.person for person in people for track in person.tracks if track in true}
    both = list(combinations(predicted, 2))
    linked = {match for match in both if predicted[match[0]] == predicted[match[1]]}
    same = {match for match in both if true[match[0]] == true[match[1]]}
    yield share(PART, "precision", len(linked & same), len(linked))
    yield share(PART, "recall", len(linked & same), len(same))
    yield count(PART, "number of people", len(set(predicted.values())), len(set(true.values())))
