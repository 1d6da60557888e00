"""Silero's voice activity detector: whether anybody speaks, every 32 ms.

The ONNX graph is the one inside the package silero-vad (MIT), run by ONNX Runtime.
"""

import numpy as np

from vidlib import vault
from vidlib.engines.voice_prints import one_core
from vidlib.media import SAMPLE_RATE

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

    def of(self, waveform: np.ndarray) -> np.ndarray:
        """(n,) float32 in [-1, 1], 16 kHz -> (chunks of 32 ms, the last one padded,) float32 in [0, 1]."""
        n_chunks = -(-len(waveform) // CHUNK)
        padded = np.zeros(CONTEXT + n_chunks * CHUNK, np.float32)
        padded[CONTEXT : CONTEXT + len(waveform)] = waveform
        state, rate = np.zeros(STATE, np.float32), np.array(SAMPLE_RATE, np.int64)
        speech = np.zeros(n_chunks, np.float32)
        for number in range(n_chunks):
            chunk = padded[None, number * CHUNK : (number + 1) * CHUNK + CONTEXT]
            found, state = self._session.run(None, {"input": chunk, "state": state, "sr": rate})
            speech[number] = found[0, 0]
        return speech
