"""The errors in the results of one video, each with the place where a person would see it.

Only errors that matter count: a face that is wrong for a few frames at the edge of a shot is none.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vidlib.corrections.review import SAME_PLACE_FRAMES
from vidlib.evaluation import shots
from vidlib.evaluation.faces import persons_of_tracks
from vidlib.evaluation.ground_truth import Truth
from vidlib.evaluation.load_results import Results
from vidlib.evaluation.matching import FACES, FaceMatch, FaceMatches, match_faces
from vidlib.evaluation.speaking import audible
from vidlib.evaluation.voices import speaker_mapping
from vidlib.media.audio import loudness_by_frame
from vidlib.results.review import Question, ReviewItem
from vidlib.timeline import Span, Turn, Turns, nearest_frame, seconds, spans_from_frames

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

LEAST_FRAMES = 12
"""A lost face, a false face or a wrong speaker for fewer frames (half a second) is no error that a person looks for."""

MAX_GAP_FRAMES = 12
"""Wrong frames of one face that are at most so far apart are one error."""

MISSED_BOUNDARY = "missed boundary"
FALSE_BOUNDARY = "false boundary"
LOST_FACE = "lost face"
FALSE_FACE = "false face"
WRONG_PERSON = "wrong person"
SPLIT_PERSON = "split person"
WRONG_FACE_SPEAKER = "wrong face speaker"
WRONG_TURN = "wrong turn"

ANSWERED_BY: Mapping[str, frozenset[str]] = {
    MISSED_BOUNDARY: frozenset({"missed boundary", "missed cut", "boundary"}),
    FALSE_BOUNDARY: frozenset({"boundary", "missed boundary", "missed cut"}),
    LOST_FACE: frozenset({"lost face"}),
    FALSE_FACE: frozenset({"face", "landmarks", "short face"}),
    WRONG_PERSON: frozenset({"person"}),
    SPLIT_PERSON: frozenset({"person"}),
    WRONG_FACE_SPEAKER: frozenset({"speaking", "unseen speech", "face speaker", "moved turn"}),
    WRONG_TURN: frozenset({"speaker", "brief speaker", "overlap", "moved turn"}),
}
"""The kinds of errors, and the kinds of items to check that send a person to each."""

ABOUT_FACES = frozenset({FALSE_FACE, WRONG_PERSON, SPLIT_PERSON})
ABOUT_BOUNDARIES = frozenset({MISSED_BOUNDARY, FALSE_BOUNDARY})


@dataclass(frozen=True)
class ResultError:
    """An error of a ``kind``: in which frames it is seen, and at which ``tracks`` (none: at no face)."""

    kind: str
    span: Span
    tracks: frozenset[int] = frozenset()


def is_named(error: ResultError, item: ReviewItem) -> bool:
    """Whether an item to check sends a person to the error: of a kind that asks for it, at its face or at its time."""
    if item.kind not in ANSWERED_BY[error.kind]:
        return False
    if error.kind in ABOUT_FACES:
        return item.track in error.tracks
    if item.frame is None:
        return False
    frames = 1 if error.kind in ABOUT_BOUNDARIES else max(1, item.frames)
    first, stop = error.span.start - SAME_PLACE_FRAMES, error.span.stop + SAME_PLACE_FRAMES
    return item.frame < stop and first < item.frame + frames


def rank(error: ResultError, listed: Sequence[Question]) -> int | None:
    """The place, from 1, of the first entry of a list that names the error; None if none does."""
    numbered = enumerate(listed, 1)
    return next((n for n, one in numbered if any(is_named(error, item) for item in one.items)), None)


def find_errors(truth: Truth, results: Results, true_turns: Sequence[Turn]) -> Iterator[ResultError]:
    """The errors of each part that the ``results`` have."""
    if results.shots is not None:
        yield from _boundaries(truth, results)
    if results.tracks is not None:
        matches = match_faces(truth, results.tracks)
        yield from _lost_faces(matches)
        yield from _false_faces(matches, results.tracks)
        yield from wrong_people(persons_of_tracks(matches), results)
        yield from _face_speakers(matches, results)
    if results.turns is not None:
        yield from _turns(true_turns, results.turns, truth.frames)


def _boundaries(truth: Truth, results: Results) -> Iterator[ResultError]:
    true, found = truth.shots[1:], (results.shots or [])[1:]
    pairs = shots.match_boundaries(true, found)
    for index, shot in enumerate(true):
        if index not in pairs:
            yield ResultError(MISSED_BOUNDARY, Span(shots.window(shot)[0], max(shots.window(shot)[1], shot.start + 1)))
    for index, other in enumerate(found):
        if index not in pairs.values():
            yield ResultError(FALSE_BOUNDARY, Span(other.span.start, other.span.start + 1))


def _lost_faces(matches: FaceMatches) -> Iterator[ResultError]:
    frames: dict[tuple[int, str], list[int]] = defaultdict(list)
    for match in matches.matches:
        if match.row is None:
            frames[match.shot, match.face.speaker].append(match.frame)
    for missed in frames.values():
        yield from (ResultError(LOST_FACE, span) for span in _long(missed))


def _false_faces(matches: FaceMatches, tracks: "pd.DataFrame") -> Iterator[ResultError]:
    shown = {track: counts.total() for track, counts in persons_of_tracks(matches).items()}
    judged = {match.frame + 1 for match in matches.matches}
    faces = tracks[(tracks.source == FACES) & tracks.frame.isin(judged)]
    for track, rows in faces.groupby("track_id"):
        if len(rows) - shown.get(track, 0) >= LEAST_FRAMES and 2 * shown.get(track, 0) <= len(rows):
            span = Span(int(rows.frame.min()) - 1, int(rows.frame.max()))
            yield ResultError(FALSE_FACE, span, frozenset({int(track)}))


def wrong_people(shown: Mapping[int, Counter[str]], results: Results) -> Iterator[ResultError]:
    """People who are somebody else in some of their tracks, and people who are more than one in the results.

    ``shown`` counts, for each track, the frames that show each true person. The true person of a track is the one whom
    most of its frames show; that of a person, of most frames of the tracks.
    """
    true = {track: counts.most_common(1)[0] for track, counts in shown.items()}
    spans = _track_spans(results)
    groups: dict[str, list[tuple[int, list[int]]]] = defaultdict(list)
    for person in results.people or ():
        tracks = [track for track in person.tracks if track in true]
        frames: Counter[str] = Counter()
        for track in tracks:
            frames[true[track][0]] += true[track][1]
        for name, _ in frames.most_common(1):
            own = [track for track in tracks if true[track][0] == name]
            groups[name].append((frames[name], own))
            for track in set(tracks).difference(own):
                yield ResultError(WRONG_PERSON, spans[track], frozenset({track}))
    for same in groups.values():
        for _, tracks in sorted(same, reverse=True)[1:]:
            yield ResultError(SPLIT_PERSON, spans[tracks[0]], frozenset(tracks))


def _track_spans(results: Results) -> dict[int, Span]:
    assert results.tracks is not None
    edges = results.tracks.groupby("track_id").frame.agg(["min", "max"])
    return {int(track): Span(int(first) - 1, int(last)) for track, first, last in edges.itertuples()}


def _face_speakers(matches: FaceMatches, results: Results) -> Iterator[ResultError]:
    """Stretches in which a silent face is found speaking, or a speaking one silent while somebody is heard."""
    loudness = None if results.video is None else loudness_by_frame(results.video)
    heard = None if loudness is None or not len(loudness) else audible(loudness)
    wrong: dict[tuple[int, str, bool], list[FaceMatch]] = defaultdict(list)
    for match in matches.detected():
        speaks = match.face.speaking
        if bool(match.row.is_speaking) != speaks and not (speaks and _is_quiet(heard, match.frame)):
            wrong[match.shot, match.face.speaker, speaks].append(match)
    for found in wrong.values():
        tracks = {match.frame: int(match.row.track_id) for match in found}
        for span in _long(list(tracks)):
            own = frozenset(tracks[frame] for frame in range(span.start, span.stop) if frame in tracks)
            yield ResultError(WRONG_FACE_SPEAKER, span, own)


def _is_quiet(heard: "np.ndarray | None", frame: int) -> bool:
    return heard is not None and not (frame < len(heard) and heard[frame])


def _long(frames: Sequence[int]) -> list[Span]:
    """The stretches of ``frames``, with at least `LEAST_FRAMES` of them."""
    known = set(frames)
    stretches = spans_from_frames(sorted(known), MAX_GAP_FRAMES)
    return [s for s in stretches if sum(frame in known for frame in range(s.start, s.stop)) >= LEAST_FRAMES]


def _turns(true: Sequence[Turn], found: Turns, n_frames: int) -> Iterator[ResultError]:
    """Turns, or parts of them, with the label of another person or in silence; and speech that has no turn."""
    names = speaker_mapping(true, found, float(seconds(n_frames)))
    said, heard = _by_frame(true, n_frames, {}), _by_frame(found, n_frames, names)
    frames = range(n_frames)
    for speaker in sorted({turn.speaker for turn in found}):
        own = names.get(speaker, speaker)
        wrong = [frame for frame in frames if own in heard[frame] and own not in said[frame] and said[frame]]
        yield from (ResultError(WRONG_TURN, span) for span in _long(wrong))
    missed = [frame for frame in frames if said[frame] and not heard[frame]]
    yield from (ResultError(WRONG_TURN, span) for span in _long(missed) if len(span) >= 2 * LEAST_FRAMES)


def _by_frame(turns: Sequence[Turn], n_frames: int, names: Mapping[str, str]) -> list[set[str]]:
    speakers: list[set[str]] = [set() for _ in range(n_frames)]
    for turn in turns:
        for frame in range(nearest_frame(turn.start_s), min(n_frames, nearest_frame(turn.stop_s))):
            speakers[frame].add(names.get(turn.speaker, turn.speaker))
    return speakers
