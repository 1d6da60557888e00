"""A results archive of videos that do not exist: shots, faces, speech and words at random, by the writers of vidlib."""

import os
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

from vidlib.files import FileRecord, sha256_text
from vidlib.results.archive import stamp
from vidlib.results.archive_entry import Entry, Metadata
from vidlib.results.delivered_media import DeliveredMedia
from vidlib.results.exports import audio_json, people_json, rttm, shots_csv, shots_json, tracking_table, webvtt
from vidlib.results.exports.audio_json import AudioFrame, AudioInfo
from vidlib.results.exports.people_json import Person
from vidlib.results.exports.tracking_table import TrackRows
from vidlib.results.naming import ARCHIVED
from vidlib.timeline import FPS, Boundary, Shot, Span, Turn, speaker_label

SIZE = (1280, 720)
FIRST = datetime(2026, 1, 1, 12, tzinfo=UTC)
TEXT = """
le la de un et que pour dans plus avec budget climat émission ministre Élysée demain hier année vote Straße Wahl über
Zeit bonjour merci question réponse énergie marché école santé police match équipe
"""
WORDS = TEXT.split()
OBJECTS = ("car", "chair", "dog", "tie")


def compose(root: Path, n_videos: int, seed: int, *, n_frames: int = 3000, n_distinct: int = 100) -> None:
    """Write an archive of ``n_videos`` into ``root``; ``n_distinct`` of them have results of their own."""
    first: list[Entry] = []
    for number in range(n_videos):
        if number < n_distinct:
            first.append(_entry(root, number, n_frames, random.Random(f"{seed} {number}")))
        else:
            _copy(root, number, first[number % n_distinct])


def _metadata(number: int, files: dict[str, FileRecord], media: DeliveredMedia) -> tuple[str, Metadata]:
    stem = f"clip {number:04}"
    metadata = Metadata(
        video_path=f"/inbox/{stem}.mov",
        video_stem=stem,
        video_hash=sha256_text(f"delivered {number}"),
        source_hash=sha256_text(f"source {number}"),
        created_at=FIRST + timedelta(hours=7 * number),
        files=files,
        media=media,
    )
    return f"Project {number % 7}", metadata


def _folder(root: Path, project: str, metadata: Metadata) -> Path:
    folder = root / f"{project} {stamp(metadata.created_at)}" / metadata.video_hash
    folder.mkdir(parents=True)
    return folder


def _copy(root: Path, number: int, like: Entry) -> None:
    assert like.metadata.media
    project, metadata = _metadata(number, {}, like.metadata.media)
    folder = _folder(root, project, metadata)
    for name, path in like.results.items():
        os.link(path, folder / f"{metadata.video_stem}{ARCHIVED[name]}")
    metadata.write(folder)


def _entry(root: Path, number: int, n_frames: int, chance: random.Random) -> Entry:
    media = DeliveredMedia(n_bytes=1, frames=n_frames, start=90_000, width=SIZE[0], height=SIZE[1], channels=(2,))
    project, metadata = _metadata(number, {}, media)
    folder = _folder(root, project, metadata)
    files = {name: folder / f"{metadata.video_stem}{suffix}" for name, suffix in ARCHIVED.items()}
    shots = _shots(n_frames, chance)
    turns = _turns(n_frames, chance)
    tracks, people = _tracks(shots, chance)
    shots_json.write(files["shots_json"], shots, engine="random")
    shots_csv.write(files["shots_csv"], [shot.span for shot in shots])
    rttm.write(files["rttm"], turns)
    people_json.write(files["people"], people)
    webvtt.write(files["captions"], _cues(turns, chance))
    audio_json.write(files["audio_json"], _audio(n_frames, turns), n_frames, turns)
    with tracking_table.writing(
        files["tracking_parquet"], total_frames=n_frames, width=SIZE[0], height=SIZE[1]
    ) as write_shot:
        for shot in tracks:
            write_shot(shot)
    metadata.write(folder)
    return Entry(folder, metadata)


def _shots(n_frames: int, chance: random.Random) -> list[Shot]:
    cuts = sorted({0, *(chance.randrange(1, n_frames) for _ in range(n_frames // 130))})
    spans = [Span(start, stop) for start, stop in zip(cuts, [*cuts[1:], n_frames], strict=True)]
    return [_shot(span, n_frames, chance) for span in spans]


def _shot(span: Span, n_frames: int, chance: random.Random) -> Shot:
    boundary: Boundary = chance.choice(("cut", "dissolve", "fade")) if span.start else "start"
    if boundary not in ("dissolve", "fade"):
        return Shot(span, boundary)
    return Shot(span, boundary, 0.9, Span(max(0, span.start - 6), min(n_frames, span.start + 7)))


def _turns(n_frames: int, chance: random.Random) -> list[Turn]:
    turns, at_s, end_s = [], chance.uniform(0, 3), n_frames / float(FPS)
    while at_s < end_s - 1:
        stop_s = min(end_s, at_s + chance.uniform(0.5, 9))
        turns.append(Turn(round(at_s, 3), round(stop_s, 3), speaker_label(chance.randrange(4))))
        at_s = stop_s + chance.choice((0.1, 1, 5, 12))
    return turns


def _cues(turns: Sequence[Turn], chance: random.Random) -> list[webvtt.Cue]:
    """Captions of about two seconds each."""
    cues = []
    for turn in turns:
        n_cues = max(1, round(turn.duration_s / 2))
        edges = np.linspace(turn.start_s, turn.stop_s, n_cues + 1).tolist()
        for start_s, stop_s in pairwise(edges):
            cues.append((start_s, stop_s, " ".join(chance.choices(WORDS, k=chance.randint(1, 7)))))
    return cues


def _audio(n_frames: int, turns: Sequence[Turn]) -> list[AudioFrame]:
    speakers: list[list[str]] = [[] for _ in range(n_frames)]
    for turn in turns:
        for frame in range(int(turn.start_s * FPS), min(n_frames, int(turn.stop_s * FPS))):
            speakers[frame].append(turn.speaker)
    return [
        AudioFrame(
            frame=number,
            audio_info=AudioInfo(
                is_speech_present=bool(labels), active_speaker_labels=tuple(labels), timecode_sec=(number - 1) / 25
            ),
        )
        for number, labels in enumerate(speakers, 1)
    ]


def _tracks(shots: Sequence[Shot], chance: random.Random) -> tuple[list[list[TrackRows]], list[Person]]:
    """Tracks of each shot, of up to three of four people; sometimes an object, sometimes nothing."""
    tracks_of: dict[int, dict[int, float]] = {number: {} for number in range(4)}
    tracks, track_id = [], 0
    for number, shot in enumerate(shots, 1):
        rows = []
        for person in chance.sample(range(4), chance.choice((0, 0, 1, 1, 1, 2, 3))):
            track_id += 1
            tracks_of[person][track_id] = 0.9
            rows.append(_track(track_id, "face", person, number, shot.span, chance))
        if not rows and chance.random() < 0.5:
            track_id += 1
            rows.append(_track(track_id, chance.choice(OBJECTS), None, number, shot.span, chance))
        tracks.append(rows)
    seen = {person: tracks for person, tracks in tracks_of.items() if tracks}
    people = [Person(n, tracks, 1, 0, speaker_label(p), 0.9) for n, (p, tracks) in enumerate(seen.items(), 1)]
    return tracks, people


def _track(track_id: int, label: str, person: int | None, shot: int, span: Span, chance: random.Random) -> TrackRows:
    n = len(span)
    noise = np.random.default_rng(chance.randrange(1 << 30))
    size = chance.choice((40, 80, 90, 150, 238, 240, 300, 500))
    left = chance.randrange(SIZE[0] - size)
    if person is None or chance.random() < 0.15:
        blendshapes = np.full((n, 52), np.nan)
    else:
        blendshapes = np.round(np.clip(noise.normal(chance.random() * 0.6, 0.02, (n, 52)), 0, 1), 3)
    return TrackRows(
        track_id=track_id,
        source="face_landmarker" if label == "face" else "object_detector",
        label=label,
        speaker=None if person is None else speaker_label(person),
        shot=shot,
        start=span.start,
        boxes=np.tile([left, 50.0, left + size, 50.0 + size], (n, 1)),
        confidence=np.full(n, 0.9),
        is_speaking=np.zeros(n, bool),
        speaking_confidence=np.zeros(n),
        blendshapes=blendshapes,
    )
