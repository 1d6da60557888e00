"""A light engine: Silero's voice activity and voice prints of CAM++, without torch; one voice at a time.

Where somebody speaks, a voice print is taken from every window of a second or so. Windows are clustered into people;
then every tenth of a second goes to the person whose voice the windows around it resemble most, with a price on each
change of the speaker (a Viterbi path). People who speak at once are one turn, of whoever is louder.

torch is needed once on a machine, to convert CAM++ (see `voice_prints`).
"""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import pairwise
from typing import Self

import numpy as np

from vidlib.engines.runtime.pool import Pool
from vidlib.engines.speech import Diarization, Options, Voiced, diarization, joined
from vidlib.engines.speech.diarization.clustering import clusters, likeness
from vidlib.engines.speech.diarization.embedding import VoicePrints
from vidlib.engines.speech.diarization.resegmentation import printed
from vidlib.engines.speech.diarization.viterbi import CELL, cells, cells_of, path, windows
from vidlib.engines.speech.features import FRAME_RATE, count_frames
from vidlib.engines.speech.loudness import at_loudness
from vidlib.engines.speech.vad import CHUNK_S, VoiceActivity
from vidlib.errors import EngineUnavailable
from vidlib.machine import devices
from vidlib.machine.devices import Device
from vidlib.media.audio import SAMPLE_RATE, Samples
from vidlib.progress import Report, quiet

LOUDNESS_DB = -23.0
"""What every sound is brought to (EBU R 128 says -23 LUFS): the detector hears faint speech only if it is louder."""

ONSET, OFFSET = 0.3, 0.2
"""Probabilities of speech at which it begins and ends. Silero's own, 0.5 and 0.35, miss more of voices far away."""

WINDOW, STEP = 150, 50
"""Frames (of 10 ms) that a voice print is taken from, and from one window to the next: long enough to know a voice,
short enough for short turns (of 1, 1.5 and 2 s, measured)."""

TRUSTED = 100
"""Frames below which a voice print makes nobody, but is given to somebody."""

THRESHOLD_SHARE = 0.93
"""Part of the threshold that is used here: these clusters are joined by the mean of all pairs, pyannote's by the
farthest one, and both are to mean the same people."""


class Light:
    """See `Diarizer`: ONNX Runtime on the CPU, one core a window, as many windows at once as there are cores.

    It does not say how sure it is: every turn has a confidence of 1.
    """

    name = "light"

    def __init__(self, device: Device, options: Options):
        if device != "cpu":
            raise EngineUnavailable(f"engine 'light' runs on the CPU, not on {device!r}")
        self.device, self._options = device, options
        self._activity, self._prints = VoiceActivity(), VoicePrints()
        self._threads = Pool(nullcontext, devices.cores())

    def diarize(
        self, waveform: Samples, *, min_speakers: int = 1, max_speakers: int | None = None, report: Report = quiet
    ) -> Diarization:
        """See `Diarizer.diarize`."""
        duration_s, options = len(waveform) / SAMPLE_RATE, self._options
        sound = at_loudness(waveform, LOUDNESS_DB)
        spoken, n_frames = _spoken(self._activity.of(sound), options.min_gap_s), count_frames(sound)
        found = [window for span in spoken for window in windows(span, n_frames, WINDOW, STEP)]
        report(0, duration_s)
        voiced: list[Voiced] = [(start, stop, None) for start, stop in spoken]
        if found:
            prints = printed(sound, found, self._all_prints)
            long = np.array([stop - first >= TRUSTED for first, stop in found])
            threshold = options.threshold * THRESHOLD_SHARE
            people = clusters(prints, long, threshold, min_speakers, max_speakers)
            heard = cells(found, likeness(prints, people), n_frames)
            voiced += [turn for span in spoken for turn in _assigned(span, heard)]
        report(duration_s, duration_s)
        return diarization(voiced, duration_s, options.min_gap_s, options.min_turn_s, max_speakers)

    def _all_prints(self, features: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack(self._threads.map(lambda _, piece: self._prints.of(piece), features))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._threads.__exit__(*exception)


def _spoken(activity: np.ndarray, gap_s: float) -> list[tuple[float, float]]:
    """From when to when anybody speaks, in seconds, pauses up to ``gap_s`` left out of account."""
    spans, began = [], None
    for number, probability in enumerate(activity):
        if began is None and probability >= ONSET:
            began = number
        elif began is not None and probability < OFFSET:
            spans.append((began * CHUNK_S, number * CHUNK_S))
            began = None
    if began is not None:
        spans.append((began * CHUNK_S, len(activity) * CHUNK_S))
    return joined(spans, gap_s)


def _assigned(span: tuple[float, float], heard: np.ndarray) -> Iterator[Voiced]:
    """Who speaks from when to when within a ``span`` of speech; ``heard`` is (cells, people)."""
    own = cells_of(span, len(heard))
    if not heard[own].any():
        return
    people = path(heard[own])
    changes = [0, *(np.flatnonzero(np.diff(people)) + 1), len(people)]
    for begin, end in pairwise(changes):
        start_s = max(span[0], (own.start + begin) * CELL / FRAME_RATE)
        stop_s = span[1] if end == len(people) else (own.start + end) * CELL / FRAME_RATE
        if start_s < stop_s:
            yield start_s, stop_s, str(people[begin])
