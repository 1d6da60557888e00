"""Scores of diarization, and of the speaker that each face track is given.

The engine is free to choose which speaker is SPEAKER_00. The scores use the optimal mapping of pyannote.metrics from
labels to persons, in which each label stands for at most one person.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from vidlib.evaluation.faces import persons_of_tracks
from vidlib.evaluation.matching import FaceMatches
from vidlib.evaluation.score import Score, count, share
from vidlib.timeline import FPS, Turn, seconds

if TYPE_CHECKING:
    from pyannote.core import Annotation

PART = "voices"
FACES_PART = "voice of a face"

LEAST_FRAMES = 10
"""Frames (0.4 s) of speech below which a face track need not have a speaker."""


def scores(true: Sequence[Turn], detected: Sequence[Turn], n_frames: int) -> Iterator[Score]:
    """Diarization error rate without collar and with overlap, its parts in seconds, and the share of right speakers.

    The scores end with the ``n_frames`` frames of the video. False alarms can raise the error rate above 1.
    """
    parts = components(true, detected, float(seconds(n_frames)))
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
    yield count(
        PART, "number of voices", len({turn.speaker for turn in detected}), len({turn.speaker for turn in true})
    )


def components(true: Sequence[Turn], detected: Sequence[Turn], length_s: float) -> dict[str, float]:
    """Seconds of ``total`` speech, ``correct``, ``missed detection``, ``false alarm``, ``confusion``."""
    from pyannote.core import Segment, Timeline
    from pyannote.metrics.diarization import DiarizationErrorRate

    metric = DiarizationErrorRate(collar=0.0, skip_overlap=False)
    whole = Timeline([Segment(0, length_s)])
    return dict(metric(annotation(true), annotation(detected), uem=whole, detailed=True))


def speaker_mapping(true: Sequence[Turn], detected: Sequence[Turn], length_s: float) -> dict[str, str]:
    """``{label: person}``, without the labels that match nobody."""
    from pyannote.core import Segment, Timeline
    from pyannote.metrics.diarization import DiarizationErrorRate

    metric = DiarizationErrorRate(collar=0.0, skip_overlap=False)
    return metric.optimal_mapping(annotation(true), annotation(detected), uem=Timeline([Segment(0, length_s)]))


def annotation(turns: Sequence[Turn]) -> "Annotation":
    """The turns as pyannote.metrics compares them."""
    from pyannote.core import Annotation, Segment

    result = Annotation()
    for number, turn in enumerate(turns):
        result[Segment(turn.start_s, turn.stop_s), number] = turn.speaker
    return result


def face_scores(matches: FaceMatches, names: Mapping[str, str]) -> Iterator[Score]:
    """Precision and recall of the speakers that tracks are given; ``names`` is the `speaker_mapping`.

    A track belongs to the person that it shows most. It should have a speaker if that person speaks in `LEAST_FRAMES`
    of its frames. A silent person's own speaker label counts as right.
    """
    labels, spoken = _labels(matches), _spoken(matches)
    person = {track: people.most_common(1)[0][0] for track, people in persons_of_tracks(matches).items()}
    named = {track: names.get(label) for track, label in labels.items() if label is not None}
    right = {track for track, who in named.items() if who == person[track]}
    due = {track for track, n_frames in spoken.items() if n_frames >= LEAST_FRAMES}
    yield share(FACES_PART, "precision", len(right), len(named))
    yield share(FACES_PART, "recall", len(right & due), len(due))


def _labels(matches: FaceMatches) -> dict[int, str | None]:
    """The speaker of most frames of each track."""
    given: dict[int, Counter[str | None]] = defaultdict(Counter)
    for match in matches.detected():
        label = match.row.speaker
        given[match.row.track_id][label if isinstance(label, str) else None] += 1
    return {track: labels.most_common(1)[0][0] for track, labels in given.items()}


def _spoken(matches: FaceMatches) -> Counter[int]:
    """The number of frames of each track in which its face speaks."""
    return Counter(match.row.track_id for match in matches.detected() if match.face.speaking)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
