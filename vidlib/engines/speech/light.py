"""A light engine without torch: voice activity by Silero, speaker embeddings by CAM++, one speaker at a time.

Every window of 1.5 s of speech gets a speaker embedding. Embeddings are clustered into speakers. Every tenth of a
second then goes to the most similar speaker by a Viterbi path, on which each change has a cost. Where speakers
overlap, there is one turn, of the louder one.

torch converts CAM++ once on a machine (see `diarization.embedding`).
"""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import pairwise

import numpy as np

from vidlib.engines.runtime.pool import Pool, Pooled
from vidlib.engines.speech import Options
from vidlib.engines.speech.diarization.clustering import cluster_speakers, cosine_similarity
from vidlib.engines.speech.diarization.embedding import SpeakerEmbedder
from vidlib.engines.speech.diarization.postprocessing import postprocess
from vidlib.engines.speech.diarization.resegmentation import embed_windows
from vidlib.engines.speech.diarization.viterbi import CELL, best_path, cell_scores, cells_of, sliding_windows
from vidlib.engines.speech.features import FRAME_RATE, count_frames
from vidlib.engines.speech.loudness import normalize_loudness
from vidlib.engines.speech.vad import CHUNK_S, VoiceActivityDetector
from vidlib.machine import devices
from vidlib.machine.devices import Device
from vidlib.media.audio import SAMPLE_RATE, Samples
from vidlib.progress import Report, quiet
from vidlib.protocols import Diarization
from vidlib.timeline import Segment, Turn, support

LOUDNESS_DB = -23.0
"""Loudness of every sound before detection (EBU R 128 has -23 LUFS); the detector misses speech that is fainter."""

ONSET, OFFSET = 0.3, 0.2
"""Probabilities at which speech starts and ends. The defaults of Silero, 0.5 and 0.35, miss more distant speech."""

WINDOW, STEP = 150, 50
"""Feature frames (of 10 ms) of an embedding's window, and from one to the next.

Of 1, 1.5 and 2 s, 1.5 s was measured best: long enough to know a speaker, short enough for short turns.
"""

MIN_TRUSTED_FRAMES = 100
"""Shortest window whose embedding forms clusters; that of a shorter one only joins them."""

THRESHOLD_SHARE = 0.93
"""Factor on the threshold, so that it finds the same speakers as in pyannote.

The clusters here merge by the mean of all pairs, those of pyannote by the farthest pair.
"""


class Light(Pooled):
    """See `Diarizer`. Runs in ONNX Runtime on the CPU, one window on each core.

    Every turn has a confidence of 1, because this engine has no measure of it.
    """

    name = "light"
    device: Device = "cpu"

    def __init__(self, options: Options):
        self._options = options
        self._detector, self._embedder = VoiceActivityDetector(), SpeakerEmbedder()
        self._pool = Pool(nullcontext, devices.cores())

    def diarize(
        self, waveform: Samples, *, min_speakers: int = 1, max_speakers: int | None = None, report: Report = quiet
    ) -> Diarization:
        """See `Diarizer.diarize`."""
        duration_s, options = len(waveform) / SAMPLE_RATE, self._options
        sound = normalize_loudness(waveform, LOUDNESS_DB)
        speech = _speech(self._detector.speech_probability(sound), options.min_gap_s)
        report(0, duration_s)
        turns = self._turns(sound, speech, min_speakers, max_speakers)
        report(duration_s, duration_s)
        return postprocess(
            turns,
            duration_s,
            min_gap_s=options.min_gap_s,
            min_turn_s=options.min_turn_s,
            max_speakers=max_speakers,
            unnamed=speech,
        )

    def _turns(
        self, sound: Samples, speech: Sequence[Segment], min_speakers: int, max_speakers: int | None
    ) -> list[Turn]:
        """Who speaks within the segments of ``speech``; nobody where each is too short for an embedding."""
        n_frames = count_frames(sound)
        windows = [window for segment in speech for window in sliding_windows(segment, n_frames, WINDOW, STEP)]
        if not windows:
            return []
        embeddings = embed_windows(sound, windows, self._embed)
        trusted = np.array([stop - first >= MIN_TRUSTED_FRAMES for first, stop in windows])
        threshold = self._options.threshold * THRESHOLD_SHARE
        centroids = cluster_speakers(embeddings, trusted, threshold, min_speakers, max_speakers)
        scores = cell_scores(windows, cosine_similarity(embeddings, centroids), n_frames)
        return [turn for segment in speech for turn in _decode(segment, scores)]

    def _embed(self, features: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack(self._pool.map(lambda _, window: self._embedder.embed(window), features))


def _speech(probability: np.ndarray, gap_s: float) -> list[Segment]:
    """The time in which anybody speaks, from the probability of each chunk; gaps up to ``gap_s`` are closed."""
    segments: list[Segment] = []
    start: int | None = None
    for chunk, value in enumerate(probability):
        if start is None and value >= ONSET:
            start = chunk
        elif start is not None and value < OFFSET:
            segments.append(Segment(start * CHUNK_S, chunk * CHUNK_S))
            start = None
    if start is not None:
        segments.append(Segment(start * CHUNK_S, len(probability) * CHUNK_S))
    return support(segments, gap_s)


def _decode(segment: Segment, scores: np.ndarray) -> Iterator[Turn]:
    """The turns within a segment of speech, by the best path through ``scores``, (cells, speakers)."""
    cells = cells_of(segment, len(scores))
    if not scores[cells].any():
        return
    path = best_path(scores[cells])
    changes = [0, *(np.flatnonzero(np.diff(path)) + 1), len(path)]
    for first, stop in pairwise(changes):
        start_s = max(segment.start_s, (cells.start + first) * CELL / FRAME_RATE)
        stop_s = segment.stop_s if stop == len(path) else (cells.start + stop) * CELL / FRAME_RATE
        if start_s < stop_s:
            yield Turn(start_s, stop_s, str(path[first]))
