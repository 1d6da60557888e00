"""Aggregation: from speaker activity in overlapping windows to the speakers of each instant.

The results equal those of ``Inference.aggregate`` and ``SpeakerDiarization.to_diarization`` in pyannote.audio, which
keep a 64-bit copy of every window for every speaker. Here, memory grows with the instants alone.
"""

from collections.abc import Sequence

import numpy as np

BLOCK = 10_000
"""Instants that are sorted together: less than three minutes."""


def aggregate_activity(
    windows: np.ndarray, first_instants: Sequence[int], speakers: np.ndarray, n_instants: int
) -> tuple[np.ndarray, np.ndarray]:
    """Sum the activity of each speaker over all windows around each instant.

    ``windows`` is (windows, frames, local speakers): activity of 0 or 1 as uint8, or probabilities as float32. At most
    255 windows may cover an instant. ``first_instants`` has the instant of the first frame of each window.
    ``speakers``, (windows, local speakers), maps local speakers to global ones from 0; negative numbers are nobody.

    Returns the activity, (instants, speakers), and the number of windows around each instant, (instants, 1) uint8.
    """
    activity = np.zeros((n_instants, max(0, int(speakers.max()) + 1)), windows.dtype)
    n_windows = np.zeros((n_instants, 1), np.uint8)
    for window, first, local_speakers in zip(windows, first_instants, speakers, strict=True):
        instants = slice(first, first + len(window))
        n_windows[instants] += 1
        for speaker in np.unique(local_speakers[local_speakers >= 0]):
            activity[instants, speaker] += window[:, local_speakers == speaker].max(axis=1)
    return activity, n_windows


def most_active(activity: np.ndarray, count: np.ndarray) -> np.ndarray:
    """The ``count``, (instants,), most active speakers of each instant: (instants, speakers) bool.

    ``activity`` is (instants, speakers). The result has further columns where the count exceeds the speakers.

    >>> most_active(np.array([[2, 7], [1, 0]]), np.array([1, 2])).astype(int)
    array([[0, 1],
           [1, 1]])
    """
    n_columns = max(activity.shape[1], int(count.max()))
    speaks = np.zeros((len(activity), n_columns), bool)
    for start in range(0, len(activity), BLOCK):
        block = slice(start, start + BLOCK)
        padded = np.pad(activity[block].astype(np.float32), ((0, 0), (0, n_columns - activity.shape[1])))
        selected = np.arange(n_columns) < count[block, None]
        np.put_along_axis(speaks[block], np.argsort(-padded, axis=1), selected, axis=1)
    return speaks
