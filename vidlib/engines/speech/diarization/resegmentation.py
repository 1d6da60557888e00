"""A second hearing: who of the people that were found speaks in each instant, by voice prints of one second.

The pipeline's network sometimes takes two people for one voice throughout ten seconds, however different they sound.
So every second of speech is compared with all of the people, together with what the network said; from the result each
person's voice is learnt anew, once, and compared again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from vidlib.engines.speech.diarization.clustering import likeness, unit
from vidlib.engines.speech.diarization.splitting import split
from vidlib.engines.speech.diarization.viterbi import CELL, Window, cells, cells_of, path, windows
from vidlib.engines.speech.features import FRAME_RATE, count_frames, log_mel_of
from vidlib.media.audio import Samples

WINDOW, STEP = 100, 25
"""Frames (of 10 ms) that a voice print is taken from, and from one to the next: longer ones blur short turns."""

AT_ONCE = 200
"""Windows whose features are in memory together, 6 MB."""

VOTE_WEIGHT = 0.15
"""What it counts that all windows of the network agree, in units of likeness (a cosine). From 0.1 to 0.2 little changes
(docs/audio.md); without it, short turns go to the wrong person, from 0.3 on the mistakes of the network stay."""

SHARPNESS = 10.0
"""How sure a difference in likeness is: one of 0.1 is e to 1."""

Prints = Callable[[Sequence[np.ndarray]], np.ndarray]
"""(frames, 80) log-mel features each -> (n, 192) voice prints."""


@dataclass(frozen=True)
class Heard:
    """What the network heard: for each instant, of ``times`` in seconds, who speaks, (instants, people) bool, and the
    part of the windows around that hear each of them, (instants, people) in [0, 1]."""

    times: np.ndarray
    speaks: np.ndarray
    votes: np.ndarray


def hear_again(
    sound: Samples, people: np.ndarray, heard: Heard, gap_s: float, prints: Prints, most: int | None = None
) -> Heard:
    """``heard``, corrected: as many speak in each instant as before, and votes are averaged with the voice prints.

    ``sound`` are samples at 16 kHz, ``people`` what each sounds like, (people, 192). Whoever is two people becomes
    two (see `voice_split`), up to ``most``: the new ones come after the others.
    """
    n_frames = count_frames(sound)
    spans = _spoken(heard, gap_s)
    found = [window for span in spans for window in windows(span, n_frames, WINDOW, STEP)]
    if not found:
        return heard
    voices = printed(sound, found, prints)
    at = np.minimum((heard.times * FRAME_RATE / CELL).astype(int), -(-n_frames // CELL))
    votes = _votes_of_cells(heard, at, -(-n_frames // CELL) + 1)
    alike = cells(found, likeness(voices, unit(people)), n_frames)
    who = _who(spans, alike + VOTE_WEIGHT * votes)
    whose, origins = split(voices, _whose(found, who), len(people), most)
    alike = cells(found, likeness(voices, _learnt(voices, whose, people[origins])), n_frames)
    who = _who(spans, alike + VOTE_WEIGHT * votes[:, origins])
    heard = Heard(heard.times, _none_new(heard.speaks, len(origins)), heard.votes[:, origins])
    return Heard(heard.times, _replaced(heard, who[at], origins), _averaged(heard.votes, alike, at))


def _spoken(heard: Heard, gap_s: float) -> list[tuple[float, float]]:
    """From when to when anybody speaks, in seconds; pauses up to ``gap_s`` are closed."""
    # as `joined` would do with a span for each instant, of which there are 200,000 in an hour
    half_s = (heard.times[1] - heard.times[0]) / 2 if len(heard.times) > 1 else 0.0
    spoken = np.maximum(heard.times[heard.speaks.any(axis=1)], half_s)
    starts, stops = spoken - half_s, spoken + half_s
    pauses = np.flatnonzero(starts[1:] - stops[:-1] > gap_s)
    first, last = np.append(0, pauses + 1), np.append(pauses, len(spoken) - 1)
    return list(zip(starts[first], stops[last], strict=True)) if len(spoken) else []


def printed(sound: Samples, found: Sequence[Window], prints: Prints) -> np.ndarray:
    """The voice print of each window, (n, 192); features are made for a few at a time, as all of a film are large."""
    parts = [found[start : start + AT_ONCE] for start in range(0, len(found), AT_ONCE)]
    return np.concatenate([prints([log_mel_of(sound, *window) for window in part]) for part in parts])


def _votes_of_cells(heard: Heard, at: np.ndarray, n_cells: int) -> np.ndarray:
    """(cells, people): the mean of the votes in each cell; ``at`` is the cell of each instant."""
    count = np.bincount(at, minlength=n_cells)[:, None]
    sums = [np.bincount(at, weights=votes, minlength=n_cells) for votes in heard.votes.T]
    return np.stack(sums, axis=1) / np.maximum(count, 1)


def _who(spans: Sequence[tuple[float, float]], scores: np.ndarray) -> np.ndarray:
    """(cells,): the person who speaks in each cell; -1 where nobody does."""
    who = np.full(len(scores), -1)
    for span in spans:
        own = cells_of(span, len(scores))
        who[own] = path(scores[own])
    return who


def _whose(found: Sequence[Window], who: np.ndarray) -> np.ndarray:
    """(windows,): the person who speaks throughout each whole window; -1 where nobody does, or several."""
    whose = np.full(len(found), -1)
    for n, (first, stop) in enumerate(found):
        cell = who[first // CELL : -(-stop // CELL)]
        if stop - first >= WINDOW and (cell == cell[0]).all():
            whose[n] = cell[0]
    return whose


def _learnt(voices: np.ndarray, whose: np.ndarray, people: np.ndarray) -> np.ndarray:
    """(people, 192): what each sounds like in the windows that are all theirs; as before if there are none."""
    own, single = [whose == person for person in range(len(people))], unit(voices)
    return unit(np.stack([single[mine].mean(axis=0) if mine.any() else people[n] for n, mine in enumerate(own)]))


def _none_new(speaks: np.ndarray, n_people: int) -> np.ndarray:
    """Who speaks, (instants, n_people): of those who were split off, nobody yet."""
    return np.pad(speaks, ((0, 0), (0, n_people - speaks.shape[1])))


def _replaced(heard: Heard, who: np.ndarray, origins: Sequence[int]) -> np.ndarray:
    """Who speaks in each instant, where ``who`` does for sure: in place of whom they were split from, else of the one
    with the fewest votes."""
    speaks = heard.speaks.copy()
    for instant in np.flatnonzero((who >= 0) & speaks.any(axis=1)):
        if not speaks[instant, who[instant]]:
            present = np.flatnonzero(speaks[instant])
            before = origins[who[instant]]
            gone = before if before in present else present[heard.votes[instant, present].argmin()]
            speaks[instant, gone] = False
            speaks[instant, who[instant]] = True
    return speaks


def _averaged(votes: np.ndarray, alike: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The mean of votes and of how sure the voice prints are; votes alone where there are no prints.

    ``votes`` is (instants, people), ``alike`` (cells, people); ``at`` is the cell of each instant.
    """
    share = np.exp(SHARPNESS * (alike - alike.max(axis=1, keepdims=True)))
    share /= share.sum(axis=1, keepdims=True)
    known = alike.any(axis=1)[at]
    averaged = votes.copy()
    for votes_for, shares in zip(averaged.T, share.T, strict=True):  # one person at a time: it bounds memory
        votes_for[known] = (votes_for[known] + shares[at[known]]) / 2
    return averaged
