"""Silero's voice activity detector: whether anybody speaks, every 32 ms.

The ONNX graph is the one inside the package silero-vad (MIT), run by ONNX Runtime.
"""

from collections.abc import Iterator

import numpy as np

from vidlib import vault
from vidlib.engines.speech.diarization.embedding import one_core
from vidlib.media.audio import SAMPLE_RATE, Samples, chunks

CHUNK = 512
"""Samples that the network hears at a time, at 16 kHz."""

CONTEXT = 64
"""Samples before those that it hears again."""

STATE = (2, 1, 128)
"""Shape of what it remembers from one chunk to the next."""

CHUNK_S = CHUNK / SAMPLE_RATE


class VoiceActivity:
    """The network on one core. It remembers nothing from one sound to the next."""

    def __init__(self) -> None:
        self._session = one_core(vault.path("voice_activity"))

    def of(self, waveform: Samples) -> np.ndarray:
        """`Samples` at 16 kHz -> (chunks of 32 ms, the last one padded,) float32 in [0, 1]."""
        state, rate, speech = np.zeros(STATE, np.float32), np.array(SAMPLE_RATE, np.int64), []
        for chunk in _chunks(waveform):
            found, state = self._session.run(None, {"input": chunk[None], "state": state, "sr": rate})
            speech.append(found[0, 0])
        return np.array(speech, np.float32)


def _chunks(waveform: Samples) -> Iterator[np.ndarray]:
    """(CONTEXT + CHUNK,) each: what the network hears; silence before and after the sound."""
    before = np.zeros(CONTEXT, np.float32)
    for part in chunks(waveform):  # all but the last hold whole chunks
        heard = np.concatenate([before, part, np.zeros(-len(part) % CHUNK, np.float32)])
        for start in range(0, len(heard) - CONTEXT, CHUNK):
            yield heard[start : start + CONTEXT + CHUNK]
        before = heard[-CONTEXT:]
