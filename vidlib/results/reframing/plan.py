"""The plan of a video: a `Framing` for each shot, from its faces, its objects, and what people decided."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np

from vidlib.corrections.actions import SetFraming
from vidlib.geometry import simplified
from vidlib.results.exports.boxes import Box
from vidlib.results.reframing import gliding
from vidlib.results.reframing.framing import Area, Framing, Kind, Segment, window_size
from vidlib.results.reframing.windows import Boxes, best_start, boxes_of, standing, worth
from vidlib.timeline import Shot

FACE = "face"

LEAST_FRAMES = 10
"""Faces seen more briefly in a shot do not count: they are remains of a dissolve."""

WHOLE_SHARE = 0.97
"""A window that stands still suffices where the face is whole in this share of its frames."""

SEEN_SHARE = 0.5
"""A window follows only a face that is seen in this share of the frames."""

GLIDE_GAIN = 0.02
"""A window glides only if that is worth the speaker in this share more of the frames."""

FIT_SHARE = 0.5
"""The whole picture is shown where a face is whole in less than this share of the frames with faces."""


@dataclass(frozen=True)
class Room:
    """Where a window may stand: its size, in ``picture``, the picture without black bars."""

    picture: Area
    size: tuple[int, int]

    @property
    def lefts(self) -> tuple[int, int]:
        """The first and the last left edge of the window."""
        return self.picture.left, self.picture.left + self.picture.width - self.size[0]

    @property
    def tops(self) -> tuple[int, int]:
        """The first and the last upper edge of the window."""
        return self.picture.top, self.picture.top + self.picture.height - self.size[1]


def plan(
    shots: Sequence[Shot],
    groups: Iterable[Sequence[Box]],
    pictures: Sequence[Area],
    aspect: tuple[int, int],
    decisions: Iterable[SetFraming] = (),
) -> list[Framing]:
    """A framing for each of ``shots``; ``pictures`` has the part of each without bars.

    ``groups`` are the boxes, in any number of groups, in order of frame. A later decision about a shot wins.
    """
    decided = {index: one for one in decisions if (index := _shot_at(shots, one.frame)) is not None}
    framings = []
    for index, (shot, boxes, picture) in enumerate(zip(shots, _by_shot(shots, groups), pictures, strict=True)):
        room = Room(picture, window_size(picture, aspect))
        framings.append(_decided(decided[index], shot, boxes, room) if index in decided else _frame(shot, boxes, room))
    return framings


def _shot_at(shots: Sequence[Shot], frame: int) -> int | None:
    return next((index for index, shot in enumerate(shots) if frame in shot.span), None)


def _by_shot(shots: Sequence[Shot], groups: Iterable[Sequence[Box]]) -> Iterator[list[Box]]:
    """The boxes of one shot after the other, of which only these are in memory."""
    boxes = chain.from_iterable(groups)
    box = next(boxes, None)
    for shot in shots:
        found = []
        while box is not None and box.frame < shot.span.stop:
            found.append(box)
            box = next(boxes, None)
        yield found


def _decided(decision: SetFraming, shot: Shot, boxes: Sequence[Box], room: Room) -> Framing:
    """What a person decided: the whole picture, or a window that stands still."""
    middle = room.picture.left + room.picture.width // 2
    kind: Kind = "fit" if decision.centre is None else "static"
    return _still(kind, "person", shot, middle if decision.centre is None else decision.centre, _top(boxes, room), room)


def _frame(shot: Shot, boxes: Sequence[Box], room: Room) -> Framing:
    faces = _lasting_faces(boxes, shot)
    top = _top(boxes, room)
    if not len(faces):
        return _without_faces(shot, boxes, top, room)
    why = "speaker" if faces.speaks.any() else "faces"
    segments, shares = zip(*_segments(shot, faces, room), strict=True)
    if min(shares) < FIT_SHARE:
        return _still("fit", "too wide", shot, room.picture.left + room.picture.width // 2, top, room)
    kind: Kind = "switch" if len(segments) > 1 else "static"
    if any(len(segment.keys) > 1 for segment in segments):
        kind = "pan"
    return Framing(kind, why, room.picture, room.size, top, segments)


def _still(kind: Kind, why: str, shot: Shot, centre: int, top: int, room: Room) -> Framing:
    first, last = room.lefts
    centre = min(max(centre, first + room.size[0] // 2), last + room.size[0] // 2)
    segment = Segment(shot.span.start, shot.span.stop, ((shot.span.start, centre),))
    return Framing(kind, why, room.picture, room.size, top, (segment,))


def _lasting_faces(boxes: Sequence[Box], shot: Shot) -> Boxes:
    counts = Counter(box.track_id for box in boxes)
    lasting = [box for box in boxes if box.label == FACE and counts[box.track_id] >= LEAST_FRAMES]
    return boxes_of(lasting, shot.span.start)


def _without_faces(shot: Shot, boxes: Sequence[Box], top: int, room: Room) -> Framing:
    objects = boxes_of([box for box in boxes if box.label != FACE], shot.span.start)
    if not len(objects):
        return _still("static", "middle", shot, room.picture.left + room.picture.width // 2, top, room)
    left = best_start(*objects.needed(room.size[0]), _weights(objects), room.size[0], *room.lefts)
    return _still("static", "object", shot, left + room.size[0] // 2, top, room)


def _weights(boxes: Boxes) -> np.ndarray:
    return (boxes.right - boxes.left) * boxes.height * boxes.confidence


def _top(boxes: Sequence[Box], room: Room) -> int:
    """The upper edge of the window: that which holds the most of faces, else of objects, else the middle."""
    first, last = room.tops
    faces = [box for box in boxes if box.label == FACE]
    if first == last or not boxes:
        return (first + last) // 2
    shown = boxes_of(faces or boxes, 0)
    middle, half = (shown.top + shown.bottom) / 2, shown.height / 2
    reach = np.minimum(1.3 * half, room.size[1] / 2)
    return best_start(middle - reach, middle + reach, _weights(shown), room.size[1], first, last)


def _segments(shot: Shot, faces: Boxes, room: Room) -> list[tuple[Segment, float]]:
    """The segments of a shot, each with the share of its frames with faces in which one is whole."""
    n_frames, window = len(shot.span), room.size[0]
    starts = standing(faces, n_frames, window, *room.lefts)
    edges = [0, *(np.flatnonzero(np.diff(starts)) + 1).tolist(), n_frames]
    found = []
    for start, stop in pairwise(edges):
        inside = faces[(start <= faces.frame) & (faces.frame < stop)].shifted(-start)
        lefts = _stand_or_glide(inside, starts[start:stop].astype(float), room)
        first = shot.span.start + start
        segment = Segment(first, first + stop - start, _keys(lefts + window / 2, first))
        found.append((segment, _whole_share(inside, lefts, window)))
    return found


def _stand_or_glide(faces: Boxes, stands: np.ndarray, room: Room) -> np.ndarray:
    """The left edge of the window in each frame: it glides where that shows its person longer."""
    if not len(faces):
        return stands
    window = room.size[0]
    now = worth(faces, stands[faces.frame], window)
    main = _main(faces, now)
    seen = len(np.unique(main.frame)) / len(stands)
    if seen < SEEN_SHARE or _whole_share(main, stands, window) >= WHOLE_SHARE:
        return stands
    glides = gliding.way(main, len(stands), window, *room.lefts, room.picture.width)
    gain = (worth(faces, glides[faces.frame], window) - now).sum()
    return glides if gain > GLIDE_GAIN * len(stands) else stands


def _main(faces: Boxes, values: np.ndarray) -> Boxes:
    """The face for which a window stands where it does: that with most of its ``values``, else the one seen longest."""
    ranks = {p: (values[faces.person == p].sum(), (faces.person == p).sum()) for p in np.unique(faces.person).tolist()}
    return faces.of_people({max(ranks, key=ranks.__getitem__)})


def _whole_share(faces: Boxes, lefts: np.ndarray, window: int) -> float:
    """The share of the frames with faces in which one is whole; 1 without faces."""
    whole = faces.frame[faces.whole(lefts[faces.frame], window)]
    return len(np.unique(whole)) / len(np.unique(faces.frame)) if len(faces) else 1.0


def _keys(centres: np.ndarray, start: int) -> tuple[tuple[int, int], ...]:
    """The fewest keys of which straight lines stay within a pixel of ``centres`` (n,), one for each frame."""
    points = [(start + frame, centre, 0.0) for frame, centre in enumerate(centres.tolist())]
    keys = tuple((frame, x) for frame, x, _ in simplified(points, 1.0))
    return keys[:1] if len({x for _, x in keys}) == 1 else keys
