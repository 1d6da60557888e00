"""Voice prints of CAM++ in ONNX Runtime: 192 numbers that say whose voice it is, without torch at run time."""

from pathlib import Path

import numpy as np
import onnxruntime

from vidlib import vault

DIMENSION = 192
"""Numbers in a voice print."""

MIN_FRAMES = 20
"""Frames (of 10 ms) below which a voice print says nothing of the voice."""


class VoicePrints:
    """The network on one core; several threads may use it at once."""

    def __init__(self) -> None:
        self._session = one_core(vault.converted("campplus.onnx", "speaker_embedding", "onnx-1", _export))

    def of(self, features: np.ndarray) -> np.ndarray:
        """(frames, 80) log-mel features of one voice, at least `MIN_FRAMES` -> (192,) float32, of no particular length.

        The mean of the features is taken over these very frames: that of more would mix in everybody else.
        """
        centred = features - features.mean(axis=0, dtype=np.float64).astype(np.float32)
        return self._session.run(None, {"features": centred[None]})[0][0]


def one_core(graph: Path) -> onnxruntime.InferenceSession:
    """A network that keeps to one core: it adds up in the same order on every machine with such cores."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # it warns of unused parts of the graphs
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _export(weights: Path, target: Path) -> None:
    # torch is needed this once: the graph is kept in the vault
    from vidlib.engines.speech.diarization import campplus

    campplus.to_onnx(weights, target)
