"""Who speaks in each tenth of a second: voice prints of short windows against what each person sounds like."""

from collections.abc import Iterator, Sequence

import numpy as np

from vidlib.engines.speech.diarization.embedding import MIN_FRAMES
from vidlib.engines.speech.features import FRAME_RATE

CELL = 10
"""Frames (of 10 ms) that are given to one person together: a tenth of a second."""

CHANGE_COST = 0.5
"""What a change of the speaker costs on the path, in units of likeness (a cosine) times cells."""

Window = tuple[int, int]
"""First frame, and the one after the last."""


def windows(span: tuple[float, float], n_frames: int, length: int, step: int) -> Iterator[Window]:
    """Windows of ``length`` frames, or less, that cover a ``span`` of speech (start, stop) in seconds.

    None where it is too short to know a voice.

    >>> list(windows((0.0, 2.2), 1000, length=150, step=50))
    [(0, 150), (50, 200), (70, 220)]
    """
    first, stop = round(span[0] * FRAME_RATE), min(round(span[1] * FRAME_RATE), n_frames)
    if stop - first >= MIN_FRAMES:
        for start in [*range(first, stop - length, step), max(first, stop - length)]:
            yield start, min(start + length, stop)


def cells(found: Sequence[Window], alike: np.ndarray, n_frames: int) -> np.ndarray:
    """(cells, people): how much the windows around each cell sound like each person; 0 where there is no window.

    ``alike`` is (windows, people). A window counts most in its middle, least at its ends.
    """
    n_cells = -(-n_frames // CELL) + 1
    total, weight = np.zeros((n_cells, alike.shape[1])), np.zeros((n_cells, 1))
    for (first, stop), row in zip(found, alike, strict=True):
        at = np.arange(first // CELL, -(-stop // CELL))
        distance = np.abs(at * CELL + CELL / 2 - (first + stop) / 2) / ((stop - first) / 2 + CELL)
        share = np.maximum(1.05 - distance, 0.05)[:, None]
        total[at] += share * row
        weight[at] += share
    return total / np.maximum(weight, 1e-9)


def cells_of(span: tuple[float, float], n_cells: int) -> slice:
    """The cells that a ``span`` of speech reaches into, at least one."""
    first = min(int(span[0] * FRAME_RATE) // CELL, n_cells - 1)
    return slice(first, min(max(first + 1, -(-round(span[1] * FRAME_RATE) // CELL)), n_cells))


def path(scores: np.ndarray) -> np.ndarray:
    """(cells, people) -> (cells,): the person of each cell, so that likeness less the price of changes is greatest.

    >>> path(np.array([[1, 0], [0.4, 0.5], [1, 0], [0, 1], [0, 1]]))
    array([0, 0, 0, 1, 1])
    """
    best, origins = scores[0], []
    for row in scores[1:]:
        changed = best.max() - CHANGE_COST
        origins.append(np.where(best >= changed, np.arange(len(best)), best.argmax()))
        best = np.maximum(best, changed) + row
    people = [int(best.argmax())]
    for origin in reversed(origins):
        people.append(int(origin[people[-1]]))
    return np.array(people[::-1])
