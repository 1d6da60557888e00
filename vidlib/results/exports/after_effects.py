"""The package for After Effects: ``_ae.jsx``, a script that builds a composition of another shape, and its data.

The data, ``_ae.json``, hold shots with what is shown of them, turns, captions, and the tracks of faces as straight
lines between few key frames. All frames count from 0, positions are whole pixels of the video.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vidlib.files import write_text
from vidlib.geometry import simplified
from vidlib.results.exports.boxes import Box
from vidlib.results.exports.edit_timeline import Media
from vidlib.results.exports.webvtt import Caption
from vidlib.results.reframing.framing import Framing, Reframed
from vidlib.results.reframing.plan import FACE
from vidlib.timeline import FPS, Shot, Turns, nearest_frame

SCRIPT = Path(__file__).with_name("after_effects.jsx")

BYTES_PER_HOUR = 1_000_000
"""Most bytes of the data for an hour of video. A short video may have `LEAST_BYTES`."""

LEAST_BYTES = 100_000

TOLERANCE = 0.01
"""Greatest distance of a face from its line, as a share of the height of the video; more where the data need it."""


@dataclass
class Track:
    """A face: its speaker, and for each of its frames the centre of its box."""

    id: int
    speaker: str | None = None
    points: list[tuple[int, float, float]] = field(default_factory=list)


def write(
    path: Path,
    media: Media,
    reframed: Reframed,
    boxes: Iterable[Sequence[Box]],
    turns: Turns,
    lines: Sequence[Caption],
) -> Path:
    """Write the script to ``path`` and the data beside it, with the suffix ``.json``; ``boxes`` are those of shots."""
    about: dict[str, Any] = {
        "format": "vidlib-ae 2",
        "name": f"{Path(media.name).stem} {reframed.aspect[0]}x{reframed.aspect[1]}",
        "fps": int(FPS),
        "frames": media.frames,
        "start": media.start,
        "size": reframed.output,
        "video": {"name": media.name, "path": media.path, "width": media.width, "height": media.height},
        "shots": [_shot(number, *pair) for number, pair in enumerate(_framed(reframed), 1)],
        "turns": [[*_frames(turn.start_s, turn.stop_s), turn.speaker] for turn in turns],
        "captions": [[*_frames(line.start_s, line.stop_s), line.speaker, line.text] for line in lines],
    }
    data = path.with_suffix(".json")
    write_text(data, _text(about, list(_tracks(boxes).values()), media))
    script = SCRIPT.read_text(encoding="utf-8").replace('"@DATA_FILE@"', json.dumps(data.name))
    return write_text(path, script)


def _framed(reframed: Reframed) -> Iterable[tuple[Shot, Framing]]:
    return zip(reframed.shots, reframed.framings, strict=True)


def _shot(number: int, shot: Shot, framing: Framing) -> dict[str, Any]:
    """A shot with the part of the video that is shown: ``picture`` is without bars, ``segments`` has the centres."""
    return {
        "name": f"Shot {number:03}",
        "start": shot.span.start,
        "stop": shot.span.stop,
        "kind": shot.boundary,
        "why": f"{framing.kind}: {framing.why}",
        "fit": framing.kind == "fit",
        "picture": framing.picture,
        "window": framing.window,
        "top": framing.top,
        "segments": [segment.keys for segment in framing.segments],
    }


def _frames(start_s: float, stop_s: float) -> tuple[int, int]:
    first = nearest_frame(start_s)
    return first, max(first + 1, nearest_frame(stop_s))


def _tracks(groups: Iterable[Sequence[Box]]) -> dict[int, Track]:
    tracks: dict[int, Track] = {}
    for box in (box for group in groups for box in group if box.label == FACE):
        track = tracks.setdefault(box.track_id, Track(box.track_id))
        track.speaker = track.speaker or box.speaker
        track.points.append((box.frame, box.x + box.width / 2, box.y + box.height / 2))
    return tracks


def _text(about: dict[str, Any], tracks: Sequence[Track], media: Media) -> str:
    """The data as ASCII JSON, which is also an ECMAScript 3 literal; tracks get coarser until it is small enough."""
    budget = max(LEAST_BYTES, media.frames / float(FPS * 3600) * BYTES_PER_HOUR)
    tolerance = TOLERANCE * media.height
    while True:
        lines = [
            {"id": track.id, "speaker": track.speaker, "keys": simplified(track.points, tolerance)} for track in tracks
        ]
        text = json.dumps(about | {"tracks": lines}, separators=(",", ":"))
        if len(text) <= budget or tolerance > media.height:
            return text
        tolerance *= 2
