"""``people.json``: who is to be seen in one video: the tracks of each person in all shots, and the voice.

``{"people": [{"person", "tracks": [{"track_id", "confidence"}], "frames", "speaking_frames", "voice",
"voice_confidence"}]}``: people count from 1, in order of first appearance; ``voice`` is a label of the RTTM, or null,
and then so is its confidence.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vidlib.errors import BrokenOutput
from vidlib.files import write_json


@dataclass(frozen=True)
class Person:
    """Somebody who is seen: in how many frames, and in how many of these he or she speaks.

    ``tracks`` says how surely each track, by its id, shows him or her; ``voice_confidence`` how surely the label
    ``voice`` names this person's: both in [0, 1].
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
    """The people in ``path``, in order; raises BrokenOutput where it is no such file."""
    try:
        rows = json.loads(path.read_bytes())["people"]
        tracks = [{track["track_id"]: track["confidence"] for track in row["tracks"]} for row in rows]
        return [Person(**row | {"tracks": own}) for row, own in zip(rows, tracks, strict=True)]
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenOutput(f"{path} is no list of people: {error!r}") from error


def _tracks(person: Person) -> list[dict[str, float]]:
    return [{"track_id": track, "confidence": sure} for track, sure in person.tracks.items()]
