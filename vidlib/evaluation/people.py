"""How well somebody is known again in another shot: over all pairs of tracks, of which two may show one person."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from vidlib.evaluation.faces import owners
from vidlib.evaluation.matching import Pairs
from vidlib.evaluation.score import Score, count, share
from vidlib.results.exports.people_json import Person

PART = "people"


def scores(pairs: Pairs, people: Sequence[Person]) -> Iterator[Score]:
    """Precision and recall of pairs of tracks that are one person, and how many people there are.

    A track is of whom it shows most; tracks that show no true face are left out.
    """
    true = {track: shown.most_common(1)[0][0] for track, shown in owners(pairs).items()}
    found = {track: person.person for person in people for track in person.tracks if track in true}
    both = list(combinations(found, 2))
    linked = {pair for pair in both if found[pair[0]] == found[pair[1]]}
    same = {pair for pair in both if true[pair[0]] == true[pair[1]]}
    yield share(PART, "precision", len(linked & same), len(linked))
    yield share(PART, "recall", len(linked & same), len(same))
    yield count(PART, "number of people", len(set(found.values())), len(set(true.values())))
