"""What is counted of the tracks of a video, shot by shot, and what a human should look at."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from vidlib.results.exports.tracking_table import TrackRows
from vidlib.steps.base import ReviewItem
from vidlib.timeline import FPS, Shot, Span, nearest_frame, seconds
from vidlib.tracking.diarization_correction import Correction
from vidlib.tracking.speaker_assignment import Face, Spoken
from vidlib.tracking.speaking import Sound

SHORT_FRAMES = 10
"""A face that is seen for less than 0.4 s is worth a look."""

UNSURE = 0.6
"""So is one whose mean detection score, or share of frames with landmarks, is below this."""

LOST_FRAMES = 25
"""And one that is gone more than 1 s before its shot ends."""

SURE_VOICE = 0.7
"""A voice that belongs to a face less surely is to be heard again; see `vidlib.tracking.speaking.Voice`."""

SURE_PERSON = 0.7
"""A face that shows a known person less surely is to be looked at; see `vidlib.tracking.identities.sureness`."""

NO_CUT = 0.2
"""How surely no cut was missed where one face becomes another's from one frame to the next: of three on the composed
films of docs/tracking.md, three were cuts."""

MAX_DOUBTS = 20


@dataclass(frozen=True)
class SeenShot:
    """What one shot shows; ``blended`` are the spans in which it is mixed with a neighbour."""

    shot: Shot
    rows: list[TrackRows]
    blended: list[Span]

    @property
    def faces(self) -> list[TrackRows]:
        return [rows for rows in self.rows if rows.source == "face_landmarker"]

    @property
    def unclear(self) -> set[int]:
        """The ids of tracks that begin or end in a dissolve or fade."""
        ends = {rows.track_id: (rows.start, rows.start + len(rows.boxes) - 1) for rows in self.rows}
        return {
            track for track, (first, last) in ends.items() for span in self.blended if first in span or last in span
        }


@dataclass
class Tally:
    """What is counted while the shots pass, so that a long video takes no more memory than a short one."""

    frames: int = 0
    tracks: int = 0
    faces: int = 0
    frames_with_face: int = 0
    frames_speaking: int = 0
    face_rows: int = 0
    rows_with_landmarks: int = 0
    doubts: list[ReviewItem] = field(default_factory=list)

    def saw(self, seen: SeenShot) -> None:
        """Count what one more shot shows."""
        self.frames += len(seen.shot.span)
        self.tracks += len(seen.rows)
        self.faces += len(seen.faces)
        self.face_rows += sum(len(rows.boxes) for rows in seen.faces)
        self.rows_with_landmarks += sum(int(_has_landmarks(rows).sum()) for rows in seen.faces)
        unclear = seen.unclear
        clear = [rows for rows in seen.faces if rows.track_id not in unclear]
        begin = {rows.start: rows.track_id for rows in seen.faces}
        self.doubt(doubt for rows in clear for doubt in _face_doubts(rows, seen.shot.span, begin))

    def heard(self, sound: Sound, spoken: Sequence[Spoken], unclear: Container[int]) -> None:
        """Count who speaks in one more shot, of the faces that it shows; ``unclear`` are the ids of blended tracks."""
        shown = _frames_with(sound, [(one.face, np.True_) for one in spoken])
        speaking = _frames_with(sound, [(one.face, one.is_speaking) for one in spoken])
        self.frames_with_face += int(shown.sum())
        self.frames_speaking += int(speaking.sum())
        self.doubt(doubt for one in spoken if one.face.track_id not in unclear for doubt in _person_doubts(one))
        self.doubt(_unseen(sound, shown, speaking))

    def doubt(self, more: Iterable[ReviewItem]) -> None:
        """Keep the most doubtful of what is to be looked at."""
        self.doubts = sorted([*self.doubts, *more], key=lambda doubt: doubt.confidence)[:MAX_DOUBTS]

    def outputs(self) -> dict[str, object]:
        """The fields of `Outputs` that are counted."""
        return {
            "n_tracks": self.tracks,
            "n_faces": self.faces,
            "face_coverage": self.frames_with_face / max(1, self.frames),
            "landmark_coverage": self.rows_with_landmarks / max(1, self.face_rows),
            "speaking_s": float(seconds(self.frames_speaking)),
            "doubts": tuple(self.doubts),
        }


def _has_landmarks(rows: TrackRows) -> np.ndarray:
    return np.isfinite(rows.blendshapes[:, 0])


def _frames_with(sound: Sound, chosen: Iterable[tuple[Face, np.ndarray]]) -> np.ndarray:
    """Which frames of a shot have at least one of the chosen, of all frames of these faces: (n,) bool."""
    found = np.zeros(len(sound.speech), bool)
    for face, wanted in chosen:
        found[face.start - sound.start : face.span.stop - sound.start] |= wanted
    return found


def _face_doubts(rows: TrackRows, shot: Span, begin: Mapping[int, int]) -> Iterator[ReviewItem]:
    """What may be wrong with one face; what a dissolve or fade does to faces is not.

    ``begin`` is a face for each frame in which one begins: at the very end of this one, it was parted from it.
    """
    stop = rows.start + len(rows.boxes)
    found, sure = float(_has_landmarks(rows).mean()), float(rows.confidence.mean())
    name = f"face {rows.track_id}"
    if len(rows.boxes) < SHORT_FRAMES:
        yield ReviewItem(
            message=f"{name} is seen in {len(rows.boxes)} frames only", frame=rows.start, confidence=sure / 2
        )
    elif sure < UNSURE:
        yield ReviewItem(message=f"is {name} a face? Its detector is not sure", frame=rows.start, confidence=sure)
    elif found < UNSURE:
        message = f"{name} shows no expression in {1 - found:.0%} of its frames: turned away, hidden or no face"
        yield ReviewItem(message=message, frame=rows.start, confidence=found)
    if stop in begin:
        message = f"{name} becomes somebody else's, face {begin[stop]}, from one frame to the next: was a cut missed?"
        yield ReviewItem(message=message, frame=stop, confidence=NO_CUT)
    elif shot.stop - stop > LOST_FRAMES:
        yield ReviewItem(message=f"{name} is gone before the shot ends: did it leave?", frame=stop - 1, confidence=0.5)


def _person_doubts(one: Spoken) -> Iterator[ReviewItem]:
    """Whether one face is who it was taken for, and the voice its own."""
    if one.person_confidence < SURE_PERSON:
        message = f"is face {one.face.track_id} person {one.person + 1}? It resembles somebody else as much"
        yield ReviewItem(message=message, frame=one.face.start, confidence=one.person_confidence)
    if one.voice is not None and one.voice.confidence < SURE_VOICE:
        message = f"does {one.voice.label} belong to face {one.face.track_id}? It is not always heard when that speaks"
        yield ReviewItem(message=f"{message}, or the reverse", frame=one.face.start, confidence=one.voice.confidence)


def _unseen(sound: Sound, shown: np.ndarray, speaking: np.ndarray) -> Iterator[ReviewItem]:
    """Somebody is heard, faces are to be seen, and none of them seems to speak: for a second or more in all."""
    silent = shown & sound.speech & ~speaking
    if silent.sum() >= FPS:
        message = f"somebody speaks for {float(seconds(int(silent.sum()))):.1f} s, but no face to be seen does"
        confidence = 1 - float(silent.sum() / (shown & sound.speech).sum())
        yield ReviewItem(message=message, frame=sound.start + int(silent.argmax()), confidence=confidence)


def correction_doubts(right: Iterable[Correction]) -> Iterator[ReviewItem]:
    """What faces put right is to be heard again."""
    for one in right:
        message = f"{one.turn.speaker} was heard where face {one.face.track_id} speaks: named {one.voice}, its voice"
        yield ReviewItem(message=message, frame=nearest_frame(one.turn.start_s), confidence=one.share)
