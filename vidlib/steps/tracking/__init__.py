"""Tracking: which faces and things are to be seen, where, with what expression, and which face is speaking."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
from pydantic import Field

from vidlib.engines import faces
from vidlib.engines.active_speaker import ACTIVE_SPEAKER_MODELS, open_active_speaker
from vidlib.engines.objects import OBJECT_DETECTORS, open_objects
from vidlib.engines.runtime import opencv
from vidlib.errors import BrokenOutput
from vidlib.machine import devices
from vidlib.machine.prefetch import prefetch
from vidlib.media.audio import SAMPLES_PER_FRAME, read_by_frame
from vidlib.media.frames import read_frames
from vidlib.media.probe import VideoInfo, probe_video
from vidlib.params import Frozen
from vidlib.progress import Report, quiet
from vidlib.protocols import ActiveSpeakerModel, FaceDetector
from vidlib.results.exports import people_json, rttm, shots_json, speech_table, tracking_table
from vidlib.results.exports.tracking_table import TrackRows
from vidlib.steps.base import OutFile, StepOutputs, from_step, location, published, with_manifest
from vidlib.steps.tracking import keyframes
from vidlib.steps.tracking.people import people_of, speech_of, talkers_of
from vidlib.steps.tracking.statistics import SeenShot, Tally, correction_doubts
from vidlib.timeline import Span, Turn, tiles
from vidlib.tracking.association import Track
from vidlib.tracking.diarization_correction import Correction, corrections
from vidlib.tracking.shot_tracker import WEAK, Chunk, Watcher
from vidlib.tracking.speaker_assignment import Face, Scene, conversation
from vidlib.tracking.speaking import USUALLY_LIKELY, Mouth, Sound, odds

NAME = "tracking"
VERSION = 10
NOTEBOOK = "06_tracking.ipynb"
UNIT = "frames"
TOOLS = ("ffmpeg", "mediapipe", "openvino", "onnxruntime", "opencv-contrib-python-headless", "scipy", "pyarrow")

DECODED = 20
"""Frames that are decoded while faces are looked for in others, 125 MB at 1080p."""

LOOKED_AT = 2
"""Chunks in which faces are looked for while another is watched: one has a picture or two to look at, too few for two
cores."""

MIDDLES = "middles"

SILENCE = np.zeros(0, np.float32)


def weights(params: "Params") -> tuple[str, ...]:
    """The vault's models that these params make the step load."""
    return (
        *faces.weights(params.faces),
        *(OBJECT_DETECTORS["mediapipe"].weights if params.objects != "never" else ()),
        *(ACTIVE_SPEAKER_MODELS["lr_asd"].weights if params.speaking == "lr_asd" else ()),
    )


class Inputs(Frozen):
    """What the step reads, and where it writes."""

    video: Path = from_step("convert", "video", "25 frames per second, constant")
    frames: int = from_step("convert", "frames", "how many frames the video has")
    shots: Path = from_step("scenes", "shots", "JSON: every shot; no track crosses from one to the next")
    speech: Path = from_step("audio", "table", "Parquet, a row per frame: is_speech, speakers")
    turns: Path = from_step("audio", "turns", "RTTM: who speaks from when to when")
    out_dir: Path = location("the one folder that the step writes to")


class Params(Frozen):
    """What a user may choose."""

    device: devices.Wanted = Field("auto", description="where faces are detected: auto, cuda, cpu")
    faces: Literal["centerface", "yunet", "mediapipe"] = Field(
        "centerface", description="what faces are detected with; mediapipe sees large ones only"
    )
    detect_every: int = Field(
        20, ge=1, le=25, description="faces are looked for in every n-th frame, up to 4 times as often where they move"
    )
    min_face_px: int = Field(24, ge=8, le=2000, description="lowest face that counts, in pixels of the video")
    min_confidence: float = Field(0.5, gt=0, lt=1, description="score that begins a face's track, 0 to 1")
    objects: Literal["when_no_face", "always", "never"] = Field(
        "when_no_face", description="which shots are searched for other things than faces"
    )
    speaking: Literal["movement", "lr_asd"] = Field(
        "movement", description="who speaks is told by how lips move with the sound; lr_asd: and by that network"
    )


class Outputs(StepOutputs):
    """What the step leaves."""

    tracks: OutFile = published("tracking_parquet", "Parquet, a row per frame and track")
    people: OutFile = Field(description="JSON: who is seen in which tracks of all shots, and with which voice")
    turns: OutFile = published("rttm", "RTTM: who speaks when, put right where a face speaks for certain")
    speech: OutFile = Field(description="Parquet, a row per frame: is_speech, speakers, put right likewise")
    middles: tuple[OutFile, ...] = Field(description="JPEG: the middle of every shot, small, in order")
    n_corrected: int = Field(description="turns that faces put right")
    n_frames: int = Field(description="frames of the video")
    n_people: int = Field(description="people who are seen")
    n_tracks: int = Field(description="tracks of faces and things")
    n_faces: int = Field(description="tracks of faces")
    face_coverage: float = Field(ge=0, le=1, description="share of the frames that show at least one face")
    landmark_coverage: float = Field(ge=0, le=1, description="share of the face rows that have blendshapes")
    speaking_s: float = Field(description="seconds in which a face to be seen is speaking")


@with_manifest
def run(inputs: Inputs, params: Params, *, report: Report = quiet) -> Outputs:
    """Follow the faces of a converted video, and the things in shots without any."""
    found, choice = devices.attempt(
        params.device,
        lambda device: _follow(inputs, params, device, report),
        lambda: faces.cuda_problem(params.faces),
    )
    return Outputs(n_frames=inputs.frames, device=choice.device, fallback=choice.fallback, **found)


def verify(inputs: Inputs, outputs: Outputs) -> None:
    """Every shot has a middle; no track leaves its shot, each has at most one row in a frame; turns have the times that
    were heard.
    """
    spans = [shot.span for shot in shots_json.read(inputs.shots)]
    if len(outputs.middles) != len(spans):
        raise BrokenOutput(f"{inputs.shots} has {len(spans)} shots, but {len(outputs.middles)} middles were left")
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
    _check_people(outputs)
    heard, corrected = rttm.read(inputs.turns), rttm.read(outputs.turns)
    if [(turn.start_s, turn.stop_s) for turn in heard] != [(turn.start_s, turn.stop_s) for turn in corrected]:
        raise BrokenOutput(f"{outputs.turns} has turns at other times than {inputs.turns}")


def _check_people(outputs: Outputs) -> None:
    """Every face is somebody's, and nobody's twice."""
    tracks = [track for person in people_json.read(outputs.people) for track in person.tracks]
    if len(set(tracks)) != len(tracks) or len(tracks) != outputs.n_faces:
        raise BrokenOutput(
            f"{outputs.people} names {len(tracks)} tracks, expected each of {outputs.n_faces} faces once"
        )


def _follow(inputs: Inputs, params: Params, device: devices.Device, report: Report) -> dict[str, Any]:
    """Write the table, faces detected on ``device``; what `Outputs` say of it."""
    info, tally, path = probe_video(inputs.video), Tally(), inputs.out_dir / "tracking.parquet"
    with ExitStack() as stack, opencv.one_thread():
        score = params.min_confidence * WEAK
        detector = stack.enter_context(faces.open_detector(params.faces, device, score, params.min_face_px))
        speaker = stack.enter_context(open_active_speaker()) if params.speaking == "lr_asd" else None
        watcher = _watcher(params, detector, speaker, stack)
        seen = Path(stack.enter_context(TemporaryDirectory(prefix=".seen-", dir=inputs.out_dir))) / path.name
        scenes, unclear = _see(inputs, info, watcher, speaker, tally, seen, report)
        turns, spoken = rttm.read(inputs.turns), conversation(scenes)
        talkers = talkers_of(turns, spoken)
        tracking_table.with_speech(seen, path, speech_of(spoken, talkers))
    for scene, shot in zip(scenes, spoken, strict=True):
        tally.heard(scene.sound, shot, unclear)
    engine = ", ".join([detector.name, watcher.landmarker.name, *([speaker.name] if speaker else [])])
    right = list(corrections(turns, list(talkers.values())))
    tally.doubt(correction_doubts(right))
    voices = _write_voices(inputs, turns, right)
    seen_people = people_of(spoken, talkers)
    found = {"people": people_json.write(inputs.out_dir / "people.json", seen_people), "n_people": len(seen_people)}
    found |= {"tracks": path, "middles": keyframes.files(inputs.out_dir / MIDDLES), "engine": engine}
    return {**tally.outputs(), **voices, **found}


def _see(
    inputs: Inputs,
    info: VideoInfo,
    watcher: Watcher,
    speaker: ActiveSpeakerModel | None,
    tally: Tally,
    path: Path,
    report: Report,
) -> tuple[list[Scene], set[int]]:
    """Write what is to be seen to ``path``, without who speaks; what that is told by, and which tracks are blended."""
    scenes, unclear, size = [], set(), {"width": info.width, "height": info.height}
    with tracking_table.writing(path, total_frames=inputs.frames, **size) as write:
        for seen, scene in _shots(inputs, info, watcher, speaker, report):
            write(seen.rows)
            tally.saw(seen)
            scenes.append(scene)
            unclear |= seen.unclear
    return scenes, unclear


def _write_voices(inputs: Inputs, heard: Sequence[Turn], right: Sequence[Correction]) -> dict[str, Any]:
    """Who speaks when, as heard, except what faces put right: the fields of `Outputs` about it."""
    by_turn = {correction.turn: correction.corrected for correction in right}
    turns = [by_turn.get(turn, turn) for turn in heard]
    table, out = speech_table.read(inputs.speech), inputs.out_dir
    return {
        "turns": rttm.write(out / "speech.rttm", turns),
        "speech": speech_table.write_corrected(out / "speech.parquet", table, turns),
        "n_corrected": len(right),
    }


def _watcher(params: Params, detector: FaceDetector, speaker: ActiveSpeakerModel | None, stack: ExitStack) -> Watcher:
    return Watcher(
        faces=detector,
        landmarker=stack.enter_context(faces.open_landmarker()),
        prints=stack.enter_context(faces.open_embedder()),
        things=None if params.objects == "never" else stack.enter_context(open_objects()),
        looker=speaker,
        always_things=params.objects == "always",
        detect_every=params.detect_every,
        min_face_px=params.min_face_px,
        min_score=params.min_confidence,
    )


def _looked(inputs: Inputs, info: VideoInfo, watcher: Watcher, spans: Sequence[Span]) -> Iterator[Chunk]:
    """The video in chunks, faces looked for; raises BrokenOutput unless it has as many frames as expected."""
    with closing(prefetch(read_frames(inputs.video, info.width, info.height), DECODED)) as pictures:
        n_seen = 0
        for chunk in watcher.look(spans, pictures):
            n_seen += len(chunk.frames)
            yield chunk
        if n_seen != inputs.frames:
            raise BrokenOutput(f"{inputs.video}: decoded {n_seen} frames, expected {inputs.frames}")
        if next(pictures, None) is not None:
            raise BrokenOutput(f"{inputs.video} has more frames than the {inputs.frames} expected")


def _shots(
    inputs: Inputs, info: VideoInfo, watcher: Watcher, speaker: ActiveSpeakerModel | None, report: Report
) -> Iterator[tuple[SeenShot, Scene]]:
    """One shot after the other: its tracks are finished before the next begins, and its middle is kept."""
    shots, first_id = shots_json.read(inputs.shots), 1
    spans = [shot.span for shot in shots]
    if not tiles(spans, inputs.frames):
        raise BrokenOutput(f"{inputs.shots}: the shots do not cover the video's {inputs.frames} frames exactly once")
    with closing(prefetch(_looked(inputs, info, watcher, spans), LOOKED_AT)) as chunks:
        passed = keyframes.kept(_reported(chunks, inputs.frames, report), inputs.out_dir / MIDDLES)
        by_shot = groupby(passed, key=lambda chunk: chunk.shot)
        each = zip(by_shot, shots, [*shots[1:], None], _sounds(inputs, spans), strict=True)
        for number, ((_, looked), shot, following, sound) in enumerate(each, 1):
            tracks = watcher.watch(shot.span, looked, sound.may_be_speech)
            blended = [near.transition for near in (shot, following) if near and near.transition]
            rows = [_rows(track, number, track_id) for track_id, track in enumerate(tracks, first_id)]
            yield SeenShot(shot, rows, blended), _scene(tracks, rows, sound, speaker)
            first_id += len(tracks)


def _reported(chunks: Iterable[Chunk], n_frames: int, report: Report) -> Iterator[Chunk]:
    """The chunks, each reported once it is done with."""
    for chunk in chunks:
        yield chunk
        report(chunk.frames[-1][0] + 1, n_frames)


def _sounds(inputs: Inputs, spans: Iterable[Span]) -> Iterator[Sound]:
    """Speech, voices and sound of one shot after the other; where the sound ends early, there is silence."""
    table = speech_table.read(inputs.speech)
    if len(table) != inputs.frames:
        raise BrokenOutput(f"{inputs.speech} has {len(table)} rows, expected one for each of {inputs.frames} frames")
    known: dict[tuple[str, ...], tuple[str, ...]] = {}  # each combination of voices is in memory once
    with closing(read_by_frame(inputs.video)) as sound:
        for span in spans:
            speech = table.slice(span.start, len(span))
            voices = [known.setdefault(heard, heard) for heard in map(tuple, speech["speakers"].to_pylist())]
            samples = np.zeros((len(span), SAMPLES_PER_FRAME), np.float32)
            for row in samples:
                part = next(sound, SILENCE)
                row[: len(part)] = part
            yield Sound(span.start, speech["is_speech"].to_numpy(), voices, samples)


def _rows(track: Track, shot: int, track_id: int) -> TrackRows:
    """The rows of one track, which is not known to speak yet."""
    frames = np.array(track.span)
    return TrackRows(
        track_id=track_id,
        source=track.source,
        label=track.label,
        speaker=None,
        shot=shot,
        start=track.span.start,
        boxes=track.boxes_at(frames),
        confidence=track.scores_at(frames),
        is_speaking=np.zeros(len(frames), bool),
        speaking_confidence=np.zeros(len(frames), np.float32),
        blendshapes=track.blendshapes_at(frames),
    )


def _scene(tracks: list[Track], rows: list[TrackRows], sound: Sound, speaker: ActiveSpeakerModel | None) -> Scene:
    """What a shot says of who speaks in it; ``speaker`` is asked what it thinks of mouths that were looked at."""
    faces = [(track, own) for track, own in zip(tracks, rows, strict=True) if track.source == "face_landmarker"]
    heard = (
        speaker.encode_sound(sound.samples.ravel())
        if speaker and any(track.mouth is not None for track, _ in faces)
        else None
    )
    found = []
    for track, own in faces:
        likely = USUALLY_LIKELY if heard is None else 0.0
        if track.mouth is not None:
            likely = speaker.score(track.mouth, heard[own.start - sound.start :][: len(own.boxes)])
        mean_print = np.mean(list(track.prints.values()), axis=0) if track.prints else None
        found.append(
            Face(own.track_id, own.start, odds(Mouth.of(own.start, own.blendshapes), sound, likely), mean_print)
        )
    return Scene(replace(sound, samples=SILENCE), found)
