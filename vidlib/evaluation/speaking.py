"""Scores of the active speaker: which of the visible faces is speaking.

The scores cover the detected faces, frame by frame; missed faces count in the scores of faces. The truth marks whole
clips as speaking, and speech has pauses. So a speaking face does not count while the sound is quiet for a third of a
second. A silent face always counts.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from vidlib.evaluation.matching import FaceMatches
from vidlib.evaluation.score import Score, share

PART = "speaking"

QUIET = 0.04
"""Loudness (root mean square, 0 to 1) of silence: between the speech and the room noise of the clips."""

PAUSE_FRAMES = 9
"""Width in frames (0.36 s) of a quiet window; shorter pauses belong to speech."""


def scores(matches: FaceMatches, loudness: np.ndarray | None = None) -> Iterator[Score]:
    """Precision and recall of ``is_speaking``, and the share of right answers for listeners with moving lips.

    ``loudness`` (n,) holds the loudness of each frame; without it, pauses count as speech.
    """
    heard = None if loudness is None else audible(loudness)
    outcome: Counter[tuple[bool, bool]] = Counter()
    listeners: Counter[bool] = Counter()
    for match in matches.detected():
        speaking = bool(match.row.is_speaking)
        if not match.face.speaking or _is_heard(heard, match.frame):
            outcome[match.face.speaking, speaking] += 1
        if match.face.lips_move and not match.face.speaking:
            listeners[speaking] += 1
    right, wrong, missed = outcome[True, True], outcome[False, True], outcome[True, False]
    yield share(PART, "precision", right, right + wrong)
    yield share(PART, "recall", right, right + missed)
    yield share(PART, "F1", 2 * right, 2 * right + wrong + missed)
    if listeners:
        yield share(PART, "right", listeners[False], listeners.total(), "silent, lips move")


def audible(loudness: np.ndarray) -> np.ndarray:
    """Whether there is sound in each frame or close to it: (n,) float in [0, 1] -> (n,) bool."""
    reach = PAUSE_FRAMES // 2
    padded = np.pad(np.asarray(loudness, float), reach)
    return np.lib.stride_tricks.sliding_window_view(padded, PAUSE_FRAMES).max(axis=1) > QUIET


def _is_heard(heard: np.ndarray | None, frame: int) -> bool:
    """Whether there is sound in ``frame``. After the end of the sound there is silence."""
    return heard is None or (frame < len(heard) and bool(heard[frame]))
