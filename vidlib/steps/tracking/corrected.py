"""The result of tracking as people corrected it: faces, people, and who speaks. No picture is looked at again."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vidlib.corrections import tracks as track_corrections
from vidlib.corrections import turns as turn_corrections
from vidlib.corrections.shots import Unfit
from vidlib.corrections.tracks import FaceTracks
from vidlib.results import faces
from vidlib.results.exports import people_json, rttm, speech_table, tracking_table
from vidlib.results.exports.people_json import Person
from vidlib.timeline import Turns, seconds
from vidlib.tracking.blendshapes import BLENDSHAPES
from vidlib.tracking.speaking import match_speaker

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = ("frame", "track_id", "source", "is_speaking", BLENDSHAPES[0])


@dataclass(frozen=True)
class Speech:
    """Who speaks when: the turns as people corrected them, with names; ``labels`` maps labels of before to them."""

    turns: Turns
    labels: Mapping[str, str]
    names: Mapping[str, str]
    unfit: Unfit


@dataclass(frozen=True)
class FaceRows:
    """The rows of one face, (n,): frames from 0, whether it speaks, whether it has landmarks."""

    frames: np.ndarray
    is_speaking: np.ndarray
    has_landmarks: np.ndarray


def correct(inputs: Any, found: Any) -> dict[str, Any]:
    """The outputs of *tracking* that the corrections in its ``inputs`` change, of those without (``found``)."""
    out = inputs.out_dir
    corrected = faces.read(found.tracks, found.people)
    unfit = track_corrections.apply(corrected, inputs.corrections)
    speech = _correct_speech(found.turns, inputs)
    table = speech_table.write_corrected(out / "speech.parquet", speech_table.read(found.speech), speech.turns)
    heard = speech_table.read(table)["speakers"].to_pylist()
    rows, n_objects = _read_rows(found.tracks, corrected)
    people = list(_people(corrected, people_json.read(found.people), rows, heard, speech.labels))
    voices = {track: person.voice for person in people for track in person.tracks}
    return {
        "tracks": _write_tracks(found.tracks, out / "tracking.parquet", corrected, voices),
        "people": people_json.write(out / "people.json", people),
        "turns": rttm.write(out / "speech.rttm", speech.turns),
        "speech": table,
        "n_people": len(people),
        "n_tracks": len(rows) + n_objects,
        **_statistics(rows, inputs.frames),
        "names": speech.names,
        "unfit": unfit | speech.unfit,
    }


def _correct_speech(turns: Path, inputs: Any) -> Speech:
    """Apply the decisions to the final turns; those of *audio* once more, because faces may have overruled them."""
    before = rttm.read(turns)
    after, unfit = turn_corrections.apply(before, inputs.corrections)
    names, unnamed = turn_corrections.find_names(after, inputs.corrections)
    kept = {label: label for label in after.speakers} | turn_corrections.replaced_labels(before, after)
    labels = {old: names.get(new, new) for old, new in kept.items()}
    return Speech(turn_corrections.rename(after, names), labels, names, unfit | unnamed)


def _read_rows(tracks: Path, corrected: FaceTracks) -> tuple[dict[int, FaceRows], int]:
    """The rows of each face as corrected, by track id, and the number of tracks of objects."""
    rows: dict[int, FaceRows] = {}
    n_objects = 0
    for table in tracking_table.read_shots(tracks, ROWS):
        table = faces.change_rows(table, corrected)
        frame, track, source, speaks, shape = (table[name].to_numpy(zero_copy_only=False) for name in ROWS)
        is_face = source == "face_landmarker"
        n_objects += len(np.unique(track[~is_face]))
        for number in np.unique(track[is_face]).tolist():
            own = track == number
            rows[number] = FaceRows(frame[own] - 1, speaks[own].astype(bool), np.isfinite(shape[own].astype(float)))
    return rows, n_objects


def _people(
    corrected: FaceTracks,
    before: Sequence[Person],
    rows: Mapping[int, FaceRows],
    heard: Sequence[Sequence[str]],
    labels: Mapping[str, str],
) -> Iterator[Person]:
    """Everybody who is visible. A person with other tracks, or other speech, than before gets the voice that fits."""
    person_before = {track: person for person in before for track in person.tracks}
    decided = {rule[0] for rule in corrected.speaking}
    groups: dict[int, list[int]] = defaultdict(list)
    for track, number in corrected.people().items():
        groups[number].append(track)
    for number, tracks in sorted(groups.items()):
        known = person_before.get(tracks[0])
        same = known is not None and set(known.tracks) == set(tracks)
        speaks = np.concatenate([rows[track].is_speaking for track in tracks])
        if known and same and not decided & set(tracks):
            voice, confidence = known.voice and labels.get(known.voice, known.voice), known.voice_confidence
        else:
            frames = np.concatenate([rows[track].frames for track in tracks])
            match = match_speaker(speaks, [heard[frame] for frame in frames])
            voice, confidence = (match.label, round(match.confidence, 4)) if match else (None, None)
        shares = dict(known.tracks) if known and same else dict.fromkeys(tracks, 1.0)
        yield Person(number, shares, len(speaks), int(speaks.sum()), voice, confidence)


def _statistics(rows: Mapping[int, FaceRows], n_frames: int) -> dict[str, Any]:
    """The fields of the outputs that are counted in the rows of faces."""
    visible, speaking = np.zeros(n_frames, bool), np.zeros(n_frames, bool)
    for face in rows.values():
        visible[face.frames] = True
        speaking[face.frames[face.is_speaking]] = True
    n_rows = sum(len(face.frames) for face in rows.values())
    n_landmarks = sum(int(face.has_landmarks.sum()) for face in rows.values())
    return {
        "n_faces": len(rows),
        "face_coverage": float(visible.sum() / max(1, n_frames)),
        "landmark_coverage": n_landmarks / max(1, n_rows),
        "speaking_s": float(seconds(int(speaking.sum()))),
    }


def _write_tracks(source: Path, path: Path, corrected: FaceTracks, voices: Mapping[int, str | None]) -> Path:
    shots = (faces.change_rows(shot, corrected) for shot in tracking_table.read_shots(source))
    return tracking_table.copy(source, path, (_with_voices(shot, voices) for shot in shots if len(shot)))


def _with_voices(shot: "pa.Table", voices: Mapping[int, str | None]) -> "pa.Table":
    return faces.replace_columns(shot, {"speaker": [voices.get(track) for track in shot["track_id"].to_pylist()]})
