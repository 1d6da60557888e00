"""How well it is known which of the visible faces is speaking.

Judged are faces that were found, frame by frame: what was not found is counted with the faces. A face that the truth
calls speaking does not count while the sound is quiet for a third of a second: the truth names clips, and speech has
pauses in them, in which it is right to say that nobody speaks. A face that is silent counts always, as there is no
pause in which it might be right to call it speaking.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from vidlib.evaluation.matching import Pairs
from vidlib.evaluation.score import Score, share

PART = "speaking"

QUIET = 0.04
"""Loudness (root mean square, 0 to 1) below which nothing is heard: between the speech and the room of the clips."""

PAUSE_FRAMES = 9
"""Frames (0.36 s) around each that have to be quiet: shorter pauses belong to speech."""


def scores(pairs: Pairs, loudness: np.ndarray | None = None) -> Iterator[Score]:
    """Precision and recall of ``is_speaking``; and what becomes of listeners whose lips move.

    ``loudness`` (n,) is that of each frame (`media.loudness`); without it pauses count as speech.
    """
    heard = None if loudness is None else audible(loudness)
    outcome: Counter[tuple[bool, bool]] = Counter()
    listeners: Counter[bool] = Counter()
    for pair in pairs.found():
        says = bool(pair.row.is_speaking)
        if not pair.face.speaking or _is_heard(heard, pair.frame):
            outcome[pair.face.speaking, says] += 1
        if pair.face.lips_move and not pair.face.speaking:
            listeners[says] += 1
    right, wrong, missed = outcome[True, True], outcome[False, True], outcome[True, False]
    yield share(PART, "precision", right, right + wrong)
    yield share(PART, "recall", right, right + missed)
    yield share(PART, "F1", 2 * right, 2 * right + wrong + missed)
    if listeners:
        yield share(PART, "right", listeners[False], listeners.total(), "silent, lips move")


def audible(loudness: np.ndarray) -> np.ndarray:
    """Whether something is heard in each frame or shortly beside it: (n,) float in [0, 1] -> (n,) bool."""
    reach = PAUSE_FRAMES // 2
    padded = np.pad(np.asarray(loudness, float), reach)
    return np.lib.stride_tricks.sliding_window_view(padded, PAUSE_FRAMES).max(axis=1) > QUIET


def _is_heard(heard: np.ndarray | None, frame: int) -> bool:
    """Sound that ends before the picture is silence from there on."""
    return heard is None or (frame < len(heard) and bool(heard[frame]))
