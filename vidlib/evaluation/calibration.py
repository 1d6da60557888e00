"""How often what is claimed with a confidence is right: 0.9 is to be right nine times out of ten."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from vidlib.evaluation import shots
from vidlib.evaluation.faces import owners
from vidlib.evaluation.ground_truth import Truth
from vidlib.evaluation.load_results import Found
from vidlib.evaluation.matching import FACES, Pairs, pair_up
from vidlib.evaluation.voices import mapping
from vidlib.timeline import Turn, seconds

if TYPE_CHECKING:
    import pandas as pd

BINS = (0.0, 0.5, 0.7, 0.9, 0.97, 1.0)
"""Edges of the groups of confidences that are judged together; above 0.9 is what nobody looks at again."""


class Claim(NamedTuple):
    """Something that was found: its ``kind``, how sure it was, in [0, 1], and whether it is ``right``."""

    kind: str
    confidence: float
    right: bool


def claims(truth: Truth, found: Found, true_turns: Sequence[Turn]) -> Iterator[Claim]:
    """Everything in ``found`` that has a confidence: boundaries, turns, speaking in each frame, people, voices."""
    if found.shots is not None:
        right = set(shots.matched(truth.shots[1:], found.shots[1:]).values())
        for place, shot in enumerate(found.shots[1:]):
            yield Claim("boundary", shot.confidence, place in right)
    whose = mapping(true_turns, found.turns, float(seconds(truth.frames))) if found.turns is not None else {}
    for turn in found.turns or ():
        yield Claim("turn", turn.confidence, whose.get(turn.speaker) == _most_heard(turn, true_turns))
    if found.tracks is not None:
        paired = pair_up(truth, found.tracks)
        yield from _tracks(paired, found)
        yield from _speaking(paired)
        yield from _people(paired, found, whose)


def table(found: Sequence[Claim]) -> "pd.DataFrame":
    """A row for each kind and group of confidences: ``n``, their mean, the share that is right."""
    import pandas as pd

    rows = pd.DataFrame(found, columns=Claim._fields).astype({"right": float})
    rows["group"] = pd.cut(rows.confidence, BINS, include_lowest=True)
    grouped = rows.groupby(["kind", "group"], observed=True, sort=True)
    return grouped.agg(n=("right", "size"), confidence=("confidence", "mean"), right=("right", "mean"))


def _most_heard(turn: Turn, true_turns: Sequence[Turn]) -> str | None:
    """Who really speaks longest during a turn; None where nobody does."""
    heard: Counter[str] = Counter()
    for true in true_turns:
        heard[true.speaker] += max(0.0, min(turn.stop_s, true.stop_s) - max(turn.start_s, true.start_s))
    return max(heard, key=heard.__getitem__) if heard.total() > 0 else None


def _tracks(paired: Pairs, found: Found) -> Iterator[Claim]:
    """Each track of a face: right if most of its rows that are judged show a true face."""
    shown = {track: counts.total() for track, counts in owners(paired).items()}
    judged = {pair.frame + 1 for pair in paired.pairs}
    faces = found.tracks[(found.tracks.source == FACES) & found.tracks.frame.isin(judged)]
    for track, rows in faces.groupby("track_id"):
        yield Claim("track", float(rows.confidence.mean()), 2 * shown.get(track, 0) > len(rows))


def _speaking(paired: Pairs) -> Iterator[Claim]:
    """Each face in each frame that is called speaking."""
    for pair in paired.found():
        if pair.row.is_speaking:
            yield Claim("speaking", float(pair.row.speaking_confidence), pair.face.speaking)


def _people(paired: Pairs, found: Found, whose: Mapping[str, str]) -> Iterator[Claim]:
    """Each track that was known again, and each voice of a person, who is whom most of the tracks show."""
    shown = owners(paired)
    for person in found.people or ():
        of_person: Counter[str] = sum((shown[track] for track in person.tracks if track in shown), Counter())
        if not of_person:
            continue
        name = of_person.most_common(1)[0][0]
        if person.voice is not None:
            yield Claim("voice", person.voice_confidence, whose.get(person.voice) == name)
        if len(person.tracks) > 1:
            for track, sure in person.tracks.items():
                if track in shown:
                    yield Claim("person", sure, shown[track].most_common(1)[0][0] == name)
