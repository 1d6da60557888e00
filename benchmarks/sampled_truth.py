"""Truth of natural clips, made by looking: boundaries everywhere, faces and who speaks in sampled frames only.

A file is ``{"frames", "size", "cuts", "gradual", "optional", "faces", "speaking"}``. Frames count from 0, at 25 frames
per second, and positions are in percent of the picture:

    cuts        the first frames of new shots
    gradual     [first, last, kind] of dissolves and fades
    optional    [first, last]: a boundary there is neither right nor wrong
    faces       {frame: [{"id", "x", "y", "req"}]}; req 0 may be missed; {"any": 1}: other faces there are not false
    speaking    [id, 1 or 0, frames]: who speaks and who is silent
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from vidlib.evaluation import errors
from vidlib.evaluation.errors import ResultError
from vidlib.evaluation.load_results import Results
from vidlib.evaluation.matching import FACES
from vidlib.evaluation.shots import TOLERANCE
from vidlib.timeline import Span, spans_from_frames

NEAR_X, NEAR_Y, NEAR_FACES = 8.0, 14.0, 0.6
"""A row shows a face whose centre is within so many percent of the picture, or 0.6 of the size of its box."""

LEAST_PX = 24
"""A smaller face that is not in the truth is not false."""

SAMPLE_GAP = 18
"""Sampled frames of one wrong stretch of speaking are at most so far apart (every sixth frame is sampled)."""

UNNAMED = frozenset({"left", "behind", "photo", "photo2", "back", "back2", "grey"})
"""Faces that are seen, but who it is nobody could tell."""

Rows = dict[int, list[Any]]


def is_sampled(path: Path) -> bool:
    """Whether the file at ``path`` is such a truth, and not one of `vidlib.evaluation.ground_truth`."""
    return "cuts" in json.loads(path.read_text())


def find_errors(path: Path, results: Results) -> Iterator[ResultError]:
    """The errors in ``results`` that the truth at ``path`` tells of."""
    truth = json.loads(path.read_text())
    rows = by_frame(results.tracks)
    shown: dict[int, Counter[str]] = defaultdict(Counter)
    yield from _boundaries(truth, [shot.span.start for shot in results.shots[1:]])
    yield from _faces(truth, rows, shown)
    named = {track: people for track, people in shown.items() if people.most_common(1)[0][0] not in UNNAMED}
    yield from errors.wrong_people(named, results)
    yield from _speaking(truth, rows)


def by_frame(tracks: pd.DataFrame) -> Rows:
    """The faces of a tracking table in each frame (from 0)."""
    rows: Rows = defaultdict(list)
    for row in tracks[tracks.source == FACES].itertuples(index=False):
        rows[row.frame - 1].append(row)
    return rows


def _boundaries(truth: dict[str, Any], found: Sequence[int]) -> Iterator[ResultError]:
    wanted = [(cut - TOLERANCE, cut + TOLERANCE) for cut in truth["cuts"]]
    wanted += [(first - TOLERANCE, last + TOLERANCE) for first, last, _ in truth["gradual"]]
    gain = np.array([[1e6 - abs(2 * f - a - b) if a <= f <= b else 0.0 for a, b in wanted] for f in found])
    pairs = list(zip(*linear_sum_assignment(gain, maximize=True), strict=True)) if gain.size else []
    right = {(f, w) for f, w in pairs if gain[f, w] > 0}
    for index, (first, last) in enumerate(wanted):
        if index not in {w for _, w in right}:
            yield ResultError(errors.MISSED_BOUNDARY, Span(first, last + 1))
    for index, frame in enumerate(found):
        allowed = any(first <= frame <= last for first, last in truth["optional"])
        if index not in {f for f, _ in right} and not allowed:
            yield ResultError(errors.FALSE_BOUNDARY, Span(frame, frame + 1))


def _near(truth: dict[str, Any], rows: Sequence[Any], faces: Sequence[dict[str, Any]]) -> list[tuple[int, int]]:
    """Pairs of a row and a true face, the nearest, each once."""
    width, height = truth["size"]
    cost = np.full((len(rows), len(faces)), 1e6)
    for i, row in enumerate(rows):
        for j, face in enumerate(faces):
            x, y = abs(row.centroid_x * 100 / width - face["x"]), abs(row.centroid_y * 100 / height - face["y"])
            reach_x = max(NEAR_X, 100 * NEAR_FACES * row.bbox_width / width)
            reach_y = max(NEAR_Y, 100 * NEAR_FACES * row.bbox_height / height)
            if x <= reach_x and y <= reach_y:
                cost[i, j] = x + y * height / width
    pairs = zip(*linear_sum_assignment(cost), strict=True) if cost.size else ()
    return [(int(i), int(j)) for i, j in pairs if cost[i, j] < 1e6]


def _faces(truth: dict[str, Any], rows: Rows, shown: dict[int, Counter[str]]) -> Iterator[ResultError]:
    """Faces that were missed or are false; ``shown`` is filled with the people whom each track shows."""
    false: dict[int, list[int]] = defaultdict(list)
    missed: dict[str, list[int]] = defaultdict(list)
    for frame, listed in sorted((int(frame), listed) for frame, listed in truth["faces"].items()):
        faces = [face for face in listed if "id" in face]
        here = rows.get(frame, [])
        pairs = _near(truth, here, faces)
        for i, j in pairs:
            shown[here[i].track_id][faces[j]["id"]] += 1
        hit = {j for _, j in pairs}
        for j, face in enumerate(faces):
            if face["req"] and j not in hit:
                missed[face["id"]].append(frame)
        if not any("any" in face for face in listed):
            used = {i for i, _ in pairs}
            for i, row in enumerate(here):
                if i not in used and row.bbox_height >= LEAST_PX:
                    false[row.track_id].append(frame)
    sampled = sorted(map(int, truth["faces"]))
    gap = max(np.diff(sampled), default=1)
    for frames in missed.values():
        yield from (ResultError(errors.LOST_FACE, span) for span in spans_from_frames(frames, gap))
    for track, frames in false.items():
        yield ResultError(errors.FALSE_FACE, Span(min(frames), max(frames) + 1), frozenset({int(track)}))


def judged(truth: dict[str, Any], rows: Rows) -> Iterator[tuple[str, int, Any, bool]]:
    """Where it is known whether a face speaks: who it is, the frame, the row of the face, and whether it speaks.

    ``rows`` are the faces of each frame (from 0).
    """
    for who, speaks, frames in truth["speaking"]:
        places = {int(f): face for f, listed in truth["faces"].items() for face in listed if face.get("id") == who}
        for frame in frames:
            keys = [key for key in sorted(places) if _shot(truth, key) == _shot(truth, frame)]
            if not keys:
                continue
            x, y = (float(np.interp(frame, keys, [places[key][axis] for key in keys])) for axis in ("x", "y"))
            here = rows.get(frame, [])
            for row, _ in _near(truth, here, [{"x": x, "y": y}]):
                yield who, frame, here[row], bool(speaks)


def _speaking(truth: dict[str, Any], rows: Rows) -> Iterator[ResultError]:
    wrong: dict[tuple[str, bool], dict[int, int]] = defaultdict(dict)
    for who, frame, row, speaks in judged(truth, rows):
        if bool(row.is_speaking) != speaks:
            wrong[who, speaks][frame] = int(row.track_id)
    for tracks in wrong.values():
        for span in spans_from_frames(tracks, SAMPLE_GAP):
            own = frozenset(track for frame, track in tracks.items() if frame in span)
            yield ResultError(errors.WRONG_FACE_SPEAKER, span, own)


def _shot(truth: dict[str, Any], frame: int) -> int:
    starts = [*truth["cuts"], *((first + last) // 2 for first, last, _ in truth["gradual"])]
    return sum(frame >= start for start in starts)
