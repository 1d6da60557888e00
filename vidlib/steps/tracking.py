"""Tracking: which faces and things are to be seen, where, with what expression, and which face is speaking."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from vidlib import devices, media
from vidlib.engines import faces
from vidlib.engines.objects import open_objects
from vidlib.errors import BrokenOutput
from vidlib.params import Frozen
from vidlib.progress import Report, quiet
from vidlib.results.exports import shots_json, speech_table, tracking_table
from vidlib.results.exports.tracking_table import TrackRows
from vidlib.steps.base import Doubt, OutFile, StepOutputs, from_step, place, recorded
from vidlib.timeline import FPS, Shot, Span, seconds, tiles
from vidlib.tracking.linking import Track
from vidlib.tracking.speaking import SPEAKS, Mouth, Sound, speaking, voice_of
from vidlib.tracking.watching import WEAK, Watcher

NAME = "tracking"
VERSION = 1
NOTEBOOK = "06_tracking.ipynb"
UNIT = "frames"
TOOLS = ("ffmpeg", "mediapipe", "openvino", "onnxruntime", "opencv-contrib-python-headless", "scipy", "pyarrow")

SHORT_FRAMES = 10
"""A face that is seen for less than 0.4 s is worth a look."""

UNSURE = 0.6
"""So is one whose mean detection score, or share of frames with landmarks, is below this."""

LOST_FRAMES = 25
"""And one that is gone more than 1 s before its shot ends."""

MAX_DOUBTS = 20


def weights(params: "Params") -> tuple[str, ...]:
    """The vault's models that these params make the step load."""
    return ("centerface", "face_landmarker") + (() if params.objects == "never" else ("object_detector",))


class Inputs(Frozen):
    """What the step reads, and where it writes."""

    video: Path = from_step("convert", "video", "25 frames per second, constant")
    frames: int = from_step("convert", "frames", "how many frames the video has")
    shots: Path = from_step("scenes", "shots", "JSON: every shot; no track crosses from one to the next")
    speech: Path = from_step("audio", "table", "Parquet, a row per frame: is_speech, speakers")
    out_dir: Path = place("the one folder that the step writes to")


class Params(Frozen):
    """What a user may choose."""

    device: devices.Wanted = Field("auto", description="where faces are detected: auto, cuda, cpu")
    detect_every: int = Field(5, ge=1, le=25, description="faces are looked for in every n-th frame; followed in all")
    min_face_px: int = Field(24, ge=8, le=2000, description="lowest face that counts, in pixels of the video")
    min_confidence: float = Field(0.5, gt=0, lt=1, description="score that begins a face's track, 0 to 1")
    objects: Literal["when_no_face", "always", "never"] = Field(
        "when_no_face", description="which shots are searched for other things than faces"
    )
    min_mouth_movement: float = Field(
        0.02, gt=0, lt=1, description="mean step of jawOpen from frame to frame from which a face may be speaking"
    )


class Outputs(StepOutputs):
    """What the step leaves."""

    tracks: OutFile = Field(description="Parquet, a row per frame and track")
    n_frames: int = Field(description="frames of the video")
    n_tracks: int = Field(description="tracks of faces and things")
    n_faces: int = Field(description="tracks of faces")
    face_coverage: float = Field(ge=0, le=1, description="share of the frames that show at least one face")
    landmark_coverage: float = Field(ge=0, le=1, description="share of the face rows that have blendshapes")
    speaking_s: float = Field(description="seconds in which a face to be seen is speaking")


@recorded
def run(inputs: Inputs, params: Params, *, report: Report = quiet) -> Outputs:
    """Follow the faces of a converted video, and the things in shots without any."""
    choice = devices.choose(params.device, faces.cuda_problem)
    info, tally = media.probe(inputs.video), Tally()
    path = inputs.out_dir / "tracking.parquet"
    with ExitStack() as stack:
        detector = stack.enter_context(faces.open_detector(choice.device, params.min_confidence * WEAK))
        watcher = _watcher(params, detector, stack)
        pictures = _counted(media.frames(inputs.video, info.width, info.height), inputs.frames, report)
        size = {"width": info.width, "height": info.height}
        write = stack.enter_context(tracking_table.writing(path, total_frames=inputs.frames, **size))
        for seen in _shots(inputs, watcher, pictures, params.min_mouth_movement):
            write(seen.rows)
            tally.add(seen)
    return Outputs(
        tracks=path,
        n_frames=inputs.frames,
        engine=f"{detector.name}, MediaPipe on the CPU",
        device=choice.device,
        fallback=choice.fallback,
        **tally.outputs(),
    )


def verify(inputs: Inputs, outputs: Outputs) -> None:
    """No track leaves its shot, and each has at most one row in a frame."""
    spans = [shot.span for shot in shots_json.read(inputs.shots)]
    known: set[int] = set()
    for table in tracking_table.shots(outputs.tracks, ["frame", "track_id", "shot"]):
        frame, track, shot = (table[name].to_numpy() for name in ("frame", "track_id", "shot"))
        if not 1 <= shot[0] <= len(spans) or (shot != shot[0]).any() or not known.isdisjoint(track):
            raise BrokenOutput(f"{outputs.tracks}: a track crosses from one shot to another, near frame {frame[0]}")
        if frame.min() <= spans[shot[0] - 1].start or frame.max() > spans[shot[0] - 1].stop:
            raise BrokenOutput(f"{outputs.tracks}: rows of shot {shot[0]} lie outside its frames")
        if len(set(zip(frame, track, strict=True))) != len(frame):
            raise BrokenOutput(f"{outputs.tracks}: shot {shot[0]} has two rows for one frame and track")
        known.update(track)
    if len(known) != outputs.n_tracks:
        raise BrokenOutput(f"{outputs.tracks} has {len(known)} tracks, not {outputs.n_tracks}")


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


def _watcher(params: Params, detector: faces.FaceDetector, stack: ExitStack) -> Watcher:
    return Watcher(
        faces=detector,
        landmarker=stack.enter_context(faces.open_landmarker()),
        things=None if params.objects == "never" else stack.enter_context(open_objects()),
        always_things=params.objects == "always",
        detect_every=params.detect_every,
        min_face_px=params.min_face_px,
        min_score=params.min_confidence,
    )


def _counted(pictures: Iterator[np.ndarray], expected: int, report: Report) -> Iterator[np.ndarray]:
    """The pictures, reported as they pass; raises BrokenOutput unless there are as many as expected."""
    number = 0
    for number, picture in enumerate(pictures, 1):
        report(number, expected)
        yield picture
    if number != expected:
        raise BrokenOutput(f"decoded {number} frames, expected {expected}")


def _shots(inputs: Inputs, watcher: Watcher, pictures: Iterator[np.ndarray], min_movement: float) -> Iterator[SeenShot]:
    """One shot after the other: its tracks are finished before the next begins."""
    sound, shots, first_id = _sound(inputs), shots_json.read(inputs.shots), 1
    if not tiles([shot.span for shot in shots], inputs.frames):
        raise BrokenOutput(f"{inputs.shots}: the shots do not cover the video's {inputs.frames} frames exactly once")
    for number, (shot, following) in enumerate(zip_longest(shots, shots[1:]), 1):
        span = shot.span
        tracks = watcher.watch(span, islice(pictures, len(span)))
        here = sound.during(span.start, len(span))
        blended = [near.transition for near in (shot, following) if near and near.transition]
        yield SeenShot(shot, _rows(tracks, number, first_id, here, min_movement), here, blended)
        first_id += len(tracks)
    if next(pictures, None) is not None:
        raise BrokenOutput(f"{inputs.video} has more frames than the {inputs.frames} expected")


def _sound(inputs: Inputs) -> Sound:
    """Speech, voices and loudness of every frame."""
    table = speech_table.read(inputs.speech)
    if len(table) != inputs.frames:
        raise BrokenOutput(f"{inputs.speech} has {len(table)} rows, expected one for each of {inputs.frames} frames")
    loudness = np.zeros(inputs.frames, np.float32)
    heard = media.loudness(inputs.video)[: inputs.frames]
    loudness[: len(heard)] = heard
    return Sound(0, table["is_speech"].to_numpy(), table["speakers"].to_pylist(), loudness)


def _rows(tracks: list[Track], shot: int, first_id: int, sound: Sound, min_movement: float) -> list[TrackRows]:
    """The rows of one shot's tracks, with who of them is speaking when."""
    frames = [np.array(track.span) for track in tracks]
    shapes = [track.blendshapes_at(at) for track, at in zip(tracks, frames, strict=True)]
    mouths = [Mouth.of(at[0], known) for at, known in zip(frames, shapes, strict=True)]
    sure = speaking(mouths, sound, min_movement)
    return [
        TrackRows(
            track_id=first_id + place,
            source=track.source,
            label=track.label,
            speaker=voice_of(sure[place] > SPEAKS, sound.during(at[0], len(at))),
            shot=shot,
            start=int(at[0]),
            boxes=track.boxes_at(at),
            confidence=track.scores_at(at),
            is_speaking=sure[place] > SPEAKS,
            speaking_confidence=sure[place],
            blendshapes=shapes[place],
        )
        for place, (track, at) in enumerate(zip(tracks, frames, strict=True))
    ]


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
        doubts = [*self.doubts, *(doubt for rows in seen.faces for doubt in _face_doubts(rows, seen)), *_unseen(seen)]
        self.doubts = sorted(doubts, key=lambda doubt: doubt.confidence)[:MAX_DOUBTS]

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
