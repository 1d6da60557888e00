"""The speaker of each tenth of a second: speaker embeddings of short windows, decoded by the Viterbi algorithm."""

from collections.abc import Iterator, Sequence

import numpy as np

from vidlib.engines.speech.diarization.embedding import MIN_FRAMES
from vidlib.engines.speech.features import FRAME_RATE
from vidlib.timeline import Segment

CELL = 10
"""Feature frames (of 10 ms) in a cell, the unit that has one speaker: a tenth of a second."""

CHANGE_COST = 0.5
"""Cost of a speaker change on the path, in units of similarity (a cosine) times cells."""

Window = tuple[int, int]
"""First feature frame, and the one after the last."""


def sliding_windows(segment: Segment, n_frames: int, length: int, step: int) -> Iterator[Window]:
    """Windows of up to ``length`` feature frames, ``step`` apart, that cover a segment of speech.

    A segment too short for a speaker embedding has none. ``n_frames`` is the length of the whole sound.

    >>> list(sliding_windows(Segment(0.0, 2.2), 1000, length=150, step=50))
    [(0, 150), (50, 200), (70, 220)]
    """
    first, stop = round(segment.start_s * FRAME_RATE), min(round(segment.stop_s * FRAME_RATE), n_frames)
    if stop - first >= MIN_FRAMES:
        for start in [*range(first, stop - length, step), max(first, stop - length)]:
            yield start, min(start + length, stop)


def count_cells(n_frames: int) -> int:
    """How many cells a sound of ``n_frames`` feature frames has, with one for the rest of its samples."""
    return -(-n_frames // CELL) + 1


def cell_scores(windows: Sequence[Window], similarity: np.ndarray, n_frames: int) -> np.ndarray:
    """(cells, speakers): the weighted mean similarity of the windows around each cell; 0 without a window.

    ``similarity`` is (windows, speakers). A window weighs most in its middle and least at its ends.
    """
    n_cells = count_cells(n_frames)
    total, weight = np.zeros((n_cells, similarity.shape[1])), np.zeros((n_cells, 1))
    for (first, stop), row in zip(windows, similarity, strict=True):
        cells = np.arange(first // CELL, -(-stop // CELL))
        distance = np.abs(cells * CELL + CELL / 2 - (first + stop) / 2) / ((stop - first) / 2 + CELL)
        share = np.maximum(1.05 - distance, 0.05)[:, None]
        total[cells] += share * row
        weight[cells] += share
    return total / np.maximum(weight, 1e-9)


def cells_of(segment: Segment, n_cells: int) -> slice:
    """The cells that a segment of speech touches, at least one."""
    first = min(int(segment.start_s * FRAME_RATE) // CELL, n_cells - 1)
    return slice(first, min(max(first + 1, -(-round(segment.stop_s * FRAME_RATE) // CELL)), n_cells))


def best_path(scores: np.ndarray) -> np.ndarray:
    """(cells, speakers) scores -> (cells,) speakers: the path with the highest score after the cost of changes.

    >>> best_path(np.array([[1, 0], [0.4, 0.5], [1, 0], [0, 1], [0, 1]]))
    array([0, 0, 0, 1, 1])
    """
    best, origins = scores[0], []
    for row in scores[1:]:
        changed = best.max() - CHANGE_COST
        origins.append(np.where(best >= changed, np.arange(len(best)), best.argmax()))
        best = np.maximum(best, changed) + row
    path = [int(best.argmax())]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    return np.array(path[::-1])
