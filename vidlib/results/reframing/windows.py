"""Where a window stands in a shot, and when it changes its place: to show the people, above all those who speak.

It changes its place only where another speaker begins and it pays to show that one (Viterbi's algorithm over the best
places of each person, each pair, and all).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import combinations

import numpy as np

from vidlib.results.exports.boxes import Box
from vidlib.timeline import FPS

WIDENED = 0.25
"""A face is whole in the window with this share of its width on both sides."""

MOST_REACH = 0.45
"""A face needs no more than this share of the window on both sides of its middle, so that a close-up may move."""

SPEAKING_WEIGHT = 3.0
"""A face that speaks counts this much more than a silent one."""

SILENT_REWARD, CUT_PENALTY = 0.35, 0.3
"""A frame with the speaker whole in the window is worth 1. A silent face is worth the first share of it, and one
that the border cuts costs the second. Both are multiplied by its height beside the tallest face of the shot."""

SWITCH_COST = 0.75 * float(FPS)
"""A change of the window costs as much as the speaker in view for 0.75 s, so none lasts less than about 1.5 s."""

ONSET_FRAMES = 12
"""The window changes its place only within so many frames of the moment at which somebody begins to speak."""

LEAD_FRAMES = 6
"""A person counts as speaking so many frames before the first word is seen, so that the window is there in time."""

LEAST_JUMP = 0.5
"""A change of place moves the window by this share of its width at least: less looks like a mistake."""

MOST_PEOPLE = 6
"""People whose windows are compared in a shot."""


@dataclass(frozen=True)
class Boxes:
    """Boxes of a shot as arrays (n,): positions are pixels of the video, frames count from the first of the shot.

    ``person`` is a number for each speaker, and for each track without one.
    """

    frame: np.ndarray
    person: np.ndarray
    left: np.ndarray
    right: np.ndarray
    top: np.ndarray
    bottom: np.ndarray
    speaks: np.ndarray
    confidence: np.ndarray

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, rows: np.ndarray) -> "Boxes":
        return Boxes(*(getattr(self, field.name)[rows] for field in fields(self)))

    @property
    def height(self) -> np.ndarray:
        return self.bottom - self.top

    def shifted(self, frames: int) -> "Boxes":
        """The boxes so many frames later."""
        return replace(self, frame=self.frame + frames)

    def of_people(self, people: set[int]) -> "Boxes":
        """The boxes of these people."""
        return self[np.isin(self.person, list(people))]

    def needed(self, window: int) -> tuple[np.ndarray, np.ndarray]:
        """From where to where a window must reach to show each box with its margins, (n,) each.

        Of a box that is as wide as the window, it is the middle part.
        """
        middle, half = (self.left + self.right) / 2, (self.right - self.left) / 2
        reach = np.minimum((1 + 2 * WIDENED) * half, np.clip(half, MOST_REACH * window, window / 2))
        return middle - reach, middle + reach

    def whole(self, starts: np.ndarray, window: int) -> np.ndarray:
        """Whether each box is whole in the window that begins at ``starts`` (n,), without margins: (n,) bool."""
        return (starts <= self.left) & (self.right <= starts + window)


def boxes_of(boxes: Sequence[Box], start: int) -> Boxes:
    """The boxes of a shot that begins with frame ``start``, as arrays."""
    numbers: dict[str | int, int] = {}
    people = [numbers.setdefault(box.speaker or box.track_id, len(numbers)) for box in boxes]
    places = np.array([(box.x, box.x + box.width, box.y, box.y + box.height) for box in boxes], float).reshape(-1, 4)
    frames = np.array([box.frame - start for box in boxes], int)
    flags = np.array([box.is_speaking for box in boxes], bool)
    confidence = np.array([box.confidence for box in boxes], float)
    left, right, top, bottom = places.T
    return Boxes(frames, np.array(people, int), left, right, top, bottom, flags, confidence)


def standing(faces: Boxes, n_frames: int, window: int, first: int, last: int) -> np.ndarray:
    """The left edge of the window in each frame of a shot with ``faces``: (n_frames,) int in [``first``, ``last``]."""
    onsets = _onsets(faces, n_frames)
    heard = replace(faces, speaks=faces.speaks | _lead(faces, onsets))
    starts = _candidates(heard, window, first, last)
    places = np.array(starts)
    costs = np.where(abs(places[:, None] - places) >= LEAST_JUMP * window, SWITCH_COST, np.inf)
    np.fill_diagonal(costs, 0)
    may_change = np.zeros(n_frames, bool)
    for onset in np.flatnonzero(np.any([*onsets.values()], axis=0)):
        may_change[max(0, onset - ONSET_FRAMES) : onset + ONSET_FRAMES + 1] = True
    path = viterbi(_rewards(heard, starts, n_frames, window), costs, may_change)
    return places[path]


def _onsets(faces: Boxes, n_frames: int) -> dict[int, np.ndarray]:
    """For each person, the frames in which he or she begins to speak: (n_frames,) bool."""
    found = {}
    for person in np.unique(faces.person).tolist():
        spoken = np.zeros(n_frames, np.int8)
        spoken[faces.frame[(faces.person == person) & faces.speaks]] = 1
        found[person] = np.diff(spoken, prepend=0) > 0
    return found


def _lead(faces: Boxes, onsets: Mapping[int, np.ndarray]) -> np.ndarray:
    """Whether each box is that of a person who is about to speak: (n,) bool."""
    soon = np.zeros(len(faces), bool)
    for person, onset in onsets.items():
        before = np.convolve(onset[::-1], np.ones(LEAD_FRAMES + 1))[: len(onset)][::-1] > 0
        soon |= (faces.person == person) & before[faces.frame]
    return soon


def best_start(left: np.ndarray, right: np.ndarray, weights: np.ndarray, window: int, first: int, last: int) -> int:
    """The start of the window in [``first``, ``last``] that holds the most weight of the needs ``left`` to ``right``.

    Of all such starts, it is the nearest to the one that has the needs in its middle.
    """
    first_place = np.clip(np.ceil(right - window), first, last).astype(int) - first
    last_place = np.maximum(np.clip(np.floor(left), first, last).astype(int) - first, first_place)
    change = np.zeros(last - first + 2)
    np.add.at(change, first_place, weights)
    np.add.at(change, last_place + 1, -weights)
    held = np.cumsum(change)[: last - first + 1]
    best = np.flatnonzero(held >= held.max() - 1e-6)
    run = max(np.split(best, np.flatnonzero(np.diff(best) > 1) + 1), key=len) + first
    centred = np.average((left + right - window) / 2, weights=weights)
    return int(np.clip(round(centred), run[0], run[-1]))


def _candidates(faces: Boxes, window: int, first: int, last: int) -> list[int]:
    """Starts that suit one person, two, or all: the best window of each; of many people, those seen longest."""
    counts = Counter(faces.person.tolist())
    people = [person for person, _ in counts.most_common(MOST_PEOPLE)]
    groups = [{person} for person in people] + [set(pair) for pair in combinations(people, 2)] + [set(counts)]
    starts = []
    for group in groups:
        members = faces.of_people(group)
        weights = np.where(members.speaks, SPEAKING_WEIGHT, 1.0)
        starts.append(best_start(*members.needed(window), weights, window, first, last))
    return list(dict.fromkeys(starts))  # that of one person first: it has this person in the middle


def _rewards(faces: Boxes, starts: Sequence[int], n_frames: int, window: int) -> np.ndarray:
    """What each window is worth in each frame of the shot: (frames, candidates)."""
    rewards = np.zeros((n_frames, len(starts)))
    np.add.at(rewards, faces.frame, _values(faces, np.array(starts)[None], window))
    return rewards


def worth(faces: Boxes, starts: np.ndarray, window: int) -> np.ndarray:
    """What a window that begins at ``starts`` (n,) is worth by each box: 1 for the speaker; (n,) float."""
    return _values(faces, starts[:, None], window)[:, 0]


def _values(faces: Boxes, starts: np.ndarray, window: int) -> np.ndarray:
    """What each box is worth in a window at ``starts``, (n, m) or (1, m): (n, m)."""
    left, right = (edges[:, None] for edges in faces.needed(window))
    whole = (starts <= left) & (right <= starts + window)
    cut = ~whole & (left < starts + window) & (starts < right)
    shares = (faces.height / faces.height.max())[:, None]
    shown = np.where(faces.speaks[:, None], 1.0, SILENT_REWARD * shares)
    return np.where(whole, shown, np.where(cut, -CUT_PENALTY * shares, 0.0))


def viterbi(rewards: np.ndarray, costs: np.ndarray, may_change: np.ndarray) -> np.ndarray:
    """The candidate of each frame with the highest sum of ``rewards`` (frames, candidates), less the ``costs``.

    ``costs`` (candidates, candidates) are those of a change from one to another, which is possible in the frames
    ``may_change`` only.
    """
    n_frames, n_candidates = rewards.shape
    sources = np.tile(np.arange(n_candidates), (n_frames, 1))
    total = rewards[0].copy()
    for frame in range(1, n_frames):
        if may_change[frame]:
            values = total[:, None] - costs
            sources[frame] = values.argmax(axis=0)
            total = values.max(axis=0)
        total = total + rewards[frame]
    path = np.zeros(n_frames, int)
    path[-1] = int(total.argmax())
    for frame in range(n_frames - 1, 0, -1):
        path[frame - 1] = sources[frame, path[frame]]
    return path
