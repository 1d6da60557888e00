"""Statistics of the tracks of a video, collected shot by shot, and what a person should check."""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vidlib.results.exports.tracking_table import TrackRows
from vidlib.results.review import MAX_ITEMS, ReviewItem, about_shot, is_worth_a_look, most_harmful
from vidlib.timeline import FPS, Shot, Span, nearest_frame, seconds, spans_from_frames
from vidlib.tracking.diarization_correction import Correction
from vidlib.tracking.identities import UNKNOWN_CONFIDENCE
from vidlib.tracking.speaker_assignment import FaceEvidence, SpeakerAssignment
from vidlib.tracking.speaking import Sound

MIN_FRAMES = 10
"""A face should be checked if it is visible for fewer frames (0.4 s)."""

MIN_FACE_CONFIDENCE = 0.6
"""A face should be checked if its mean detection score, or its share of frames with landmarks, is below this."""

MAX_LOST_FRAMES = 12
"""A face should be checked if it is lost, or found, more frames (half a second) within its shot."""

EMPTY_SHOT_CONFIDENCE = 0.7
"""Confidence that a shot without a face, in which somebody speaks, has none: two of five had one on degraded films."""

OFF_SCREEN_CONFIDENCE = 0.8
"""Confidence that nobody in sight speaks where no face does: wrong in one of six such shots of composed films."""

MIN_STRETCH_FRAMES = 10
"""A stretch in which a face speaks, or is silent while somebody is heard, should be checked if it has more frames."""

MAX_PAUSE_FRAMES = 12
"""A shorter pause (half a second) does not end such a stretch."""

CROWD_FACES = 5
"""Doubted faces from which on the people of a shot are one question: a crowd would fill the list. With 4, 3 or 2, the
first items name fewer errors of the films of seeds 0 to 3 than with a question for each person."""

NO_CUT_CONFIDENCE = 0.2
"""Confidence that no cut was missed where one face becomes another's from one frame to the next. On the composed films
of docs/how/tracking.md, all three such places were cuts."""

SHIFT_CONFIDENCE = 0.8
"""Confidence of an offset of the sound. No foreign sound of docs/how/tracking.md led to one, but they are few."""


@dataclass(frozen=True)
class TrackedShot:
    """The tracks of one shot; ``transitions`` are the spans in which it is blended with a neighbour."""

    shot: Shot
    rows: list[TrackRows]
    transitions: list[Span]

    @property
    def faces(self) -> list[TrackRows]:
        """The tracks of faces."""
        return [rows for rows in self.rows if rows.source == "face_landmarker"]

    @property
    def blended_tracks(self) -> set[int]:
        """The ids of the tracks that begin or end in a dissolve or fade."""
        ends = {rows.track_id: (rows.start, rows.start + len(rows.boxes) - 1) for rows in self.rows}
        return {
            track_id
            for track_id, (first, last) in ends.items()
            for span in self.transitions
            if first in span or last in span
        }


@dataclass
class TrackingStatistics:
    """Counts that are added up shot by shot, so that a long video takes no more memory than a short one."""

    n_frames: int = 0
    n_tracks: int = 0
    n_faces: int = 0
    n_frames_with_face: int = 0
    n_frames_speaking: int = 0
    n_face_rows: int = 0
    n_rows_with_landmarks: int = 0
    review_items: list[ReviewItem] = field(default_factory=list)
    n_dropped: int = 0

    def add_shot(self, tracked: TrackedShot) -> None:
        """Count the tracks of one more shot."""
        self.n_frames += len(tracked.shot.span)
        self.n_tracks += len(tracked.rows)
        self.n_faces += len(tracked.faces)
        self.n_face_rows += sum(len(rows.boxes) for rows in tracked.faces)
        self.n_rows_with_landmarks += sum(int(_has_landmarks(rows).sum()) for rows in tracked.faces)
        blended = tracked.blended_tracks
        clear = [rows for rows in tracked.faces if rows.track_id not in blended]
        shot = tracked.shot.span
        self.add_review_items(item for rows in clear for item in _review_face(rows, shot))
        self.add_review_items(item for rows in clear for item in _review_ends(rows, shot, tracked.faces))

    def add_speech(self, sound: Sound, assignments: Sequence[SpeakerAssignment], blended: Container[int]) -> None:
        """Count who speaks in one more shot; ``blended`` has the ids of `TrackedShot.blended_tracks`."""
        visible = _frames_with(sound, [(one.face, np.True_) for one in assignments])
        speaking = _frames_with(sound, [(one.face, one.is_speaking) for one in assignments])
        self.n_frames_with_face += int(visible.sum())
        self.n_frames_speaking += int(speaking.sum())
        clear = [one for one in assignments if one.face.track_id not in blended]
        self.add_review_items(_review_people(sound, clear))
        self.add_review_items(item for assignment in clear for item in _review_label(assignment))
        self.add_review_items(_review_unknown([one.face for one in clear if one.face.view is None]))
        self.add_review_items(_review_splits(sound, clear))
        self.add_review_items(item for one in clear for item in _review_speaking(sound, one))
        self.add_review_items(_review_unseen_speech(sound, visible, speaking))
        self.add_review_items(_review_empty_shot(sound, visible))

    def add_review_items(self, items: Iterable[ReviewItem]) -> None:
        """Add items; of very many, only those of most harm are kept."""
        self.review_items += items
        if len(self.review_items) > 2 * MAX_ITEMS:
            self.n_dropped += len(self.review_items) - MAX_ITEMS
            self.review_items = list(most_harmful(self.review_items, 1)[:MAX_ITEMS])

    def outputs(self) -> dict[str, object]:
        """The fields of `Outputs` that are counted here."""
        return {
            "n_tracks": self.n_tracks,
            "n_faces": self.n_faces,
            "face_coverage": self.n_frames_with_face / max(1, self.n_frames),
            "landmark_coverage": self.n_rows_with_landmarks / max(1, self.n_face_rows),
            "speaking_s": float(seconds(self.n_frames_speaking)),
            "doubts": most_harmful(self.review_items, 1, self.n_dropped),
        }


def review_corrections(corrections: Iterable[Correction]) -> Iterator[ReviewItem]:
    """A person should check each correction by ear."""
    for one in corrections:
        message = (
            f"{one.turn.speaker} was heard where face {one.face.track_id} speaks: "
            f"the turn is now named {one.speaker}, the label of that face"
        )
        start, stop = nearest_frame(one.turn.start_s), nearest_frame(one.turn.stop_s)
        about = {"frame": start, "frames": stop - start, "about": one.turn.speaker}
        yield ReviewItem(message=message, confidence=one.share, kind="moved turn", **about)


def review_sound_offset(shift: int) -> Iterator[ReviewItem]:
    """A person should check the sound of a video that was shifted by so many frames to meet the lips."""
    if shift:
        late = float(seconds(shift))
        what = f"the sound is {late:.2f} s late" if late > 0 else f"the sound is {-late:.2f} s early"
        message = f"{what}: who speaks is found with shifted sound, but no file is changed"
        yield ReviewItem(message=message, confidence=SHIFT_CONFIDENCE)


def _has_landmarks(rows: TrackRows) -> np.ndarray:
    return np.isfinite(rows.blendshapes[:, 0])


def _frames_with(sound: Sound, faces: Iterable[tuple[FaceEvidence, np.ndarray | np.bool_]]) -> np.ndarray:
    """The frames of a shot in which the mask of at least one face, (n,) or scalar, is true: (n,) bool."""
    frames = np.zeros(len(sound.speech), bool)
    for face, mask in faces:
        frames[face.start - sound.start : face.span.stop - sound.start] |= mask
    return frames


def _review_face(rows: TrackRows, shot: Span) -> Iterator[ReviewItem]:
    """Whether one face that no dissolve or fade affects is a face."""
    name, n_frames = f"face {rows.track_id}", len(rows.boxes)
    landmark_share, score = float(_has_landmarks(rows).mean()), float(rows.confidence.mean())
    about = {"frame": rows.start, "frames": n_frames, "track": rows.track_id, "about": about_shot(shot.start)}
    if n_frames < MIN_FRAMES:
        message = f"{name} is visible in {n_frames} frames only"
        yield ReviewItem(message=message, confidence=score, kind="short face", **about)
    elif score < MIN_FACE_CONFIDENCE:
        message = f"is {name} a face? Its detection score is low"
        yield ReviewItem(message=message, confidence=score, kind="face", **about)
    elif landmark_share < MIN_FACE_CONFIDENCE:
        message = f"{name} has no landmarks in {1 - landmark_share:.0%} of its frames: turned away, hidden or no face"
        # a face from the side has none either: only the detection score tells whether it is one
        yield ReviewItem(message=message, confidence=score, kind="landmarks", **about)


def _review_ends(rows: TrackRows, shot: Span, faces: Sequence[TrackRows]) -> Iterator[ReviewItem]:
    """Whether a face was lost, or found late, within its shot.

    Of ``faces``, those of the shot, one that begins where this one ends was split from it.
    """
    name, stop = f"face {rows.track_id}", rows.start + len(rows.boxes)
    where = {"track": rows.track_id, "about": about_shot(shot.start)}
    ends = [other.start + len(other.boxes) for other in faces]
    since = max((end for end in ends if end <= rows.start), default=shot.start)
    if (frames := rows.start - since) > MAX_LOST_FRAMES:
        message = f"{name} appears after the shot begins: was it there before?"
        yield ReviewItem(message=message, frame=since, confidence=0.5, kind="lost face", frames=frames, **where)
    if shot.stop - stop > MAX_LOST_FRAMES and stop not in {other.start for other in faces}:
        message, frames = f"{name} disappears before the shot ends: did it leave?", shot.stop - stop
        yield ReviewItem(message=message, frame=stop - 1, confidence=0.5, kind="lost face", frames=frames, **where)


def _who(assignment: SpeakerAssignment) -> str:
    return f"person {assignment.person + 1}"


def _where(face: FaceEvidence) -> dict[str, Any]:
    """The fields of an item that asks about a face as long as it is visible."""
    return {"track": face.track_id, "frame": face.start, "frames": len(face.log_odds)}


def _review_people(sound: Sound, assignments: Sequence[SpeakerAssignment]) -> Iterator[ReviewItem]:
    """Whether the faces of the shot of ``sound`` show the right people; a crowd is one question."""
    doubted = [one for one in assignments if one.face.view is not None and is_worth_a_look(one.person_confidence)]
    for one in doubted:
        who = f"is face {one.face.track_id} person {one.person + 1}"
        message = f"{who}? It also resembles another person, or is not seen clearly"
        about = about_shot(sound.start) if len(doubted) >= CROWD_FACES else _who(one)
        doubt = {"confidence": one.person_confidence, "kind": "person", "about": about}
        yield ReviewItem(message=message, **doubt, **_where(one.face))


def _review_label(assignment: SpeakerAssignment) -> Iterator[ReviewItem]:
    """Whether one face has the right speaker label."""
    face, speaker = assignment.face, assignment.speaker
    if speaker is not None and is_worth_a_look(speaker.confidence):
        message = (
            f"does {speaker.label} belong to face {face.track_id}? It is not always heard when the face speaks, "
            "or is heard when the face is silent"
        )
        doubt = {"confidence": speaker.confidence, "kind": "face speaker", "about": _who(assignment)}
        yield ReviewItem(message=message, **doubt, **_where(face))


def _review_unknown(faces: Sequence[FaceEvidence]) -> Iterator[ReviewItem]:
    """One item for all faces of a shot that have no face embedding; the longest stands for them."""
    if faces:
        longest = max(faces, key=lambda face: len(face.log_odds))
        yield ReviewItem(
            message=f"faces never seen clearly in this shot: {len(faces)}; do other shots show the same people?",
            confidence=UNKNOWN_CONFIDENCE,
            kind="person",
            about="faces never seen clearly",
            **_where(longest),
        )


def _review_speaking(sound: Sound, assignment: SpeakerAssignment) -> Iterator[ReviewItem]:
    """The stretches in which one face may not speak, or may speak although it was taken for silent."""
    face, speaks, confidence = assignment.face, assignment.is_speaking, assignment.confidence
    speech = sound.possible_speech[face.start - sound.start : face.span.stop - sound.start]
    about = {"kind": "speaking", "track": face.track_id, "about": _who(assignment)}
    for stretch, frames, sure in _stretches(speaks, confidence):
        message = f"does face {face.track_id} really speak, for {stretch.duration_s:.1f} s?"
        frame = face.start + stretch.start
        yield ReviewItem(message=message, frame=frame, frames=frames, confidence=sure, **about)
    for stretch, frames, sure in _stretches(~speaks & speech, 1 - confidence):
        message = f"is face {face.track_id} really silent for {stretch.duration_s:.1f} s while somebody speaks?"
        frame = face.start + stretch.start
        yield ReviewItem(message=message, frame=frame, frames=frames, confidence=sure, **about)


def _stretches(claimed: np.ndarray, confidence: np.ndarray) -> Iterator[tuple[Span, int, float]]:
    """The stretches worth a look in which something is ``claimed`` (n,) of a face, with ``confidence`` (n,).

    Each has its number of frames with the claim and their mean confidence.
    """
    for stretch in spans_from_frames(np.flatnonzero(claimed).tolist(), MAX_PAUSE_FRAMES):
        within = slice(stretch.start, stretch.stop)
        frames = int(claimed[within].sum())
        mean = float(confidence[within][claimed[within]].mean())
        if frames >= MIN_STRETCH_FRAMES and is_worth_a_look(mean):
            yield stretch, frames, mean


def _review_splits(sound: Sound, assignments: Sequence[SpeakerAssignment]) -> Iterator[ReviewItem]:
    """Whether a cut was missed where one person's face ends and another's begins, in the shot of ``sound``."""
    shot = Span(sound.start, sound.start + len(sound.speech))
    starts = {one.face.start: one for one in assignments}
    for one in assignments:
        stop = one.face.span.stop
        if (other := starts.get(stop)) is not None and other.person != one.person:
            becomes = f"face {one.face.track_id} becomes another person's, face {other.face.track_id}"
            yield ReviewItem(
                message=f"{becomes}, from one frame to the next: was a cut missed?",
                frame=stop,
                confidence=NO_CUT_CONFIDENCE,
                kind="missed cut",
                frames=min(stop - shot.start, shot.stop - stop),
                track=one.face.track_id,
                about=about_shot(shot.start),
            )


def _review_unseen_speech(sound: Sound, visible: np.ndarray, speaking: np.ndarray) -> Iterator[ReviewItem]:
    """Whether the speech belongs to a visible face, if none of them speaks for a second or more in all."""
    unseen = visible & sound.speech & ~speaking
    if unseen.sum() >= FPS:
        message = f"somebody speaks for {float(seconds(int(unseen.sum()))):.1f} s, but no visible face speaks"
        share = float(unseen.sum() / (visible & sound.speech).sum())
        confidence = 1 - (1 - OFF_SCREEN_CONFIDENCE) * share
        first, frames = sound.start + int(unseen.argmax()), int(unseen.sum())
        yield ReviewItem(message=message, frame=first, confidence=confidence, kind="unseen speech", frames=frames)


def _review_empty_shot(sound: Sound, visible: np.ndarray) -> Iterator[ReviewItem]:
    """Whether a shot without any face, in which somebody speaks for a second or more, has none."""
    spoken = int(sound.speech.sum())
    if spoken >= FPS and not visible.any():
        message = f"somebody speaks for {float(seconds(spoken)):.1f} s, but no face was found: is there one?"
        about = {"frame": sound.start, "frames": len(sound.speech)}
        yield ReviewItem(message=message, confidence=EMPTY_SHOT_CONFIDENCE, kind="lost face", **about)
