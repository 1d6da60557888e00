"""From the voices in windows that overlap to the people in each instant: who is heard there, how often, and who speaks.

The same numbers as pyannote.audio's ``Inference.aggregate`` and ``SpeakerDiarization.to_diarization`` make, which hold
each window once more for each person, as 64 bit numbers.
"""

from collections.abc import Sequence

import numpy as np

AT_ONCE = 10_000
"""Instants that are sorted together, less than three minutes."""


def heard_around(
    windows: np.ndarray, firsts: Sequence[int], people: np.ndarray, n_instants: int
) -> tuple[np.ndarray, np.ndarray]:
    """How often each person is heard around each instant, (instants, people); in how many windows, (instants, 1).

    ``windows`` are (windows, frames, voices), at most 255 around an instant: 1 where a voice speaks and 0 elsewhere, or
    how likely that is. ``firsts`` are the instants of their first frames; ``people``, (windows, voices), who has each
    voice, from 0, or nobody: less.
    """
    heard = np.zeros((n_instants, max(0, int(people.max()) + 1)), windows.dtype)
    around = np.zeros((n_instants, 1), np.uint8)
    for voices, first, whose in zip(windows, firsts, people, strict=True):
        at = slice(first, first + len(voices))
        around[at] += 1
        for person in np.unique(whose[whose >= 0]):
            heard[at, person] += voices[:, whose == person].max(axis=1)
    return heard, around


def most_heard(heard: np.ndarray, count: np.ndarray) -> np.ndarray:
    """(instants, people) bool: the ``count`` people of each instant, (instants,), that are ``heard`` most around it.

    There are more columns than people where more speak at once than there are.

    >>> most_heard(np.array([[2, 7], [1, 0]]), np.array([1, 2])).astype(int)
    array([[0, 1],
           [1, 1]])
    """
    n_columns = max(heard.shape[1], int(count.max()))
    speaks = np.zeros((len(heard), n_columns), bool)
    for start in range(0, len(heard), AT_ONCE):
        at = slice(start, start + AT_ONCE)
        likely = np.pad(heard[at].astype(np.float32), ((0, 0), (0, n_columns - heard.shape[1])))
        named = np.arange(n_columns) < count[at, None]
        np.put_along_axis(speaks[at], np.argsort(-likely, axis=1), named, axis=1)
    return speaks
