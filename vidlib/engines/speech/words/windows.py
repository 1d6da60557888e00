"""Packs the speech of a video into windows for a transcriber, and brings the words back to the time of the video.

A transcriber always hears 30 s, so short turns are put together. It never hears silence, in which it would invent
words: a window has only speech, with short pauses between the pieces.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vidlib.media.audio import SAMPLE_RATE, Samples, Waveform
from vidlib.timeline import Segment, Turns, Word, nearby, support

MAX_WINDOW_S = 28.0
"""Longest window, in seconds: 30 s less a margin for the end of the last word."""

MARGIN_S = 0.3
"""Sound before and after each stretch of speech, in seconds, because turns may begin late and end early."""

MAX_GAP_S = 1.0
"""Pauses up to this length stay as they are, in seconds; longer ones are cut out."""

PAUSE_S = 1.0
"""Silence between two pieces of a window, in seconds; with less, Whisper takes them for one sentence."""

SPLIT_FROM = 0.6
"""Longer speech is cut at the quietest moment of the window's last part, from this share of the window on."""

QUIET_S = 0.1
"""Length of a moment, in seconds."""

MIN_WORD_S = 0.02
"""Shortest word, in seconds: the resolution of the alignment."""


@dataclass(frozen=True)
class Piece:
    """A stretch of the sound that begins ``offset_s`` seconds into its window."""

    segment: Segment
    offset_s: float


@dataclass(frozen=True)
class Window:
    """Pieces of speech that are transcribed together, in order of time."""

    pieces: tuple[Piece, ...]

    @property
    def duration_s(self) -> float:
        """Length in seconds, with the silence between the pieces."""
        last = self.pieces[-1]
        return last.offset_s + last.segment.duration_s

    def sound(self, waveform: Samples) -> Waveform:
        """The sound of the window, (n,) float32."""
        sound = np.zeros(round(self.duration_s * SAMPLE_RATE), np.float32)
        for piece in self.pieces:
            samples = waveform[round(piece.segment.start_s * SAMPLE_RATE) : round(piece.segment.stop_s * SAMPLE_RATE)]
            first = round(piece.offset_s * SAMPLE_RATE)
            sound[first : first + len(samples)] = samples[: len(sound) - first]
        return sound

    def original(self, start_s: float, stop_s: float) -> Segment:
        """The time in the video of a word, in seconds of this window; it lies in the piece that has its middle."""
        middle_s = (start_s + stop_s) / 2
        piece = next((p for p in reversed(self.pieces) if p.offset_s <= middle_s), self.pieces[0])
        shift_s = piece.segment.start_s - piece.offset_s
        return clamped(Segment(start_s + shift_s, stop_s + shift_s), piece.segment)


def clamped(word: Segment, limits: Segment) -> Segment:
    """The part of ``word`` within ``limits``; at their nearer edge, and very short, if there is none."""
    start_s = min(max(word.start_s, limits.start_s), max(limits.start_s, limits.stop_s - MIN_WORD_S))
    return Segment(start_s, min(max(word.stop_s, start_s + MIN_WORD_S), limits.stop_s))


def pack(speech: Sequence[Segment], waveform: Samples) -> list[Window]:
    """Windows of at most `MAX_WINDOW_S` that together hold all ``speech``, in order of time."""
    duration_s = len(waveform) / SAMPLE_RATE
    wider = [Segment(max(0.0, s.start_s - MARGIN_S), min(duration_s, s.stop_s + MARGIN_S)) for s in speech]
    stretches = support(filter(lambda s: s.start_s < s.stop_s, wider), MAX_GAP_S - 2 * MARGIN_S)
    windows: list[list[Piece]] = []
    for segment in (part for stretch in stretches for part in _split(stretch, waveform)):
        offset_s = 0.0
        if windows:
            last = windows[-1][-1]
            offset_s = last.offset_s + last.segment.duration_s + PAUSE_S
        if not windows or offset_s + segment.duration_s > MAX_WINDOW_S:
            windows.append([Piece(segment, 0.0)])
        else:
            windows[-1].append(Piece(segment, offset_s))
    return [Window(tuple(pieces)) for pieces in windows]


def _split(stretch: Segment, waveform: Samples) -> list[Segment]:
    """Parts of ``stretch`` that fit into a window, cut where the sound is quietest."""
    parts = []
    while stretch.duration_s > MAX_WINDOW_S:
        earliest_s = stretch.start_s + SPLIT_FROM * MAX_WINDOW_S
        cut_s = _quietest(waveform, earliest_s, stretch.start_s + MAX_WINDOW_S)
        parts.append(Segment(stretch.start_s, cut_s))
        stretch = Segment(cut_s, stretch.stop_s)
    return [*parts, stretch]


def _quietest(waveform: Samples, start_s: float, stop_s: float) -> float:
    """The middle of the moment with the least energy between two times, in seconds."""
    length = round(QUIET_S * SAMPLE_RATE)
    samples = waveform[round(start_s * SAMPLE_RATE) : round(stop_s * SAMPLE_RATE)]
    moments = samples[: len(samples) // length * length].reshape(-1, length).astype(np.float64)
    return start_s + (int((moments**2).sum(axis=1).argmin()) + 0.5) * QUIET_S


def assign_speakers(words: Sequence[Word], turns: Turns) -> list[Word]:
    """Each word with the speaker of the turn that it lies in, cut to that turn; others keep their time and no speaker.

    Where several speak at once, the turn with more confidence gets the word. Words are in order of time.
    """
    segments = [Segment(word.start_s, word.stop_s) for word in words]
    return [
        _assigned(word, segment, around)
        for word, segment, around in zip(words, segments, nearby(segments, turns, MARGIN_S), strict=True)
    ]


def _assigned(word: Word, segment: Segment, turns: Turns) -> Word:
    if not turns:
        return word
    turn = min(turns, key=lambda turn: (_missing_s(segment, turn.segment), -turn.confidence))
    start_s, stop_s = clamped(segment, turn.segment)
    return Word(round(start_s, 3), round(stop_s, 3), word.text, turn.speaker, word.confidence)


def _missing_s(word: Segment, turn: Segment) -> float:
    """Seconds of a word outside a turn, and seconds between both."""
    shared = word & turn
    gap_s = max(0.0, word.gap_to(turn), turn.gap_to(word))
    return round(word.duration_s - (shared.duration_s if shared else 0.0) + gap_s, 3)
