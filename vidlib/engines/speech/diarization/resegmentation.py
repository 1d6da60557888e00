"""Resegmentation: correct who speaks in each instant, with speaker embeddings of one second.

The segmentation network sometimes takes two speakers for one throughout ten seconds, however different they sound. So
every second of speech is compared with all speakers, together with the votes of the network. Each speaker's centroid
is then estimated again from the result, and the comparison is repeated once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vidlib.engines.speech.diarization.clustering import cosine_similarity, normalized
from vidlib.engines.speech.diarization.confidence import Voices
from vidlib.engines.speech.diarization.splitting import split_clusters
from vidlib.engines.speech.diarization.viterbi import (
    CELL,
    Window,
    best_path,
    cell_scores,
    cells_of,
    count_cells,
    sliding_windows,
)
from vidlib.engines.speech.features import FRAME_RATE, count_frames, log_mel_rows
from vidlib.media.audio import Samples
from vidlib.timeline import Segment

WINDOW, STEP = 100, 25
"""Feature frames (of 10 ms) of a window, and from one to the next; longer windows blur short turns."""

BLOCK = 200
"""Windows whose features are in memory together, 6 MB."""

VOTE_WEIGHT = 0.15
"""Weight of a unanimous vote of the network, in units of similarity (a cosine).

From 0.1 to 0.2 little changes (docs/how/audio.md). Without votes, short turns go to the wrong speaker; from 0.3 on, the
mistakes of the network stay.
"""

EmbedWindows = Callable[[Sequence[np.ndarray]], np.ndarray]
"""n arrays of (frames, 80) log-mel features -> (n, 192) speaker embeddings."""


@dataclass(frozen=True)
class Activity:
    """Who speaks in each instant: ``times`` (instants,) in seconds, ``speaks`` (instants, speakers) bool.

    ``votes``, (instants, speakers) in [0, 1], is the share of the windows around an instant that hear each speaker.
    ``voices`` are the embeddings that decided, None where none did.
    """

    times: np.ndarray
    speaks: np.ndarray
    votes: np.ndarray
    voices: Voices | None = None


def resegment(
    sound: Samples,
    centroids: np.ndarray,
    activity: Activity,
    gap_s: float,
    embed: EmbedWindows,
    max_speakers: int | None = None,
) -> Activity:
    """Correct ``activity`` with speaker embeddings; the number of speakers in each instant stays.

    ``sound`` is 16 kHz, ``centroids`` are the embeddings of the speakers, (speakers, 192). Pauses up to ``gap_s`` count
    as speech. A speaker who is two is split (see `split_clusters`), up to ``max_speakers``; new columns come last.
    """
    n_frames = count_frames(sound)
    speech = _speech(activity, gap_s)
    windows = [window for segment in speech for window in sliding_windows(segment, n_frames, WINDOW, STEP)]
    if not windows:
        return activity
    embeddings = embed_windows(sound, windows, embed)
    cells = np.minimum((activity.times * FRAME_RATE / CELL).astype(int), count_cells(n_frames) - 1)
    votes = _votes_by_cell(activity.votes, cells, count_cells(n_frames))
    similarity = cell_scores(windows, cosine_similarity(embeddings, normalized(centroids)), n_frames)
    path = _decode(speech, similarity + VOTE_WEIGHT * votes)
    speakers, origins = split_clusters(embeddings, _window_speakers(windows, path), len(centroids), max_speakers)
    centroids = _reestimate(embeddings, speakers, centroids[origins])
    similarity = cell_scores(windows, cosine_similarity(embeddings, centroids), n_frames)
    path = _decode(speech, similarity + VOTE_WEIGHT * votes[:, origins])
    split = Activity(activity.times, _add_silent(activity.speaks, len(origins)), activity.votes[:, origins])
    middles_s = np.mean(windows, axis=1) / FRAME_RATE
    voices = Voices(middles_s, normalized(embeddings), centroids)
    return replace(split, speaks=_reassign(split, path[cells], origins), voices=voices)


def embed_windows(sound: Samples, windows: Sequence[Window], embed: EmbedWindows) -> np.ndarray:
    """The speaker embedding of each window, (n, 192); features of a few windows at a time bound the memory."""
    blocks = [windows[start : start + BLOCK] for start in range(0, len(windows), BLOCK)]
    return np.concatenate([embed([log_mel_rows(sound, *window) for window in block]) for block in blocks])


def _speech(activity: Activity, gap_s: float) -> list[Segment]:
    """The time in which anybody speaks; pauses up to ``gap_s`` are closed."""
    # the same as `support` of one segment for each instant, but an hour has 200,000 instants
    half_s = (activity.times[1] - activity.times[0]) / 2 if len(activity.times) > 1 else 0.0
    times = np.maximum(activity.times[activity.speaks.any(axis=1)], half_s)
    starts, stops = times - half_s, times + half_s
    pauses = np.flatnonzero(starts[1:] - stops[:-1] > gap_s)
    first, last = np.append(0, pauses + 1), np.append(pauses, len(times) - 1)
    return list(map(Segment, starts[first], stops[last])) if len(times) else []


def _votes_by_cell(votes: np.ndarray, cells: np.ndarray, n_cells: int) -> np.ndarray:
    """The mean vote in each cell, (cells, speakers), from (instants, speakers); ``cells`` has the cell of each."""
    count = np.bincount(cells, minlength=n_cells)[:, None]
    sums = [np.bincount(cells, weights=speaker_votes, minlength=n_cells) for speaker_votes in votes.T]
    return np.stack(sums, axis=1) / np.maximum(count, 1)


def _decode(speech: Sequence[Segment], scores: np.ndarray) -> np.ndarray:
    """The speaker of each cell, (cells,), by the best path through ``scores``; -1 outside of speech."""
    path = np.full(len(scores), -1)
    for segment in speech:
        cells = cells_of(segment, len(scores))
        path[cells] = best_path(scores[cells])
    return path


def _window_speakers(windows: Sequence[Window], path: np.ndarray) -> np.ndarray:
    """(windows,): the speaker of every cell of a full-length window; -1 where nobody or several speak."""
    speakers = np.full(len(windows), -1)
    for n, (first, stop) in enumerate(windows):
        within = path[first // CELL : -(-stop // CELL)]
        if stop - first >= WINDOW and (within == within[0]).all():
            speakers[n] = within[0]
    return speakers


def _reestimate(embeddings: np.ndarray, speakers: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """(speakers, 192) unit vectors: the mean embedding of the windows of each; as before without a window."""
    members = [speakers == speaker for speaker in range(len(centroids))]
    units = normalized(embeddings)
    means = [units[mine].mean(axis=0) if mine.any() else centroids[n] for n, mine in enumerate(members)]
    return normalized(np.stack(means))


def _add_silent(speaks: np.ndarray, n_speakers: int) -> np.ndarray:
    """(instants, n_speakers): ``speaks`` with a column of False for each new speaker."""
    return np.pad(speaks, ((0, 0), (0, n_speakers - speaks.shape[1])))


def _reassign(activity: Activity, path: np.ndarray, origins: Sequence[int]) -> np.ndarray:
    """(instants, speakers) bool: ``activity.speaks`` with the speaker of ``path``, (instants,), always among them.

    That speaker replaces the one from whom he or she was split, else the one with the fewest votes.
    """
    speaks = activity.speaks.copy()
    for instant in np.flatnonzero((path >= 0) & speaks.any(axis=1)):
        speaker = path[instant]
        if not speaks[instant, speaker]:
            present = np.flatnonzero(speaks[instant])
            origin = origins[speaker]
            replaced = origin if origin in present else present[activity.votes[instant, present].argmin()]
            speaks[instant, replaced] = False
            speaks[instant, speaker] = True
    return speaks
