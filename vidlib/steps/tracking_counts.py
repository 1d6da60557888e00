"""What is counted of the tracks of a video, shot by shot, and what a human should look at."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from vidlib.results.exports.tracking_table import TrackRows
from vidlib.steps.base import Doubt
from vidlib.timeline import FPS, Shot, Span, nearest_frame, seconds
from vidlib.tracking.correcting import Correction
from vidlib.tracking.speaking import Sound

SHORT_FRAMES = 10
"""A face that is seen for less than 0.4 s is worth a look."""

UNSURE = 0.6
"""So is one whose mean detection score, or share of frames with landmarks, is below this."""

LOST_FRAMES = 25
"""And one that is gone more than 1 s before its shot ends."""

SURE_VOICE = 0.7
"""A voice that belongs to a face less surely is to be heard again; see `vidlib.tracking.speaking.Voice`."""

MAX_DOUBTS = 20


@dataclass(frozen=True)
class SeenShot:
    """What one shot shows, and how it sounds; ``blended`` are the spans in which it is mixed with a neighbour."""

    shot: Shot
    rows: list[TrackRows]
    sound: Sound
    blended: list[Span]

    @property
    def faces(self) -> list[TrackRows]:
        return [rows for rows in self.rows if rows.source == "face_landmarker"]

    def frames_with(self, chosen: Iterable[tuple[TrackRows, np.ndarray]]) -> np.ndarray:
        """Which frames of the shot have at least one chosen row: (n,) bool."""
        found = np.zeros(len(self.shot.span), bool)
        for rows, wanted in chosen:
            first = rows.start - self.shot.span.start
            found[first : first + len(rows.boxes)] |= wanted
        return found


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
    doubts: list[Doubt] = field(default_factory=list)

    def add(self, seen: SeenShot) -> None:
        """Count one more shot."""
        self.frames += len(seen.shot.span)
        self.tracks += len(seen.rows)
        self.faces += len(seen.faces)
        self.frames_with_face += int(seen.frames_with((rows, np.True_) for rows in seen.faces).sum())
        self.frames_speaking += int(seen.frames_with((rows, rows.is_speaking) for rows in seen.faces).sum())
        self.face_rows += sum(len(rows.boxes) for rows in seen.faces)
        self.rows_with_landmarks += sum(int(_has_landmarks(rows).sum()) for rows in seen.faces)
        self.doubt([*(doubt for rows in seen.faces for doubt in _face_doubts(rows, seen)), *_unseen(seen)])

    def doubt(self, more: Iterable[Doubt]) -> None:
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


def _face_doubts(rows: TrackRows, seen: SeenShot) -> Iterator[Doubt]:
    """What may be wrong with one face; what a dissolve or fade does to faces is not."""
    stop = rows.start + len(rows.boxes)
    if any(rows.start in span or stop - 1 in span for span in seen.blended):
        return
    found, sure = float(_has_landmarks(rows).mean()), float(rows.confidence.mean())
    name = f"face {rows.track_id}"
    if len(rows.boxes) < SHORT_FRAMES:
        yield Doubt(message=f"{name} is seen in {len(rows.boxes)} frames only", frame=rows.start, confidence=sure / 2)
    elif sure < UNSURE:
        yield Doubt(message=f"is {name} a face? Its detector is not sure", frame=rows.start, confidence=sure)
    elif found < UNSURE:
        message = f"{name} shows no expression in {1 - found:.0%} of its frames: turned away, hidden or no face"
        yield Doubt(message=message, frame=rows.start, confidence=found)
    if rows.speaker_confidence is not None and rows.speaker_confidence < SURE_VOICE:
        message = f"does {rows.speaker} belong to {name}? It is not always heard when that face speaks, or the reverse"
        yield Doubt(message=message, frame=rows.start, confidence=rows.speaker_confidence)
    if seen.shot.span.stop - stop > LOST_FRAMES:
        yield Doubt(message=f"{name} is gone before the shot ends: did it leave?", frame=stop - 1, confidence=0.5)


def _unseen(seen: SeenShot) -> Iterator[Doubt]:
    """Somebody is heard, faces are to be seen, and none of them seems to speak: for a second or more in all."""
    shown = seen.frames_with((rows, np.True_) for rows in seen.faces)
    silent = shown & seen.sound.speech & ~seen.frames_with((rows, rows.is_speaking) for rows in seen.faces)
    if silent.sum() >= FPS:
        message = f"somebody speaks for {float(seconds(int(silent.sum()))):.1f} s, but no face to be seen does"
        first = seen.shot.span.start + int(silent.argmax())
        yield Doubt(
            message=message, frame=first, confidence=1 - float(silent.sum() / (shown & seen.sound.speech).sum())
        )


def correction_doubts(right: Iterable[Correction]) -> Iterator[Doubt]:
    """What faces put right is to be heard again."""
    for one in right:
        message = (
            f"{one.turn.speaker} was heard where face {one.face.track_id} speaks: named {one.face.voice}, its voice"
        )
        yield Doubt(message=message, frame=nearest_frame(one.turn.start_s), confidence=one.share)
