"""What mouths do: cut out of every frame, and looked at in windows, so that only a few frames of each are in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from vidlib.boxes import square_around
from vidlib.tracking.linking import Track

SQUARE = 0.7
"""Side of the square around a mouth, in longer sides of the face's box: what LR-ASD was trained with (a square of 1.4
times the box, of which it sees the half in the middle)."""

BELOW = 0.2
"""How far its middle lies below that of the box, in longer sides of the box (as published)."""


class Looker(Protocol):
    """Describes what mouths do in windows of frames, see `vidlib.engines.active_speaker.ActiveSpeaker`."""

    side: int
    window: int
    margin: int

    def look(self, windows: Sequence[np.ndarray]) -> list[np.ndarray]: ...


def mouth_of(picture: np.ndarray, box: np.ndarray, side: int) -> np.ndarray:
    """The mouth of the face in ``box`` (4,) of a picture, (height, width, 3) uint8 RGB -> (side, side) uint8 grey."""
    import cv2

    down = BELOW * float(max(box[2:] - box[:2]))
    square, _ = square_around(picture, box + np.array([0, down, 0, down]), SQUARE)
    return cv2.resize(cv2.cvtColor(square, cv2.COLOR_RGB2GRAY), (side, side), interpolation=cv2.INTER_LINEAR)


@dataclass
class Reel:
    """One mouth in consecutive frames; ``crops`` begin a margin before frame ``at``, the first not looked at yet."""

    at: int
    crops: list[np.ndarray] = field(default_factory=list)
    seen: list[np.ndarray] = field(default_factory=list)


class Mouths:
    """Looks at the mouths of one shot while its frames pass.

    ``speech`` (n,) bool says in which frames from ``start`` on somebody speaks: where nobody does, nobody looks.
    """

    def __init__(self, looker: Looker, start: int, speech: np.ndarray):
        self._looker, self._start, self._speech = looker, start, speech
        self._reels: dict[int, Reel] = {}

    def show(self, track: Track, frame: int, picture: np.ndarray, box: np.ndarray) -> None:
        """The next frame of a face's track."""
        reel = self._reels.setdefault(id(track), Reel(frame))
        crop = mouth_of(picture, box, self._looker.side)
        reel.crops += [crop] * (1 if reel.crops else 1 + self._looker.margin)

    def look(self, last: bool = False) -> None:
        """Look at the windows that are complete; at the ``last`` frame of the shot, at what is left as well."""
        ready = [(reel, *window) for reel in self._reels.values() for window in self._windows(reel, last)]
        spoken = [self._speech[at - self._start :][: self._looker.window].any() for _, at, _ in ready]
        wanted = [window for (_, _, window), wanted in zip(ready, spoken, strict=True) if wanted]
        looked = iter(self._looker.look(wanted))
        for (reel, _, _), any_speech in zip(ready, spoken, strict=True):
            reel.seen.append(next(looked) if any_speech else None)

    def _windows(self, reel: Reel, last: bool) -> Iterator[tuple[int, np.ndarray]]:
        """Take the windows that a reel fills, each with its first frame; the last frame fills up the last one."""
        margin, window = self._looker.margin, self._looker.window
        size = margin + window + margin
        while len(reel.crops) >= size or (last and len(reel.crops) > margin):
            crops = reel.crops[:size]
            yield reel.at, np.stack(crops + crops[-1:] * (size - len(crops)))
            del reel.crops[:window]
            reel.at += window

    def seen(self, track: Track) -> np.ndarray | None:
        """What its mouth does in each frame of its span: (n, features) float32, zeros where nobody looked.

        None where nobody looked at all.
        """
        parts = self._reels[id(track)].seen
        known = next((part for part in parts if part is not None), None)
        if known is None:
            return None
        return np.concatenate([np.zeros_like(known) if part is None else part for part in parts])[: len(track.span)]
