"""The package for After Effects: ``_ae.jsx``, a script that builds a vertical composition, and its data, ``_ae.json``.

The data hold shots with the centre of their window, turns, captions, and the tracks of faces as straight lines between
few key frames. All frames count from 0, positions are whole pixels of the video.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vidlib.files import write_text
from vidlib.results import vertical
from vidlib.results.exports.boxes import Box
from vidlib.results.exports.edit_timeline import Media
from vidlib.results.exports.webvtt import Caption
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
    shots: Sequence[Shot],
    boxes: Iterable[Sequence[Box]],
    turns: Turns,
    lines: Sequence[Caption],
) -> Path:
    """Write the script to ``path`` and the data beside it, with the suffix ``.json``; ``boxes`` are those of shots."""
    groups = list(boxes)
    windows = vertical.windows(shots, groups, media.width, media.height)
    about: dict[str, Any] = {
        "format": "vidlib-ae 1",
        "name": f"{Path(media.name).stem} vertical",
        "fps": int(FPS),
        "frames": media.frames,
        "start": media.start,
        "window": vertical.window_width(media.width, media.height),
        "video": {"name": media.name, "path": media.path, "width": media.width, "height": media.height},
        "shots": [
            {
                "name": f"Shot {number:03}",
                "start": shot.span.start,
                "stop": shot.span.stop,
                "kind": shot.boundary,
                "keys": window.keys,
                "why": f"{window.kind}: {window.why}",
            }
            for number, (shot, window) in enumerate(zip(shots, windows, strict=True), 1)
        ],
        "turns": [[*_frames(turn.start_s, turn.stop_s), turn.speaker] for turn in turns],
        "captions": [[*_frames(line.start_s, line.stop_s), line.speaker, line.text] for line in lines],
    }
    data = path.with_suffix(".json")
    write_text(data, _text(about, list(_tracks(groups).values()), media))
    script = SCRIPT.read_text(encoding="utf-8").replace('"@DATA_FILE@"', json.dumps(data.name))
    return write_text(path, script)


def _frames(start_s: float, stop_s: float) -> tuple[int, int]:
    first = nearest_frame(start_s)
    return first, max(first + 1, nearest_frame(stop_s))


def _tracks(groups: Iterable[Sequence[Box]]) -> dict[int, Track]:
    tracks: dict[int, Track] = {}
    for box in (box for group in groups for box in group if box.label == vertical.FACE):
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


def simplified(points: Sequence[tuple[int, float, float]], tolerance: float) -> list[list[int]]:
    """The fewest of ``points``, (frame, x, y) in order, of which straight lines stay within ``tolerance`` of all.

    Lines are straight in time, as between key frames (Douglas and Peucker's algorithm with that distance).

    >>> simplified([(0, 0, 0), (1, 10, 0), (2, 20, 0), (3, 0, 0)], 1)
    [[0, 0, 0], [2, 20, 0], [3, 0, 0]]
    """
    rows = np.array(points, float)
    kept, waiting = {0, len(rows) - 1}, [(0, len(rows) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        share = (rows[first : last + 1, 0] - rows[first, 0]) / (rows[last, 0] - rows[first, 0])
        line = rows[first, 1:] + share[:, None] * (rows[last, 1:] - rows[first, 1:])
        distance = np.abs(rows[first : last + 1, 1:] - line).max(axis=1)
        if distance.max() > tolerance:
            worst = first + int(distance.argmax())
            kept.add(worst)
            waiting += [(first, worst), (worst, last)]
    return [[round(value) for value in rows[index]] for index in sorted(kept)]
