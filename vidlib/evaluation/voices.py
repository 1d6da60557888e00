"""How well it is known who speaks when, and which face a voice belongs to.

Who is called SPEAKER_00 is for the engine to choose: voices are compared after the mapping that makes most of them
right (as pyannote.metrics finds it), each label standing for one person at most.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from vidlib.evaluation.faces import owners
from vidlib.evaluation.matching import Pairs
from vidlib.evaluation.score import Score, count, share
from vidlib.timeline import FPS, Turn, seconds

if TYPE_CHECKING:
    from pyannote.core import Annotation

PART = "voices"
FACES_PART = "voice of a face"

LEAST_FRAMES = 10
"""A face that speaks for less (0.4 s) while its track lasts need not have a voice."""


def scores(true: Sequence[Turn], found: Sequence[Turn], n_frames: int) -> Iterator[Score]:
    """Diarization error rate without collar, overlapping speech counted, and its parts in seconds; right voices.

    Turns are judged up to the end of the film's ``n_frames`` frames. The rate has no upper end: whoever hears speech
    where there is none may be more than all wrong.
    """
    parts = components(true, found, float(seconds(n_frames)))
    total_s, right_s, confused_s = parts["total"], parts["correct"], parts["confusion"]
    wrong_s = parts["missed detection"] + parts["false alarm"] + confused_s
    frames = round(total_s * FPS)
    yield Score(part=PART, measure="error rate", value=wrong_s / total_s if total_s else None, n=frames)
    for name in ("missed detection", "false alarm", "confusion"):
        yield Score(part=PART, measure=name, value=parts[name], unit="s", n=frames)
    yield Score(part=PART, measure="right voice", value=_ratio(right_s, total_s), n=frames)
    heard_s = right_s + confused_s
    of_heard = _ratio(right_s, heard_s)
    yield Score(part=PART, measure="right voice", subset="of what was found", value=of_heard, n=round(heard_s * FPS))
    yield count(PART, "number of voices", len({turn.speaker for turn in found}), len({turn.speaker for turn in true}))


def components(true: Sequence[Turn], found: Sequence[Turn], length_s: float) -> dict[str, float]:
    """Seconds of ``total`` speech, ``correct``, ``missed detection``, ``false alarm``, ``confusion``."""
    from pyannote.core import Segment, Timeline
    from pyannote.metrics.diarization import DiarizationErrorRate

    metric = DiarizationErrorRate(collar=0.0, skip_overlap=False)
    whole = Timeline([Segment(0, length_s)])
    return dict(metric(annotation(true), annotation(found), uem=whole, detailed=True))


def mapping(true: Sequence[Turn], found: Sequence[Turn], length_s: float) -> dict[str, str]:
    """Whose voice each found label is, as far as it is anybody's."""
    from pyannote.core import Segment, Timeline
    from pyannote.metrics.diarization import DiarizationErrorRate

    metric = DiarizationErrorRate(collar=0.0, skip_overlap=False)
    return metric.optimal_mapping(annotation(true), annotation(found), uem=Timeline([Segment(0, length_s)]))


def annotation(turns: Sequence[Turn]) -> "Annotation":
    """The turns in the form that pyannote.metrics compares."""
    from pyannote.core import Annotation, Segment

    found = Annotation()
    for number, turn in enumerate(turns):
        found[Segment(turn.start_s, turn.stop_s), number] = turn.speaker
    return found


def face_scores(pairs: Pairs, whose: Mapping[str, str]) -> Iterator[Score]:
    """Precision and recall of the voices that tracks are given; ``whose`` is the `mapping` of labels to people.

    A track is of the person whom it shows most. It ought to have a voice if that person is to be heard in
    `LEAST_FRAMES` of its frames; a voice that is given to somebody silent is right if it is his or hers.
    """
    labels, spoken = _labels(pairs), _spoken(pairs)
    person = {track: people.most_common(1)[0][0] for track, people in owners(pairs).items()}
    named = {track: whose.get(label) for track, label in labels.items() if label is not None}
    right = {track for track, who in named.items() if who == person[track]}
    due = {track for track, n_frames in spoken.items() if n_frames >= LEAST_FRAMES}
    yield share(FACES_PART, "precision", len(right), len(named))
    yield share(FACES_PART, "recall", len(right & due), len(due))


def _labels(pairs: Pairs) -> dict[int, str | None]:
    """The voice that each track is given in most of its frames."""
    given: dict[int, Counter[str | None]] = defaultdict(Counter)
    for pair in pairs.found():
        label = pair.row.speaker
        given[pair.row.track_id][label if isinstance(label, str) else None] += 1
    return {track: labels.most_common(1)[0][0] for track, labels in given.items()}


def _spoken(pairs: Pairs) -> Counter[int]:
    """In how many of its frames the face of each track speaks."""
    return Counter(pair.row.track_id for pair in pairs.found() if pair.face.speaking)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
