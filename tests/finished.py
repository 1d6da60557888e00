"""Finished steps of one small video, made by hand: what a report is written from, without running a model."""

import functools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from itertools import groupby
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
from PIL import Image

from tests import sample_media
from vidlib.files import FileRecord, sha256, write_json
from vidlib.media.frames import read_frames
from vidlib.media.probe import probe_video
from vidlib.results.exports import people_json, rttm, shots_csv, shots_json, speech_table, tracking_table, webvtt
from vidlib.results.exports.people_json import Person
from vidlib.results.exports.tracking_table import TrackRows
from vidlib.runner.store.models import Task
from vidlib.runner.store.runs import History
from vidlib.settings import Settings
from vidlib.steps.base import MANIFEST, Manifest
from vidlib.timeline import Shot, Span, Turn

NOTEBOOK = "step.ipynb"
SHA256 = "0123456789abcdef" * 4

SHOTS = [
    Shot(Span(0, 20), "start", 1.0),
    Shot(Span(20, 41), "cut", 0.9),
    Shot(Span(41, 50), "dissolve", 0.4),
]
TURNS = [Turn(0.0, 0.8, "SPEAKER_00"), Turn(0.8, 1.2, "SPEAKER_01"), Turn(1.6, 2.0, "SPEAKER_00")]
DOUBT = {"message": "is this a cut?", "frame": 41, "confidence": 0.4}


def track(
    track_id: int, frames: range, shot: int, label: str = "face", speaking: range = range(0), speaker: str | None = None
) -> TrackRows:
    """Something in pixels 10 to 30, 8 to 28 of ``frames`` (from 0) , speaking and smiling in those of ``speaking``."""
    n = len(frames)
    talks = np.isin(frames, speaking)
    return TrackRows(
        track_id=track_id,
        source="face_landmarker" if label == "face" else "object_detector",
        label=label,
        speaker=speaker,
        shot=shot,
        start=frames.start,
        boxes=np.tile([10.0, 8.0, 30.0, 28.0], (n, 1)),
        confidence=np.full(n, 0.9),
        is_speaking=talks,
        speaking_confidence=talks.astype(float),
        blendshapes=np.full((n, 52), np.nan) if label != "face" else np.tile(talks[:, None] * 0.7, (1, 52)),
    )


TRACKS = [
    track(1, range(20), 1, speaking=range(2, 18), speaker="SPEAKER_00"),
    track(2, range(20), 1),
    track(3, range(20, 41), 2, label="chair"),
    track(4, range(41, 50), 3, speaking=range(43, 49), speaker="SPEAKER_00"),
]

PEOPLE = [Person(1, {1: 0.9, 4: 0.8}, 29, 22, "SPEAKER_00", 0.9), Person(2, {2: 1.0}, 20, 0, None, None)]


def all_steps(
    home: Path,
    *,
    video: Path,
    shots: Sequence[Shot] = SHOTS,
    turns: Sequence[Turn] = TURNS,
    tracks: Sequence[TrackRows] = TRACKS,
    people: Sequence[Person] = PEOPLE,
    cues: Sequence[webvtt.Cue] = (),
    has_audio: bool = True,
) -> dict[str, Path]:
    """A folder below ``home`` for each step of ``video``, as the steps leave them: ``{step: folder}``."""
    folders = {name: home / f"{name}-0123456789ab" for name in ("convert", "scenes", "audio", "tracking", "reduce")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    (width, height), n_frames = sample_media.SIZE, shots[-1].span.stop
    (folders["convert"] / "video.mp4").write_bytes(video.read_bytes())
    shots_json.write(folders["scenes"] / "shots.json", shots, engine="made by hand")
    for name in ("audio", "tracking"):
        rttm.write(folders[name] / "speech.rttm", turns)
        speech_table.write(folders[name] / "speech.parquet", n_frames, [], turns)
    table = folders["tracking"] / "tracking.parquet"
    with tracking_table.writing(table, total_frames=n_frames, width=width, height=height) as write_shot:
        for _, rows in groupby(tracks, key=lambda rows: rows.shot):
            write_shot(list(rows))
    speech_s = sum(turn.stop_s - turn.start_s for turn in turns)
    seen = {
        frame for rows in tracks if rows.label == "face" for frame in range(rows.start, rows.start + len(rows.boxes))
    }
    finish(folders["convert"], video="video.mp4", frames=n_frames, width=width, height=height, has_audio=has_audio)
    shots_csv.write(folders["scenes"] / "shots.csv", [shot.span for shot in shots])
    finish(folders["scenes"], shots="shots.json", csv="shots.csv", n_shots=len(shots), doubts=[DOUBT])
    captions = {"n_speakers": len({turn.speaker for turn in turns})}
    if cues:
        captions["captions"] = webvtt.write(folders["audio"] / "speech.vtt", cues).name
    finish(folders["audio"], turns="speech.rttm", table="speech.parquet", speech_s=speech_s, **captions)
    voices = {"turns": "speech.rttm", "speech": "speech.parquet"}
    coverage = len(seen) / n_frames
    key_frames = _key_frames(video, shots, folders["tracking"])
    left = {"tracks": "tracking.parquet", "key_frames": [file.name for file in key_frames], **voices}
    people_json.write(folders["tracking"] / "people.json", people)
    counted = {"people": "people.json", "n_people": len(people), "n_tracks": len(tracks)}
    finish(folders["tracking"], face_coverage=coverage, fallback="no GPU here", **left, **counted)
    finish(folders["reduce"])
    return folders


def _key_frames(video: Path, shots: Sequence[Shot], folder: Path) -> list[Path]:
    """A picture of the middle of each shot, as many as the video has."""
    files = []
    for number, jpeg in enumerate(_pictures(video.read_bytes(), tuple(shot.span.middle for shot in shots)), 1):
        files.append(folder / f"middle-{number}.jpg")
        files[-1].write_bytes(jpeg)
    return files


@functools.cache
def _pictures(video: bytes, numbers: tuple[int, ...]) -> list[bytes]:
    """These frames of a video as JPEG."""
    with NamedTemporaryFile(suffix=".mp4") as file:
        file.write(video)
        file.flush()
        path = Path(file.name)
        return [_as_jpeg(picture) for picture in read_frames(path, *probe_video(path).display_size, only=numbers)]


def _as_jpeg(picture: np.ndarray) -> bytes:
    jpeg = BytesIO()
    Image.fromarray(picture).save(jpeg, "JPEG", quality=95)
    return jpeg.getvalue()


def finish(folder: Path, **outputs: Any) -> None:
    """Write a notebook, and the manifest that makes the folder a finished step."""
    (folder / NOTEBOOK).write_text("{}")
    manifest = Manifest(
        step=folder.name.split("-")[0],
        version=1,
        fingerprint=folder.name.partition("-")[2].ljust(64, "0"),
        params={},
        inputs={},
        weights={"model": "ab" * 32},
        tools={"handicraft": "1.0"},
        outputs={"engine": "made by hand", "device": "cpu", **outputs},
        files={
            path.name: FileRecord.from_file(path) for path in folder.iterdir() if path.name not in (MANIFEST, NOTEBOOK)
        },
        seconds=1.5,
        finished_at=datetime(2026, 11, 23, tzinfo=UTC),
    )
    write_json(folder / MANIFEST, manifest.model_dump(mode="json"))


def evidence(file: Path, folders: Mapping[str, Path], name: str = "clip.mp4", **others: dict[str, Any]) -> Path:
    """The evidence of ``folders``; ``others`` say of a step what is otherwise: ``audio={"status": "failed"}``."""
    steps = [
        {"name": step, "status": "done", "folder": str(folder), "notebook": str(folder / NOTEBOOK)}
        | others.get(step, {})
        for step, folder in folders.items()
    ]
    video = {"run": "today", "project": "news", "video": name, "source": f"/inbox/{name}", "sha256": SHA256}
    return write_json(file, {**video, "steps": steps})


def register(
    settings: Settings, folders: Mapping[str, Path], video: Path, *, content: str = "", project: str = "news"
) -> str:
    """Write into the history that a run has left ``folders`` of ``video``, whose SHA-256 is ``content``; its id."""
    digest = content or sha256(video)
    with History(settings.database) as history:
        run = history.start_run([video], {}, {"layers": [], "steps": [], "force": False})
        about = {"run_id": run.id, "project": project, "label": video.name, "sha256": digest, "stem": video.stem}
        places = {"origin": str(video), "source": str(video)}
        history.remember_video(digest, video)
        history.add_tasks(
            [Task(step=step, status="done", folder=str(folder), **about, **places) for step, folder in folders.items()]
        )
        history.finish_run(run.id, "done")
    return run.id
