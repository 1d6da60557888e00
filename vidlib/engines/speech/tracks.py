"""The audio tracks that together hold the speech of a video.

A delivery may have a silent first track, music and dialogue apart, a microphone for each person, or dubbed versions.
"""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from vidlib.engines.speech.loudness import normalize_loudness
from vidlib.engines.speech.vad import CHUNK_S, VoiceActivityDetector
from vidlib.media.audio import Samples

SpeechMask = NDArray[np.bool_]
"""Whether somebody speaks in each chunk of `CHUNK_S` seconds, shape (n,)."""

LOUDNESS_DB = -23.0
"""Loudness of every track before detection, in dB of full scale (EBU R 128)."""

SPEECH_PROBABILITY = 0.5
"""Probability from which a chunk is speech: the default of Silero."""

MARGIN_S = 0.3
"""Speech this near to that of another track, in seconds, is not missed: detection and dubbing differ by as much."""

MISSED_SHARE, MISSED_S = 0.05, 1.0
"""Speech that tracks may lack before another one is added: a share of all, and at least these seconds."""

LEAD_SHARE = 0.5
"""The first track with at least this share of the speech of the richest one decides the language."""


def speech_mask(sound: Samples, detector: VoiceActivityDetector) -> SpeechMask:
    """The chunks of a track in which somebody speaks."""
    return detector.speech_probability(normalize_loudness(sound, LOUDNESS_DB)) >= SPEECH_PROBABILITY


def choose(masks: Sequence[SpeechMask], languages: Sequence[str]) -> tuple[int, ...]:
    """The numbers (from 1) of the tracks to analyse; empty where nobody speaks in any.

    This is the first track that holds all speech, else the fewest tracks that do, which are then mixed. Tracks in
    another language than the first with much speech are translations and do not count.

    >>> speech, silence = np.ones(99, bool), np.zeros(99, bool)
    >>> choose([speech, speech], ["und", "und"]), choose([silence, speech], ["und", "und"])
    ((1,), (2,))
    """
    length = max((len(mask) for mask in masks), default=0)
    speech = [np.pad(mask, (0, length - len(mask))) for mask in masks]
    amounts = [int(mask.sum()) for mask in speech]
    if not any(amounts):
        return ()
    lead = next(track for track, amount in enumerate(amounts) if amount >= LEAD_SHARE * max(amounts))
    candidates = [track for track in range(len(speech)) if languages[track] == languages[lead]]
    spoken = np.any([speech[track] for track in candidates], axis=0)
    allowed = max(MISSED_SHARE * spoken.sum(), min(MISSED_S / CHUNK_S, spoken.sum() / 2))

    def missed(tracks: Collection[int]) -> int:
        return int((spoken & ~_widened(np.any([speech[track] for track in tracks], axis=0))).sum())

    if (single := next((track for track in candidates if missed([track]) <= allowed), None)) is not None:
        return (single + 1,)
    chosen = [max(candidates, key=amounts.__getitem__)]
    while missed(chosen) > allowed:
        chosen.append(min(set(candidates) - set(chosen), key=lambda track: (missed([*chosen, track]), track)))
    return tuple(sorted(track + 1 for track in chosen))


def _widened(mask: SpeechMask) -> SpeechMask:
    """The mask, with `MARGIN_S` before and after each chunk of speech."""
    reach = round(MARGIN_S / CHUNK_S)
    return np.convolve(mask, np.ones(2 * reach + 1), "same") > 0 if len(mask) > 2 * reach else mask | mask.any()
