"""Tracking: the faces and objects of a video, their boxes and expressions, whose face it is and who is speaking."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Literal

from pydantic import Field

from vidlib.engines import active_speaker, faces
from vidlib.engines.objects import OBJECT_DETECTORS, open_objects
from vidlib.engines.runtime import opencv
from vidlib.errors import BrokenOutput
from vidlib.machine import devices
from vidlib.media.probe import probe_video
from vidlib.params import Frozen
from vidlib.progress import Report, quiet
from vidlib.results.exports import people_json, rttm, shots_json, speech_table, tracking_table
from vidlib.steps.base import FrameCount, OutFile, archived, from_step, location, published, with_manifest
from vidlib.steps.corrected import (
    CorrectedOutputs,
    Decisions,
    corrections_input,
    uncorrected_input,
    with_corrections,
)
from vidlib.steps.tracking.corrected import correct
from vidlib.steps.tracking.evidence import VideoSound, evidence_with
from vidlib.steps.tracking.keyframes import FOLDER, list_keyframes
from vidlib.steps.tracking.people import list_people, speaking_people, speech_by_track
from vidlib.steps.tracking.statistics import TrackingStatistics, review_corrections, review_sound_offset
from vidlib.steps.tracking.video_tracker import VideoTracker
from vidlib.timeline import Span, Turn, seconds, support
from vidlib.tracking.diarization_correction import Correction, find_corrections
from vidlib.tracking.shot_tracker import WEAK_SCORE_SHARE, ShotTracker
from vidlib.tracking.sound_offset import compensated
from vidlib.tracking.speaker_assignment import ShotEvidence, assign_speakers

NAME = "tracking"
VERSION = 13
NOTEBOOK = "06_tracking.ipynb"
UNIT = "frames"
TOOLS = ("ffmpeg", "mediapipe", "openvino", "onnxruntime", "opencv-contrib-python-headless", "scipy", "pyarrow")


def weights(params: "Params") -> tuple[str, ...]:
    """The vault's models that the step loads with these params."""
    return (
        *faces.weights(params.faces),
        *(OBJECT_DETECTORS["mediapipe"].weights if params.objects != "never" else ()),
        *active_speaker.weights(params.speaking),
    )


class Inputs(Frozen):
    """What the step reads, and where it writes."""

    video: Path = from_step("convert", "video", "25 frames per second, constant")
    frames: FrameCount = from_step("convert", "frames", "number of frames of the video; 0: count them", default=0)
    shots: Path = from_step("scenes", "shots", "JSON: every shot; no track crosses from one to the next")
    speech: Path = from_step("audio", "table", "Parquet, a row per frame: is_speech, speakers")
    turns: Path = from_step("audio", "turns", "RTTM: who speaks from when to when")
    corrections: Decisions = corrections_input()
    uncorrected: Path | None = uncorrected_input()
    out_dir: Path = location("the one folder that the step writes to")


class Params(Frozen):
    """What a user may choose."""

    device: devices.Wanted = Field("auto", description="where faces are detected: auto, cuda, cpu")
    faces: Literal["centerface", "yunet", "mediapipe"] = Field(
        "centerface", description="face detector; mediapipe finds large faces only"
    )
    detect_every: int = Field(
        20,
        ge=1,
        le=25,
        description="detect faces in every n-th frame; those that move, appear or disappear are followed in between",
    )
    min_face_px: int = Field(24, ge=8, le=2000, description="least height of a face, in pixels of the video")
    min_confidence: float = Field(0.5, gt=0, lt=1, description="score that begins a face's track, 0 to 1")
    objects: Literal["when_no_face", "always", "never"] = Field(
        "when_no_face", description="the shots in which objects are detected"
    )
    speaking: Literal["auto", "movement", "lr_asd"] = Field(
        "auto",
        description="movement compares lips with the sound; lr_asd adds a network; auto: if it is installed",
    )


class Outputs(CorrectedOutputs):
    """What the step leaves."""

    tracks: OutFile = published("tracking_parquet", "Parquet, a row per frame and track")
    people: OutFile = archived("people", "JSON: each person's tracks in all shots, and speaker label")
    turns: OutFile = published("rttm", "RTTM: who speaks when, corrected where a face certainly speaks")
    speech: OutFile = Field(description="Parquet, a row per frame: is_speech, speakers, corrected likewise")
    key_frames: tuple[OutFile, ...] = Field(description="JPEG: the key frame of every shot, small, in order")
    n_corrected: int = Field(description="turns whose speaker was corrected")
    n_frames: int = Field(description="frames of the video")
    n_people: int = Field(description="people who are visible")
    n_tracks: int = Field(description="tracks of faces and objects")
    n_faces: int = Field(description="tracks of faces")
    face_coverage: float = Field(ge=0, le=1, description="share of the frames that show at least one face")
    landmark_coverage: float = Field(ge=0, le=1, description="share of the face rows that have blendshapes")
    speaking_s: float = Field(description="seconds in which a visible face is speaking")
    sound_offset_frames: int | None = Field(
        None, description="frames by which the sound is late, negative: early; empty where lips do not show it"
    )
    names: dict[str, str] = Field(
        default_factory=dict, description="names of people, by speaker label", exclude_if=lambda names: not names
    )


@with_manifest
@with_corrections(correct)
def run(inputs: Inputs, params: Params, *, report: Report = quiet) -> Outputs:
    """Track the faces of a converted video, and the objects in shots without faces."""
    outputs, choice = devices.attempt(
        params.device,
        lambda device: _track(inputs, params, device, report),
        lambda: faces.cuda_problem(params.faces),
    )
    lacks_weights = params.speaking == "auto" and active_speaker.choose(params.speaking) is None
    reasons = filter(None, (choice.fallback, active_speaker.NO_WEIGHTS if lacks_weights else None))
    return Outputs(n_frames=inputs.frames, device=choice.device, fallback="; ".join(reasons) or None, **outputs)


def verify(inputs: Inputs, outputs: Outputs) -> None:
    """Every shot has a key frame; tracks, people and turns keep their promises."""
    n_shots = len(shots_json.read(inputs.shots))
    if len(outputs.key_frames) != n_shots:
        raise BrokenOutput(f"{inputs.shots} has {n_shots} shots, but there are {len(outputs.key_frames)} key frames")
    _verify_tracks(inputs, outputs)
    _verify_people(outputs)
    heard, corrected = rttm.read(inputs.turns), rttm.read(outputs.turns)
    times = support if inputs.corrections else list  # people may cut a turn in two
    if times(heard.segments) != times(corrected.segments):
        raise BrokenOutput(f"{outputs.turns} has turns at other times than {inputs.turns}")


def _verify_tracks(inputs: Inputs, outputs: Outputs) -> None:
    """No track leaves its shot, and none has two rows in a frame."""
    spans = [shot.span for shot in shots_json.read(inputs.shots)]
    known: set[int] = set()
    for table in tracking_table.read_shots(outputs.tracks, ["frame", "track_id", "shot"]):
        frame, track, shot = (table[name].to_numpy() for name in ("frame", "track_id", "shot"))
        if not 1 <= shot[0] <= len(spans) or (shot != shot[0]).any() or not known.isdisjoint(track):
            raise BrokenOutput(f"{outputs.tracks}: a track crosses from one shot to another, near frame {frame[0]}")
        if frame.min() <= spans[shot[0] - 1].start or frame.max() > spans[shot[0] - 1].stop:
            raise BrokenOutput(f"{outputs.tracks}: rows of shot {shot[0]} lie outside its frames")
        if len(set(zip(frame, track, strict=True))) != len(frame):
            raise BrokenOutput(f"{outputs.tracks}: shot {shot[0]} has two rows for one frame and track")
        known.update(track)
    if len(known) != outputs.n_tracks:
        raise BrokenOutput(f"{outputs.tracks} has {len(known)} tracks, expected {outputs.n_tracks}")


def _verify_people(outputs: Outputs) -> None:
    """Every face belongs to one person."""
    tracks = [track for person in people_json.read(outputs.people) for track in person.tracks]
    if len(set(tracks)) != len(tracks) or len(tracks) != outputs.n_faces:
        raise BrokenOutput(
            f"{outputs.people} names {len(tracks)} tracks, expected each of {outputs.n_faces} faces once"
        )


def _track(inputs: Inputs, params: Params, device: devices.Device, report: Report) -> dict[str, Any]:
    """Write all files, with faces detected on ``device``; returns the fields of `Outputs`."""
    out_dir = inputs.out_dir
    with ExitStack() as stack, opencv.one_thread():
        tracker = shot_tracker(params, device, stack)
        folder = Path(stack.enter_context(TemporaryDirectory(prefix=".seen-", dir=out_dir)))
        silent_table = folder / "tracking.parquet"  # without who speaks, which only all shots together tell
        with (folder / "faces").open("w+b") as faces_file:
            seen = _track_shots(inputs, tracker, silent_table, faces_file, report)
            late, shift = seen.sound_offset, compensated(seen.sound_offset)
            if shift:  # only now known: each picture belongs to other sound
                faces_file.seek(0)
                sounds = VideoSound(inputs.video, inputs.speech, inputs.frames).by_shot(seen.spans, shift)
                seen = replace(seen, shots=list(evidence_with(sounds, faces_file, tracker.speaker_model)))
        by_shot = assign_speakers(seen.shots)
        assignments = list(chain.from_iterable(by_shot))
        heard = rttm.read(inputs.turns)
        turns = [turn.shifted(-float(seconds(shift))) for turn in heard]
        speaking = speaking_people(turns, assignments)
        tracks = out_dir / "tracking.parquet"
        tracking_table.add_speech(silent_table, tracks, speech_by_track(assignments, speaking))
    for shot, shot_assignments in zip(seen.shots, by_shot, strict=True):
        seen.statistics.add_speech(shot.sound, shot_assignments, seen.blended)
    heard_as = dict(zip(turns, heard, strict=True))
    found = find_corrections(turns, list(speaking.values()))
    corrections = [replace(correction, turn=heard_as[correction.turn]) for correction in found]
    seen.statistics.add_review_items(chain(review_corrections(corrections), review_sound_offset(shift)))
    people = list_people(assignments, speaking)
    return {
        **seen.statistics.outputs(),
        **_write_speech(inputs, heard, corrections),
        "sound_offset_frames": late,
        "people": people_json.write(out_dir / "people.json", people),
        "n_people": len(people),
        "tracks": tracks,
        "key_frames": list_keyframes(out_dir / FOLDER),
        "engine": _engine_names(tracker),
    }


@dataclass(frozen=True)
class Seen:
    """What the look at the video leaves: the evidence of who speaks, and the ids of tracks that a dissolve blends.

    ``sound_offset`` is `SoundOffset.frames`.
    """

    shots: list[ShotEvidence]
    blended: set[int]
    statistics: TrackingStatistics
    sound_offset: int | None

    @property
    def spans(self) -> list[Span]:
        """The frames of each shot."""
        return [Span(shot.sound.start, shot.sound.start + len(shot.sound.speech)) for shot in self.shots]


def _track_shots(inputs: Inputs, tracker: ShotTracker, table: Path, faces_file: IO[bytes], report: Report) -> Seen:
    """Write the rows of all tracks to ``table``, and what `evidence_with` needs to ``faces_file``."""
    info = probe_video(inputs.video)
    files = (inputs.shots, inputs.speech, inputs.out_dir / FOLDER)
    video_tracker = VideoTracker(inputs.video, info, inputs.frames, *files, tracker, report, faces_file)
    shots: list[ShotEvidence] = []
    blended: set[int] = set()
    statistics = TrackingStatistics()
    size = {"width": info.width, "height": info.height}
    with tracking_table.writing(table, total_frames=inputs.frames, **size) as write_shot:
        for tracked, evidence in video_tracker.run():
            write_shot(tracked.rows)
            statistics.add_shot(tracked)
            shots.append(evidence)
            blended |= tracked.blended_tracks
    return Seen(shots, blended, statistics, video_tracker.measured_offset.frames())


def shot_tracker(params: Params, device: devices.Device, stack: ExitStack) -> ShotTracker:
    """The tracker, with its engines open until ``stack`` closes; faces are detected on ``device``."""
    model = active_speaker.choose(params.speaking)
    min_score = params.min_confidence * WEAK_SCORE_SHARE
    return ShotTracker(
        face_detector=stack.enter_context(faces.open_detector(params.faces, device, min_score, params.min_face_px)),
        window_detector=stack.enter_context(faces.open_detector(params.faces, device, min_score, None)),
        landmarker=stack.enter_context(faces.open_landmarker()),
        embedder=stack.enter_context(faces.open_embedder()),
        object_detector=None if params.objects == "never" else stack.enter_context(open_objects()),
        speaker_model=stack.enter_context(active_speaker.open_active_speaker(model)) if model else None,
        always_objects=params.objects == "always",
        detect_every=params.detect_every,
        min_face_px=params.min_face_px,
        min_score=params.min_confidence,
    )


def _write_speech(inputs: Inputs, turns: Sequence[Turn], corrections: Sequence[Correction]) -> dict[str, Any]:
    """Write who speaks when, with the corrections; returns the fields of `Outputs` about it."""
    corrected = {correction.turn: correction.corrected for correction in corrections}
    turns = [corrected.get(turn, turn) for turn in turns]
    table, out_dir = speech_table.read(inputs.speech), inputs.out_dir
    return {
        "turns": rttm.write(out_dir / "speech.rttm", turns),
        "speech": speech_table.write_corrected(out_dir / "speech.parquet", table, turns),
        "n_corrected": len(corrections),
    }


def _engine_names(tracker: ShotTracker) -> str:
    names = [tracker.face_detector.name, tracker.landmarker.name]
    if tracker.speaker_model:
        names.append(tracker.speaker_model.name)
    return ", ".join(names)
