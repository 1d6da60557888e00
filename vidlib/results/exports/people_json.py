"""``people.json``: the people in one video, with their tracks in all shots and their speaker labels.

``{"people": [{"person", "tracks": [{"track_id", "confidence"}], "frames", "speaking_frames", "voice",
"voice_confidence"}]}``. People count from 1, in order of first appearance. ``voice`` is a speaker label of the RTTM, or
null; then its confidence is null too.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vidlib.errors import BrokenOutput
from vidlib.files import write_json


@dataclass(frozen=True)
class Person:
    """A person who is visible in ``frames`` frames and speaks in ``speaking_frames`` of these.

    ``tracks`` maps track ids to the confidence that the track shows this person. ``voice`` is the speaker label of the
    person, with ``voice_confidence``. Confidences are in [0, 1].
    """

    person: int
    tracks: Mapping[int, float]
    frames: int
    speaking_frames: int
    voice: str | None
    voice_confidence: float | None


def write(path: Path, people: Sequence[Person]) -> Path:
    """Write ``people`` to ``path``."""
    return write_json(path, {"people": [asdict(person) | {"tracks": _tracks(person)} for person in people]})


def read(path: Path) -> list[Person]:
    """The people in ``path``, in order; raises BrokenOutput where it is not a list of people."""
    try:
        rows = json.loads(path.read_bytes())["people"]
        tracks = [{track["track_id"]: track["confidence"] for track in row["tracks"]} for row in rows]
        return [Person(**row | {"tracks": row_tracks}) for row, row_tracks in zip(rows, tracks, strict=True)]
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenOutput(f"{path} is not a list of people: {error!r}") from error


def _tracks(person: Person) -> list[dict[str, float]]:
    return [{"track_id": track, "confidence": confidence} for track, confidence in person.tracks.items()]
