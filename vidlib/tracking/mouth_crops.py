"""What mouths do: cut out of every frame, and looked at in windows, beside all else that is done."""

from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from vidlib.geometry import square_around
from vidlib.protocols import ActiveSpeakerModel
from vidlib.tracking.association import Track

SQUARE = 0.7
"""Side of the square around a mouth, in longer sides of the face's box: what LR-ASD was trained with (a square of 1.4
times the box, of which it sees the half in the middle)."""

BELOW = 0.2
"""How far its middle lies below that of the box, in longer sides of the box (as published)."""

MOST_WAITING = 16
"""Windows that wait for their turn at most, about 1 MB each: with more faces than can be looked at, all wait."""


def mouth_of(picture: np.ndarray, box: np.ndarray, side: int) -> np.ndarray:
    """The mouth of the face in ``box`` (4,) of a picture, (height, width, 3) uint8 RGB -> (side, side) uint8 grey."""
    import cv2

    down = BELOW * float(max(box[2:] - box[:2]))
    square, _ = square_around(picture, box + np.array([0, down, 0, down]), SQUARE)
    return cv2.resize(cv2.cvtColor(square, cv2.COLOR_RGB2GRAY), (side, side), interpolation=cv2.INTER_LINEAR)


@dataclass
class Reel:
    """One mouth in consecutive frames from ``start`` on; ``crops`` begin a margin before frame ``at``, the first that
    was not looked at yet. ``seen``: at which frames somebody looked, and what was seen, (n, features).
    """

    start: int
    at: int
    crops: list[np.ndarray] = field(default_factory=list)
    seen: list[tuple[range, Future[np.ndarray]]] = field(default_factory=list)


class Mouths:
    """Looks at the mouths of one shot while its frames pass.

    ``speech`` (n,) bool says in which frames from ``start`` on somebody may speak: where nobody does, nobody looks.
    """

    def __init__(self, looker: ActiveSpeakerModel, start: int, speech: np.ndarray):
        self._looker, self._start, self._speech = looker, start, speech
        self._reels: dict[int, Reel] = {}
        self._waiting: deque[Future[np.ndarray]] = deque()

    def show(self, track: Track, frame: int, picture: np.ndarray, box: np.ndarray) -> None:
        """The next frame of a face's track."""
        margin, window = self._looker.margin, self._looker.window
        reel = self._reels.setdefault(id(track), Reel(frame, frame))
        crop = mouth_of(picture, box, self._looker.side)
        reel.crops += [crop] * (1 if reel.crops else 1 + margin)
        if len(reel.crops) == margin + window + margin:
            self._look(reel, window)

    def seen(self, track: Track) -> np.ndarray | None:
        """What its mouth does in each frame of its span: (n, features) float32, zeros where nobody looked.

        None where nobody looked at all. Nothing more can be shown of it.
        """
        reel = self._reels[id(track)]
        reel.crops += reel.crops[-1:] * self._looker.margin
        while (left := track.span.stop - reel.at) > 0:
            self._look(reel, min(left, self._looker.window))
        if not reel.seen:
            return None
        parts = [(frames, looked.result()) for frames, looked in reel.seen]
        known = np.zeros((reel.at - reel.start, parts[0][1].shape[1]), np.float32)
        for frames, part in parts:
            known[frames.start - reel.start : frames.stop - reel.start] = part
        return known[: len(track.span)]

    def _look(self, reel: Reel, n_frames: int) -> None:
        """Begin to look at the next frames of a reel, from the first to the last in which somebody may speak."""
        spoken = np.flatnonzero(self._speech[reel.at - self._start :][:n_frames])
        if len(spoken):
            frames = range(reel.at + int(spoken[0]), reel.at + int(spoken[-1]) + 1)
            crops = reel.crops[spoken[0] : spoken[-1] + 1 + 2 * self._looker.margin]
            reel.seen.append((frames, self._looker.encode_mouth(np.stack(crops))))
            self._waiting.append(reel.seen[-1][1])
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popleft().result()
        del reel.crops[:n_frames]
        reel.at += n_frames
