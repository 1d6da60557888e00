"""Voice activity detection by Silero: the probability of speech, every 32 ms.

ONNX Runtime runs the graph that the package silero-vad (MIT) contains.
"""

from collections.abc import Iterator

import numpy as np

from vidlib import vault
from vidlib.engines.speech.diarization.embedding import single_core_session
from vidlib.media.audio import SAMPLE_RATE, Samples, chunks

CHUNK = 512
"""Samples in a chunk, the input of the network, at 16 kHz."""

CONTEXT = 64
"""Samples of the chunk before that precede the input."""

STATE = (2, 1, 128)
"""Shape of the recurrent state."""

CHUNK_S = CHUNK / SAMPLE_RATE
"""Seconds in a chunk: 0.032."""


class VoiceActivityDetector:
    """The network on one core; it keeps no state from one sound to the next."""

    def __init__(self) -> None:
        self._session = single_core_session(vault.path("voice_activity"))

    def speech_probability(self, waveform: Samples) -> np.ndarray:
        """`Samples` at 16 kHz -> (chunks of 32 ms, the last one padded,) float32 in [0, 1]."""
        state, rate, speech = np.zeros(STATE, np.float32), np.array(SAMPLE_RATE, np.int64), []
        for chunk in _chunks(waveform):
            probability, state = self._session.run(None, {"input": chunk[None], "state": state, "sr": rate})
            speech.append(probability[0, 0])
        return np.array(speech, np.float32)


def _chunks(waveform: Samples) -> Iterator[np.ndarray]:
    """Inputs of the network, (CONTEXT + CHUNK,) float32 each; silence pads both ends of the sound."""
    context = np.zeros(CONTEXT, np.float32)
    for part in chunks(waveform):  # all parts but the last hold whole chunks
        padded = np.concatenate([context, part, np.zeros(-len(part) % CHUNK, np.float32)])
        for start in range(0, len(padded) - CONTEXT, CHUNK):
            yield padded[start : start + CONTEXT + CHUNK]
        context = padded[-CONTEXT:]
